//! A short text sent to an address, with patience that ends.

use std::future::Future;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::Client;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::address::Address;

const CONNECT_MAX: Duration = Duration::from_secs(3);
const ATTEMPT_MAX: Duration = Duration::from_secs(10);
const RETRIES_MAX: usize = 5;
const BACKOFF_FIRST: Duration = Duration::from_millis(250);

/// Does the work, or gives it up after `wait`.
pub(super) fn within<T>(wait: Duration, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let late = || Err(format!("it took longer than {wait:.0?}"));
    let result = runtime.block_on(async { tokio::time::timeout(wait, work).await.unwrap_or_else(|_| late()) });
    // A name that is still being looked up holds nobody up.
    runtime.shutdown_background();
    result
}

/// Why an address was not told.
#[derive(Debug)]
pub(super) struct Missed {
    pub why: String,
    /// Whether it may be told a moment later.
    passes: bool,
}

/// Sends texts.
#[derive(Debug)]
pub(super) struct Poster {
    client: Client,
    /// For this machine's own loopback, which no proxy reaches.
    direct: Client,
}

impl Poster {
    pub(super) fn new() -> Result<Poster, String> {
        let builder = || {
            Client::builder()
                .user_agent(concat!("tieout/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never())
                .connect_timeout(CONNECT_MAX)
                .timeout(ATTEMPT_MAX)
        };
        let made = |client: reqwest::Result<Client>| client.map_err(|error| error.to_string());
        Ok(Poster { client: made(builder().build())?, direct: made(builder().no_proxy().build())? })
    }

    /// One attempt.
    pub(super) async fn once(
        &self,
        to: &Address,
        content_type: &'static str,
        body: &[u8],
        headers: &[(&'static str, SecretString)],
    ) -> Result<(), Missed> {
        let client = if to.is_loopback() { &self.direct } else { &self.client };
        let mut request = client.post(to.url()).header("content-type", content_type).body(body.to_vec());
        for (name, value) in headers {
            let invalid = |_| Missed { why: format!("the value for the header {name} cannot be sent"), passes: false };
            let mut value = HeaderValue::from_str(value.expose_secret()).map_err(invalid)?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        let answer = request.send().await.map_err(|error| Missed { why: plain(error), passes: true })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let passes = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
        Err(Missed { why: format!("it answered {status}"), passes })
    }

    /// Some attempts, where the next may do better.
    pub(super) async fn patiently(
        &self,
        to: &Address,
        content_type: &'static str,
        body: &[u8],
        headers: &[(&'static str, SecretString)],
    ) -> Result<(), String> {
        let waits =
            ExponentialBuilder::default().with_min_delay(BACKOFF_FIRST).with_max_times(RETRIES_MAX).with_jitter();
        let attempt = || self.once(to, content_type, body, headers);
        attempt.retry(waits).when(|missed| missed.passes).await.map_err(|missed| missed.why)
    }
}

/// The error and its causes, without the address.
fn plain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(below) = cause {
        text = format!("{text}: {below}");
        cause = below.source();
    }
    text
}
