//! Who asks and who answers: the headers of a signed request, the token's form, and the hash of an answer.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::wire::{Envelope, scalar};
use crate::job::Connection;
use crate::provider::signer::Signature;

/// Path of the token request; it carries no version.
pub const TOKEN_TARGET: &str = "/oauth/v2/token";

/// The headers of one attempt: the signature, and the token unless it is a token that is asked for.
pub fn headers(signature: &Signature, token: Option<&SecretString>) -> Vec<(HeaderName, HeaderValue)> {
    let plain = |text: &str| HeaderValue::from_str(text).expect("hexadecimal and base64 are header text");
    let mut headers = vec![
        (HeaderName::from_static("x-validation-data"), plain(&signature.validation_data)),
        (HeaderName::from_static("x-signed-request"), plain(&signature.signed_request)),
    ];
    if let Some(token) = token {
        // Checked when the token was granted.
        let mut value = plain(&format!("Bearer {}", token.expose_secret()));
        value.set_sensitive(true);
        headers.push((AUTHORIZATION, value));
    }
    headers
}

/// Whether a token can stand in a header at all.
pub fn is_header_text(token: &str) -> bool {
    HeaderValue::from_str(token).is_ok()
}

/// The form of the password grant.
pub fn token_form(connection: &Connection) -> [(&str, &str); 5] {
    [
        ("grant_type", "password"),
        ("client_id", &connection.client_id),
        ("client_secret", connection.client_secret.expose_secret()),
        ("username", &connection.username),
        ("password", connection.password.expose_secret()),
    ]
}

/// Checks an answer's hash: SHA-256 of `timestamp|username`, over the timestamp's own text. It shows who answered, not
/// that the answer is whole.
///
/// # Errors
/// Says what is missing or does not fit.
pub fn check_hash(envelope: &Envelope<'_>, username: &str) -> Result<(), String> {
    let timestamp = envelope.timestamp.and_then(scalar).ok_or("expected a timestamp in the envelope")?;
    let sent = envelope.hash.and_then(scalar).ok_or("expected a hash in the envelope")?;
    if hash_of(&timestamp, username).eq_ignore_ascii_case(sent.trim()) {
        return Ok(());
    }
    Err(format!(
        "expected the envelope's hash to be that of its timestamp {timestamp} and the user '{username}', but it is not: \
         the answer cannot be trusted"
    ))
}

/// The hash of an envelope: hex SHA-256 of `timestamp|username`, over the timestamp exactly as it is printed.
pub fn hash_of(timestamp: &str, username: &str) -> String {
    format!("{:x}", Sha256::digest(format!("{timestamp}|{username}")))
}

/// Whole seconds since 1970 of an envelope's timestamp.
pub fn timestamp_s(timestamp: &RawValue) -> Option<i64> {
    let text = scalar(timestamp)?;
    text.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::anytime::wire;

    const HASH: &str = "2a48975b97eb24a16550e1412210b9a221c6f453a24ae52b3e8fcca59c5b4803";

    fn check(text: &str) -> Result<(), String> {
        check_hash(&wire::envelope(text).expect("an envelope"), "some-username")
    }

    #[test]
    fn the_known_vector_holds() {
        assert_eq!(hash_of("1234", "some-username"), HASH);
        assert_eq!(check(&format!(r#"{{"timestamp":1234,"hash":"{HASH}"}}"#)), Ok(()));
        assert_eq!(check(&format!(r#"{{"timestamp":"1234","hash":"{}"}}"#, HASH.to_uppercase())), Ok(()));
    }

    #[test]
    fn the_timestamp_counts_as_it_is_printed() {
        for timestamp in ["1487588973.7973", "1487588973.7970", "1.4875889737973e9", "1487588973.79729999999"] {
            let hash = hash_of(timestamp, "some-username");
            assert_eq!(check(&format!(r#"{{"timestamp":{timestamp},"hash":"{hash}"}}"#)), Ok(()), "{timestamp}");
        }
        let hash = hash_of("1487588973.797", "some-username");
        assert!(check(&format!(r#"{{"timestamp":1487588973.7970,"hash":"{hash}"}}"#)).is_err());
    }

    #[test]
    fn what_does_not_fit_is_told() {
        assert!(check(&format!(r#"{{"timestamp":1235,"hash":"{HASH}"}}"#)).expect_err("wrong").contains("trusted"));
        assert!(check(r#"{"timestamp":1234}"#).expect_err("no hash").contains("a hash"));
        assert!(check(&format!(r#"{{"timestamp":null,"hash":"{HASH}"}}"#)).expect_err("none").contains("a timestamp"));
    }
}
