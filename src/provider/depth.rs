//! How deep a JSON text nests, before anything that recurses reads it.

use memchr::memchr2;

/// Whether `json` nests at most `depth_max` arrays and objects. Brackets in strings do not count. It answers for any
/// bytes; whether they are JSON is for the parser to say.
///
/// # Errors
/// The offset of the bracket that goes deeper.
pub fn check_depth(json: &[u8], depth_max: u32) -> Result<(), usize> {
    let (mut depth, mut at) = (0_u32, 0);
    while let Some(byte) = json.get(at) {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > depth_max {
                    return Err(at);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => at = string_end(json, at + 1),
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// The offset of the quote that ends the string begun before `at`; the end of the text when none does.
fn string_end(json: &[u8], mut at: usize) -> usize {
    while let Some(found) = json.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        let stop = at + found;
        if json[stop] == b'"' {
            return stop;
        }
        at = stop + 2;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_outside_strings_only() {
        assert_eq!(check_depth(br#"{"a":[1,{"b":[]}]}"#, 4), Ok(()));
        assert_eq!(check_depth(br#"{"a":[1,{"b":[]}]}"#, 3), Err(13));
        assert_eq!(check_depth(br#"["[[[[","]]","\"[[","\\"]"#, 1), Ok(()));
        assert_eq!(check_depth(br#"["\\",[]]"#, 1), Err(6));
        assert_eq!(check_depth(b"1", 0), Ok(()));
    }

    #[test]
    fn any_bytes_are_answered() {
        for text in [&b""[..], b"\"", b"\"\\", b"]]]", b"\"\\\"", b"\xff["] {
            assert_eq!(check_depth(text, 1), Ok(()), "{text:?}");
        }
        assert_eq!(check_depth("[".repeat(100_000).as_bytes(), 64), Err(64));
    }
}
