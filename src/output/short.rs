//! Texts of a few bytes, as most cells are: copied in words, which takes less time than the call that copies any number.

/// Appends `text`.
#[inline]
pub(super) fn push(out: &mut Vec<u8>, text: &[u8]) {
    let begin = out.len();
    match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(first), Some(last)) if text.len() <= 16 => {
            out.extend_from_slice(first);
            // The second word ends where the text does; what both hold is the same.
            out.truncate(begin + text.len() - 8);
            out.extend_from_slice(last);
        }
        (None, None) => match (text.first_chunk::<4>(), text.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                out.extend_from_slice(first);
                out.truncate(begin + text.len() - 4);
                out.extend_from_slice(last);
            }
            _ => text.iter().for_each(|byte| out.push(*byte)),
        },
        _ => out.extend_from_slice(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_copied_whole() {
        let text: Vec<u8> = (0..40).collect();
        let mut out = Vec::new();
        for length in 0..=text.len() {
            push(&mut out, &text[..length]);
            assert_eq!(out.split_off(0), text[..length]);
            out.extend_from_slice(b"before");
            push(&mut out, &text[..length]);
            assert_eq!(out.split_off(6), text[..length]);
            out.clear();
        }
    }
}
