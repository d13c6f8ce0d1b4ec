//! One attempt on its way: slot, start, signature, token, HTTP.
//!
//! A GET goes its way in a task of its own. So a slot that falls free is taken at once by the next attempt, while whoever
//! asked is still busy with the page before.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Instant;

use rsa::RsaPrivateKey;
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::auth;
use crate::Result;
use crate::job::Connection;
use crate::provider::http::{Answer, Call, Http};
use crate::provider::rate::{Gate, Slot};
use crate::provider::retry::Trouble;
use crate::provider::signer::Signer;
use crate::provider::token::{Token, Tokens};

/// Signatures kept ready; enough that none is waited for, few enough that little is thrown away at the end.
const SIGNATURES_AHEAD_MAX: usize = 64;

/// What all attempts of a run share.
pub(super) struct Sender {
    pub gate: Gate,
    pub tokens: Tokens,
    http: Http,
    signer: Signer,
    requests: AtomicU64,
}

/// The answer to an attempt, and with which token it was asked for.
pub(super) type Sent = Result<(Answer, Option<Arc<Token>>), Trouble>;

impl Sender {
    /// Prepares the connection. Nothing is sent.
    pub fn new(connection: &Connection, key: RsaPrivateKey) -> Result<Arc<Self>> {
        let ahead = (connection.concurrency * 2).clamp(4, SIGNATURES_AHEAD_MAX);
        Ok(Arc::new(Self {
            gate: Gate::new(connection.concurrency, connection.requests_per_second),
            tokens: Tokens::default(),
            http: Http::new(&connection.base_url, connection.ca_certificate.as_deref(), &connection.limits)?,
            signer: Signer::start(key, ahead)?,
            requests: AtomicU64::new(0),
        }))
    }

    /// Attempts sent so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Sends a GET, in a task that ends with the future that waits for it.
    pub async fn get(self: &Arc<Self>, target: &str, token: Arc<Token>) -> Sent {
        // In the queue before there is a task: attempts come to their turn in the order in which they were asked for.
        let mut slot = Box::pin(self.gate.slot());
        let at_once = std::future::poll_fn(|context| Poll::Ready(slot.as_mut().poll(context))).await;
        let (sender, target) = (Arc::clone(self), target.to_owned());
        let sent = async move {
            let slot = match at_once {
                Poll::Ready(slot) => slot,
                Poll::Pending => slot.await,
            };
            sender.exchange(slot, &target, None, Some(token)).await
        };
        OnItsWay(tokio::spawn(sent.in_current_span())).await
    }

    /// Sends a POST without a token.
    pub async fn post(&self, target: &str, form: &[(&str, &str)]) -> Sent {
        let slot = self.gate.slot().await;
        self.exchange(slot, target, Some(form), None).await
    }

    /// Signs and sends. Tells with which token, since that may have been renewed while it waited.
    async fn exchange(
        &self,
        slot: Slot,
        target: &str,
        form: Option<&[(&str, &str)]>,
        token: Option<Arc<Token>>,
    ) -> Sent {
        // Before the start, so that nothing stands between that and the wire.
        let signature = self.signer.next().await;
        self.gate.start(&slot).await;
        let token = token.map(|token| self.tokens.newest(token));
        let headers = auth::headers(&signature, token.as_ref().map(|token| &token.text));
        self.requests.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let outcome = self.http.send(Call { target, form, headers }).await;
        drop(slot);
        let ms = begun.elapsed().as_millis();
        match &outcome {
            Ok(answer) => tracing::debug!(target, status = answer.status, bytes = answer.body.len(), ms, "answered"),
            Err(trouble) => tracing::debug!(target, because = %trouble.error.one_line(), ms, "not answered"),
        }
        outcome.map(|answer| (answer, token))
    }
}

/// A task that is not left behind when nobody waits for it any more.
struct OnItsWay<T>(JoinHandle<T>);

impl<T> Future for OnItsWay<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<T> {
        let ended = std::task::ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(ended.unwrap_or_else(|error| resume_unwind(error.into_panic())))
    }
}

impl<T> Drop for OnItsWay<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
