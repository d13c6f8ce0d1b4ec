//! Who may come in: the signature of each request, validation data used once, one token at a time.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::RngCore as _;
use sha1::{Digest as _, Sha1};

use super::codes::{self, Refusal};
use super::config::{Credentials, RateLimit};

/// What a request shows at the gate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shown<'a> {
    pub validation_data: Option<&'a [u8]>,
    pub signature: Option<&'a [u8]>,
    pub authorization: Option<&'a str>,
}

/// The memory of the gate.
pub(super) struct Gate {
    credentials: Credentials,
    token_lifetime: Duration,
    used: HashSet<[u8; 20]>,
    token: Option<Token>,
    rate: Option<Rate>,
}

struct Token {
    text: String,
    issued: Instant,
}

/// A bucket of requests that fills by `per_second`, and holds as many.
#[derive(Debug)]
struct Rate {
    limit: RateLimit,
    micro_requests: u128,
    seen: Instant,
}

/// The fields of a token request.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct TokenForm {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

impl Gate {
    pub(super) fn new(credentials: Credentials, token_lifetime_s: u32, rate: Option<RateLimit>) -> Self {
        let mut gate = Self {
            credentials,
            token_lifetime: Duration::from_secs(token_lifetime_s.into()),
            used: HashSet::new(),
            token: None,
            rate: None,
        };
        gate.set_rate_limit(rate);
        gate
    }

    pub(super) fn set_rate_limit(&mut self, limit: Option<RateLimit>) {
        let now = Instant::now();
        self.rate =
            limit.map(|limit| Rate { limit, micro_requests: u128::from(limit.per_second) * 1_000_000, seen: now });
    }

    pub(super) fn username(&self) -> &str {
        &self.credentials.username
    }

    /// Counts the request against the rate limit; the limit when it is over.
    pub(super) fn throttle(&mut self) -> Option<RateLimit> {
        let rate = self.rate.as_mut()?;
        let per_second = u128::from(rate.limit.per_second);
        let now = Instant::now();
        let filled = now.duration_since(rate.seen).as_micros() * per_second;
        rate.micro_requests = (rate.micro_requests + filled).min(per_second * 1_000_000);
        rate.seen = now;
        if rate.micro_requests < 1_000_000 {
            return Some(rate.limit);
        }
        rate.micro_requests -= 1_000_000;
        None
    }

    /// Checks the signature, and that its validation data is new.
    pub(super) fn check_signature(&mut self, shown: Shown<'_>) -> Result<(), Refusal> {
        let (Some(data), Some(signature)) = (shown.validation_data, shown.signature) else {
            let nothing = shown.validation_data.is_none() && shown.signature.is_none() && shown.authorization.is_none();
            return Err(if nothing { codes::ACCESS_DENIED } else { codes::BAD_SIGNATURE });
        };
        let signature = STANDARD.decode(signature).map_err(|_| codes::BAD_SIGNATURE)?;
        if data.is_empty() || !self.credentials.public_key.verifies(data, &signature) {
            return Err(codes::BAD_SIGNATURE);
        }
        if self.used.insert(Sha1::digest(data).into()) { Ok(()) } else { Err(codes::VALIDATION_DATA_USED) }
    }

    /// Checks the token.
    pub(super) fn check_token(&self, shown: Shown<'_>) -> Result<(), Refusal> {
        let bearer = shown.authorization.and_then(|text| text.split_once(' '));
        let (_, text) =
            bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).ok_or(codes::INVALID_TOKEN)?;
        let valid = |token: &&Token| token.text == text.trim() && token.issued.elapsed() < self.token_lifetime;
        self.token.as_ref().filter(valid).map(|_| ()).ok_or(codes::INVALID_TOKEN)
    }

    /// Issues a token; the one before is obsolete at once. The body of the answer.
    pub(super) fn issue_token(&mut self, form: &TokenForm) -> Result<String, Refusal> {
        let known = &self.credentials;
        let is = |sent: &Option<String>, known: &str| sent.as_deref() == Some(known);
        if !is(&form.grant_type, "password") || form.client_id.is_none() || form.username.is_none() {
            return Err(codes::INVALID_REQUEST);
        }
        if !is(&form.client_id, &known.client_id) || !is(&form.client_secret, &known.client_secret) {
            return Err(codes::INVALID_CLIENT);
        }
        if !is(&form.username, &known.username) || !is(&form.password, &known.password) {
            return Err(codes::INVALID_GRANT);
        }
        let text = random_hex();
        let lifetime_s = self.token_lifetime.as_secs();
        let refresh = random_hex();
        let body = format!(
            r#"{{"access_token":"{text}","expires_in":{lifetime_s},"token_type":"bearer","refresh_token":"{refresh}"}}"#
        );
        self.token = Some(Token { text, issued: Instant::now() });
        Ok(body)
    }

    /// Makes the token obsolete.
    pub(super) fn revoke_token(&mut self) {
        self.token = None;
    }
}

fn random_hex() -> String {
    let mut bytes = [0; 20];
    rand::rngs::OsRng.fill_bytes(&mut bytes);
    super::envelope::hex(&bytes)
}
