//! The envelope around every answer.

use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::codes::Refusal;
use super::json::quote;

/// The first request has the id of the cookbook's first, one more than this.
const REQUEST_ID_FIRST: u64 = 90_466;

/// What is wrong with an envelope.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wrong {
    /// The hash is that of somebody else.
    pub forged: bool,
    /// Seconds that its clock is ahead.
    pub ahead_s: i64,
}

/// Wraps a body now.
pub(super) fn wrap(body: &str, number: u64, username: &str, wrong: Wrong) -> String {
    let timestamp = timestamp(wrong.ahead_s);
    if wrong.forged {
        wrap_at(body, number, &timestamp, "somebody-else")
    } else {
        wrap_at(body, number, &timestamp, username)
    }
}

/// Wraps a body at a time, as it is to be printed.
pub(super) fn wrap_at(body: &str, number: u64, timestamp: &str, username: &str) -> String {
    let hash = hex(&Sha256::digest(format!("{timestamp}|{username}")));
    let request_id = REQUEST_ID_FIRST + number;
    format!(
        r#"{{"request_id":{request_id},"type_response":"sync","timestamp":{timestamp},"hash":"{hash}","body":{body}}}"#
    )
}

/// The body of a refusal.
pub(super) fn refusal_body(refusal: Refusal) -> String {
    let Refusal { code, exception, message, .. } = refusal;
    let message = quote(message, true);
    format!(r#"{{"error":{{"code":{code},"message":{message},"exception":"{exception}"}}}}"#)
}

/// Seconds since 1970 as PHP prints `microtime(true)` with 14 digits: four decimals, the last zeros left out.
fn timestamp(ahead_s: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock shows a time after 1970");
    let ahead = i128::from(ahead_s) * 10_000;
    let shown = i128::try_from(now.as_micros() / 100).expect("this age has fewer moments") + ahead;
    php_float(shown.max(0).unsigned_abs())
}

/// Ten-thousandths of a second as PHP prints a float.
pub(super) fn php_float(ten_thousandths: u128) -> String {
    let text = format!("{}.{:04}", ten_thousandths / 10_000, ten_thousandths % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_lose_their_last_zeros_as_in_php() {
        assert_eq!(php_float(14_875_878_136_616), "1487587813.6616");
        assert_eq!(php_float(14_875_878_136_600), "1487587813.66");
        assert_eq!(php_float(14_875_878_130_000), "1487587813");
        assert_eq!(php_float(14_875_878_130_001), "1487587813.0001");
    }

    #[test]
    fn the_hash_is_that_of_the_known_vector() {
        let expected = "2a48975b97eb24a16550e1412210b9a221c6f453a24ae52b3e8fcca59c5b4803";
        assert_eq!(hex(&Sha256::digest("1234|some-username")), expected);
    }
}
