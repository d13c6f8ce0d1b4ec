//! One call to the provider: gate, token, signature, send, judge, land; and again, where that may help.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rsa::traits::PublicKeyParts;
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;

use super::auth;
use super::codes;
use super::sender::{Sender, Sent};
use super::wire::{self, Envelope, Refusal, RowsKey};
use crate::job::Connection;
use crate::landing::{Landing, Masked, ResponseId, Shelf};
use crate::provider::depth::check_depth;
use crate::provider::http::Answer;
use crate::provider::pager::Page;
use crate::provider::retry::{Again, Retrier, Trouble};
use crate::provider::token::{Grant, Token};
use crate::provider::{Progress, key};
use crate::{Error, Result};

/// Times that a call is repeated at once because its token was replaced meanwhile, before each further refusal counts as a
/// failed attempt.
const TOKEN_REPEATS_MAX: u32 = 3;
/// A token's life when its answer tells none: what the documentation's sample shows.
const TOKEN_SECONDS_DEFAULT: u64 = 3_600;
/// A longer life than this is not believed.
const TOKEN_SECONDS_MAX: u64 = 30 * 86_400;
/// Characters of the provider's own words that are shown.
const MESSAGE_CHARS_MAX: usize = 300;

/// A connection to the provider, shared by all calls of a run.
pub struct Client<'a> {
    connection: &'a Connection,
    landing: Option<&'a Landing>,
    progress: &'a dyn Progress,
    sender: Arc<Sender>,
    retrier: Retrier,
    key_bits: usize,
}

/// An answer that was understood and has landed.
pub struct Reply<T> {
    /// Where it landed.
    pub response: ResponseId,
    /// Its bytes.
    pub body: Bytes,
    /// What was read out of it.
    pub value: T,
}

/// How an answer is read.
struct Read<'r, T, S> {
    /// In one go, where it is as it mostly is: its envelope without the body, and what is wanted.
    quick: Option<&'r Quick<T>>,
    /// Given the whole text, its envelope and the body in it; tells what is wrong.
    slow: S,
}

type Quick<T> = dyn Fn(&str) -> Option<(Envelope<'_>, T)> + Send + Sync;

trait SlowRead<T>: Fn(&str, &Envelope<'_>, &RawValue) -> Result<T, String> {}

impl<T, S: Fn(&str, &Envelope<'_>, &RawValue) -> Result<T, String>> SlowRead<T> for S {}

/// Why an answer is not the one that was asked for.
enum Fault {
    /// The token was replaced or ran out.
    TokenRefused(Error),
    Other(Trouble),
}

impl<'a> Client<'a> {
    /// Loads the key and prepares the connection. Nothing is sent.
    ///
    /// # Errors
    /// When the key, the certificate or the URL is wrong.
    pub fn new(connection: &'a Connection, landing: Option<&'a Landing>, progress: &'a dyn Progress) -> Result<Self> {
        let key = key::of(connection)?;
        let key_bits = key.size() * 8;
        let sender = Sender::new(connection, key)?;
        Ok(Self { connection, landing, progress, sender, retrier: Retrier::new(&connection.limits), key_bits })
    }

    /// Requests sent so far, each attempt counted.
    pub fn requests(&self) -> u64 {
        self.sender.requests()
    }

    /// Attempts beyond the first so far.
    pub fn retries(&self) -> u64 {
        self.retrier.retries()
    }

    /// Requests that could be in flight beside those that are or wait to be.
    pub fn idle_slots(&self) -> usize {
        self.sender.gate.idle()
    }

    /// Bits of the key.
    pub fn key_bits(&self) -> usize {
        self.key_bits
    }

    /// Gets a token, unless there is one.
    ///
    /// # Errors
    /// When the provider gives none.
    pub async fn authorise(&self) -> Result<(), Trouble> {
        self.token(None).await.map(|_| ())
    }

    /// Gets a page of rows.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn page(&self, shelf: Shelf, target: &str, key: RowsKey) -> Result<Page, Trouble> {
        let slow = |text: &str, _: &Envelope<'_>, body: &RawValue| wire::rows(text, body, key);
        let reply =
            self.get_read_by(shelf, target, Read { quick: Some(&move |text| wire::page(text, key)), slow }).await?;
        self.progress.rows(reply.value.rows.len() as u64);
        Ok(page_of(reply.response, reply.body, reply.value))
    }

    /// Gets `target` and reads the answer with `read`, which is given the whole text, its envelope and the body in it.
    /// An answer that `read` refuses is asked for again.
    ///
    /// # Errors
    /// The last attempt's trouble, with the request as its place.
    pub async fn get<T>(
        &self,
        shelf: Shelf,
        target: &str,
        read: impl Fn(&str, &Envelope<'_>, &RawValue) -> Result<T, String>,
    ) -> Result<Reply<T>, Trouble> {
        self.get_read_by(shelf, target, Read { quick: None, slow: read }).await
    }

    async fn get_read_by<T, S: SlowRead<T>>(
        &self,
        shelf: Shelf,
        target: &str,
        read: Read<'_, T, S>,
    ) -> Result<Reply<T>, Trouble> {
        let repeats = AtomicU32::new(TOKEN_REPEATS_MAX);
        let attempt = || self.attempt(shelf, target, &read, &repeats);
        let outcome = self.retrier.run(attempt, |t, wait| self.notice(t, wait)).await;
        outcome.map_err(|trouble| if trouble.ends_run { trouble } else { trouble.at(format_args!("GET {target}")) })
    }

    fn notice(&self, trouble: &Trouble, wait: Duration) {
        self.progress.retries(1);
        tracing::warn!(because = %trouble.error.one_line(), wait_ms = wait.as_millis(), "trying again");
    }

    async fn attempt<T>(
        &self,
        shelf: Shelf,
        target: &str,
        read: &Read<'_, T, impl SlowRead<T>>,
        repeats: &AtomicU32,
    ) -> Result<Reply<T>, Trouble> {
        let mut refused = None;
        loop {
            let token = self.token(refused).await?;
            let (answer, token) = self.told(self.sender.get(target, token).await)?;
            let outcome = self.judge(&answer, read);
            // The shelf depends on whether the answer is one: judging it changes nothing and needs no disk, so nothing
            // that is used has not landed.
            let shelf = if outcome.is_ok() { shelf } else { Shelf::Other };
            let masked = Masked::of(answer.body);
            let response = self.land(shelf, target, answer.status, &masked)?;
            match outcome {
                // A mask is as long as what it hides: what was read stands where it stood.
                Ok(value) => return Ok(Reply { response, body: masked.bytes().clone(), value }),
                Err(Fault::Other(trouble)) => return Err(trouble),
                Err(Fault::TokenRefused(error)) => {
                    refused = token.map(|token| token.generation);
                    // Shared by all attempts at this request: repeats and attempts add up, they do not multiply.
                    let left = repeats.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
                    if left.is_err() {
                        let tokens = TOKEN_REPEATS_MAX + 1;
                        return Err(Trouble::passing(error.adding(format_args!(" ({tokens} tokens or more refused)"))));
                    }
                }
            }
        }
    }

    fn land(&self, shelf: Shelf, target: &str, status: u16, body: &Masked) -> Result<ResponseId> {
        match self.landing {
            None => Ok(ResponseId(0)),
            Some(landing) => landing.append(shelf, &format!("GET {target}"), status, body),
        }
    }

    /// The current token; a new one if there is none, it is about to expire, or it is the one of generation `refused`.
    async fn token(&self, refused: Option<u64>) -> Result<Arc<Token>, Trouble> {
        let mut state = self.sender.tokens.lock().await;
        if let Some(token) = state.usable(refused)? {
            return Ok(token);
        }
        match self.retrier.run(|| self.grant(), |trouble, wait| self.notice(trouble, wait)).await {
            Ok(grant) => Ok(state.renew(grant)),
            Err(trouble) => Err(state.fail(trouble.at(format_args!("POST {}", auth::TOKEN_TARGET)))),
        }
    }

    /// Asks for a token. Its answer is neither landed nor logged.
    async fn grant(&self) -> Result<Grant, Trouble> {
        let asked_at = Instant::now();
        let form = auth::token_form(self.connection);
        let (answer, _) = self.told(self.sender.post(auth::TOKEN_TARGET, &form).await)?;
        let slow = |_: &str, _: &Envelope<'_>, body: &RawValue| {
            let (token, seconds) = wire::token(body).ok_or("expected an access_token in the answer")?;
            if !auth::is_header_text(&token) {
                return Err("expected an access_token that can stand in a header".to_owned());
            }
            Ok((SecretString::from(token.into_owned()), seconds))
        };
        let granted = self.judge(&answer, &Read { quick: None, slow });
        let (text, seconds) = granted.map_err(|fault| match fault {
            Fault::TokenRefused(error) => Trouble::lasting(error),
            Fault::Other(trouble) => trouble,
        })?;
        let seconds = seconds.unwrap_or(TOKEN_SECONDS_DEFAULT).min(TOKEN_SECONDS_MAX);
        tracing::info!(valid_for_s = seconds, "a new access token");
        Ok(Grant { text, valid_for: Duration::from_secs(seconds), asked_at })
    }

    /// Tells that a request was sent.
    fn told(&self, sent: Sent) -> Sent {
        self.progress.requests(1);
        sent
    }

    /// Decides what an answer is. Pure, but for the quiet that a refusal may ask of all.
    fn judge<T>(&self, answer: &Answer, read: &Read<'_, T, impl SlowRead<T>>) -> Result<T, Fault> {
        let bad = |message: String| Fault::Other(Trouble::passing(Error::provider(message)));
        if (300..400).contains(&answer.status) {
            return Err(Fault::Other(Trouble::lasting(redirected(answer))));
        }
        let depth_max = self.connection.limits.json_depth_max;
        check_depth(&answer.body, depth_max).map_err(|at| {
            let message = format!("expected JSON nested at most {depth_max} deep, but at byte {at} it goes deeper");
            Fault::Other(Trouble::lasting(Error::provider(message)))
        })?;
        let text = std::str::from_utf8(&answer.body)
            .map_err(|error| bad(format!("expected UTF-8, but byte {} is not", error.valid_up_to())));
        let is_well = (200..300).contains(&answer.status);
        let quick = read.quick.filter(|_| is_well).zip(text.as_ref().ok()).and_then(|(quick, text)| quick(text));
        if let Some((envelope, value)) = quick {
            return auth::check_hash(&envelope, &self.connection.username).map(|()| value).map_err(bad);
        }
        let envelope = text.and_then(|text| wire::envelope(text).map(|envelope| (text, envelope)).map_err(&bad));
        let refusal = envelope.as_ref().ok().and_then(|(_, envelope)| envelope.body).and_then(wire::refusal);
        if refusal.is_some() || !is_well {
            // Who does not know the user cannot hash its name, so a refusal needs no hash: nothing is taken from it.
            return Err(self.refused(answer, refusal.as_ref()));
        }
        let (text, envelope) = envelope?;
        auth::check_hash(&envelope, &self.connection.username).map_err(&bad)?;
        let body = envelope.body.ok_or_else(|| bad("expected a body in the envelope".to_owned()))?;
        (read.slow)(text, &envelope, body).map_err(bad)
    }

    fn refused(&self, answer: &Answer, refusal: Option<&Refusal>) -> Fault {
        let code = refusal.and_then(|refusal| refusal.code);
        let mut error = Error::provider(self.describe(answer.status, refusal)).coded(code);
        if let Some(known) = code.and_then(codes::find) {
            error = error.hint(known.advice);
        }
        if code == Some(codes::INVALID_TOKEN) {
            return Fault::TokenRefused(error);
        }
        if !codes::may_pass_later(answer.status, code) {
            return Fault::Other(Trouble::lasting(error));
        }
        let Some(wait) = answer.retry_after else {
            return Fault::Other(Trouble::passing(error));
        };
        if wait <= Duration::from_millis(self.connection.limits.retry_elapsed_ms_max) {
            self.sender.gate.keep_quiet(wait);
        }
        Fault::Other(Trouble { error, again: Again::After(wait), ends_run: false })
    }

    fn describe(&self, status: u16, refusal: Option<&Refusal>) -> String {
        let mut text = format!("the provider answered {status}");
        let Some(refusal) = refusal else {
            return text + ", without an error code";
        };
        let known = refusal.code.and_then(codes::find);
        let parts = [
            refusal.code.map(|code| format!(", code {code}")),
            Some(&refusal.exception).filter(|name| !name.is_empty()).map(|name| format!(" {}", self.shown(name))),
            known.map(|known| format!(": {}", known.meaning)),
            Some(&refusal.message).filter(|words| !words.is_empty()).map(|words| format!(" ('{}')", self.shown(words))),
        ];
        text.extend(parts.into_iter().flatten());
        text
    }

    /// The provider's words, bounded, on one line, and without our secrets if it repeats them.
    fn shown(&self, words: &str) -> String {
        let connection = self.connection;
        let mut words = words.to_owned();
        for secret in [&connection.client_secret, &connection.password] {
            if !secret.expose_secret().is_empty() {
                words = words.replace(secret.expose_secret(), "[redacted]");
            }
        }
        if let Some(token) = self.sender.tokens.peek() {
            words = words.replace(token.text.expose_secret(), "[redacted]");
        }
        let is_plain = |c: char| !c.is_control();
        words.chars().map(|c| if is_plain(c) { c } else { ' ' }).take(MESSAGE_CHARS_MAX).collect()
    }
}

/// A page out of an answer that has landed.
///
/// # Errors
/// Says what it is instead.
pub fn landed_page(response: ResponseId, body: Bytes, key: RowsKey) -> Result<Page, String> {
    let text = std::str::from_utf8(&body).map_err(|error| error.to_string())?;
    let inner = wire::envelope(text)?.body.ok_or("expected a body in the envelope")?;
    let rows = wire::rows(text, inner, key)?;
    Ok(page_of(response, body, rows))
}

fn page_of(response: ResponseId, body: Bytes, found: wire::Rows) -> Page {
    let mut page = Page::new(response, body, found.rows);
    page.echoed_limit = found.echoed_limit;
    page.total = found.total;
    page
}

fn redirected(answer: &Answer) -> Error {
    let host = answer.redirect_host.as_deref().unwrap_or("nowhere");
    Error::provider(format!(
        "expected an answer, but found a redirect ({}) to {host}: it is not followed",
        answer.status
    ))
    .hint("base_url should name the provider's own host")
}
