//! The access token, and the one place that renews it.
//!
//! A new token makes the one before obsolete at once. Whoever needs a token asks here; while one is being renewed,
//! all others wait for it. A call that was refused says which token it had used: if that is no longer the current one,
//! somebody has renewed it meanwhile and nothing is asked for again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio::sync::{Mutex, MutexGuard};

use super::retry::Trouble;
use crate::{Error, ErrorKind};

/// A token is renewed this long before it expires, or a tenth of its life when that is shorter.
const RENEW_BEFORE_MAX: Duration = Duration::from_mins(1);

/// An access token.
#[derive(Debug)]
pub struct Token {
    /// Counts the tokens of this run, from 1.
    pub generation: u64,
    /// The bearer text.
    pub text: SecretString,
    renew_at: Instant,
}

/// What the provider granted.
#[derive(Debug)]
pub struct Grant {
    /// The bearer text.
    pub text: SecretString,
    /// How long it is valid, counted from `asked_at`.
    pub valid_for: Duration,
    /// When the request for it was sent: before it was granted, so never too late.
    pub asked_at: Instant,
}

/// The run's token.
#[derive(Debug, Default)]
pub struct Tokens {
    state: Mutex<State>,
}

/// The token under its lock. Whoever holds it and finds no usable token renews it while all others wait.
#[derive(Debug, Default)]
pub struct State {
    current: Option<Arc<Token>>,
    generations: u64,
    /// The refusal that ended the run's hope for a token, with its hint.
    failed: Option<(ErrorKind, String, Option<String>)>,
}

impl Tokens {
    /// Waits until nobody renews.
    pub async fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().await
    }

    /// The current token if it is known at once; `held` when somebody is renewing it.
    pub fn newest(&self, held: Arc<Token>) -> Arc<Token> {
        self.peek().unwrap_or(held)
    }

    /// The current token if it is known at once.
    pub fn peek(&self) -> Option<Arc<Token>> {
        self.state.try_lock().ok().and_then(|state| state.current.clone())
    }
}

impl State {
    /// The current token, unless it is about to expire or is the one of generation `refused`. `None` means: renew.
    ///
    /// # Errors
    /// When a renewal failed before: it is not asked for again by each caller in turn.
    pub fn usable(&self, refused: Option<u64>) -> Result<Option<Arc<Token>>, Trouble> {
        if let Some((kind, message, hint)) = &self.failed {
            let error = Error::new(*kind, message.clone());
            return Err(Trouble::fatal(match hint {
                Some(hint) => error.hint(hint.clone()),
                None => error,
            }));
        }
        let fresh = |token: &&Arc<Token>| Some(token.generation) != refused && Instant::now() < token.renew_at;
        Ok(self.current.as_ref().filter(fresh).map(Arc::clone))
    }

    /// Takes a new token.
    pub fn renew(&mut self, grant: Grant) -> Arc<Token> {
        self.generations += 1;
        let early = RENEW_BEFORE_MAX.min(grant.valid_for / 10);
        let renew_at = grant.asked_at + grant.valid_for.saturating_sub(early);
        let token = Arc::new(Token { generation: self.generations, text: grant.text, renew_at });
        self.current = Some(Arc::clone(&token));
        token
    }

    /// Notes that no token is to be had; everybody who waits for one hears of it.
    pub fn fail(&mut self, trouble: Trouble) -> Trouble {
        let error = &trouble.error;
        self.failed = Some((error.kind(), error.one_line(), error.hint_text().map(str::to_owned)));
        Trouble { ends_run: true, ..trouble }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(valid_ms: u64) -> Grant {
        Grant { text: "secret".into(), valid_for: Duration::from_millis(valid_ms), asked_at: Instant::now() }
    }

    #[test]
    fn a_token_is_used_until_it_is_refused_or_old() {
        let mut state = State::default();
        assert!(state.usable(None).expect("no failure").is_none());
        let first = state.renew(grant(60_000));
        assert_eq!(state.usable(None).expect("no failure").map(|t| t.generation), Some(first.generation));
        assert!(state.usable(Some(first.generation)).expect("no failure").is_none());
        let second = state.renew(grant(60_000));
        assert_eq!(state.usable(Some(first.generation)).expect("no failure").map(|t| t.generation), Some(2));
        assert_eq!(second.generation, 2);
        state.renew(grant(0));
        assert!(state.usable(None).expect("no failure").is_none(), "expired from the start");
    }

    #[test]
    fn a_failed_renewal_is_told_to_all() {
        let mut state = State::default();
        let trouble = state.fail(Trouble::passing(Error::provider("refused").hint("ask for new credentials")));
        assert!(trouble.ends_run);
        let told = state.usable(None).expect_err("it failed before");
        assert!(told.ends_run);
        assert_eq!(told.error.message(), "refused");
        assert_eq!(told.error.hint_text(), Some("ask for new credentials"));
    }

    #[test]
    fn no_text_of_a_token_is_printed() {
        let mut state = State::default();
        let token = state.renew(grant(1000));
        assert!(!format!("{token:?} {state:?}").contains("secret\""), "{token:?}");
    }
}
