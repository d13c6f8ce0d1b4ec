//! A check-up: what works between here and the provider, step by step, so that whoever sets a job up knows who must act.
//!
//! Every step only reads. The first one that fails ends it, because nothing behind it can be told.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Url;
use tokio::net::{TcpStream, lookup_host};

use super::http::{UNREACHED, UNTRUSTED, is_loopback};
use crate::job::Connection;
use crate::{Error, Result};

/// Where a proxy is named. It resolves and connects in our place.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// Addresses of a host that are tried and told.
const ADDRESSES_MAX: usize = 4;

/// The steps, in their order.
pub const ORDER: [&str; 11] =
    ["key", "dns", "connect", "tls", "address", "signature", "token", "apicheck", "clock", "accounts", "rights"];

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It works.
    Works,
    /// It works, but somebody should look at it.
    Warning,
    /// It could not be told.
    Unknown,
    /// It does not work.
    Failed,
    /// A step before it failed, or it was not asked for.
    NotReached,
}

impl Outcome {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Works => "ok",
            Outcome::Warning => "warning",
            Outcome::Unknown => "unknown",
            Outcome::Failed => "failed",
            Outcome::NotReached => "not_reached",
        }
    }
}

/// A step of the check-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which one: one of [`ORDER`].
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// What was found, on one line.
    pub found: String,
    /// The provider's own code, if it refused with one.
    pub code: Option<u32>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Step {
    /// A step with nothing to do about it.
    pub fn new(name: &'static str, outcome: Outcome, found: impl Into<String>) -> Self {
        Self { name, outcome, found: found.into(), code: None, hint: None }
    }

    /// One that works.
    pub fn works(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, Outcome::Works, found)
    }

    /// One that failed.
    pub fn failed(name: &'static str, error: &Error) -> Self {
        // The attempts behind the semicolon are the error's, which is told in full below the steps.
        let first = error.message().lines().next().unwrap_or_default();
        let found = first.split("; ").next().unwrap_or_default().to_owned();
        let hint = error.hint_text().map(str::to_owned);
        Self { name, outcome: Outcome::Failed, found, code: error.code(), hint }
    }
}

/// Hears of each step as it is done.
pub type Tell<'t> = dyn FnMut(Step) + 't;

/// Resolves the host and connects to it, but says nothing to it.
///
/// # Errors
/// When the name is not known, or nobody answers at its addresses.
pub async fn reach(connection: &Connection, tell: &mut Tell<'_>) -> Result<()> {
    let url = Url::parse(&connection.base_url)
        .map_err(|error| Error::job("expected base_url to be an absolute https:// URL").because(error))?;
    if let Some(variable) = PROXY_VARIABLES.iter().find(|name| std::env::var_os(name).is_some())
        && !is_loopback(&url)
    {
        let found = format!("{variable} names a proxy, which does this in our place");
        tell(Step::new("dns", Outcome::Unknown, found.clone()));
        tell(Step::new("connect", Outcome::Unknown, found));
        return Ok(());
    }
    let addresses = told(tell, "dns", resolve(&url).await)?;
    let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    tell(Step::works("dns", format!("{} is {}", url.host_str().unwrap_or_default(), shown.join(", "))));
    let wait = Duration::from_millis(connection.limits.connect_ms_max);
    let address = told(tell, "connect", connect(&addresses, wait).await)?;
    tell(Step::works("connect", format!("{address} answers")));
    Ok(())
}

/// Tells of a failure, and passes the outcome on.
///
/// # Errors
/// The outcome's own.
pub fn told<T>(tell: &mut Tell<'_>, name: &'static str, outcome: Result<T>) -> Result<T> {
    if let Err(error) = &outcome {
        tell(Step::failed(name, error));
    }
    outcome
}

async fn resolve(url: &Url) -> Result<Vec<SocketAddr>> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(443);
    // An address of version 6 stands in brackets in a URL alone.
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let unknown = |error: Option<std::io::Error>| {
        let told = Error::provider(format!("the name '{name}' could not be resolved"))
            .hint("check base_url for a slip, and this machine's DNS: getent hosts NAME asks it");
        match error {
            Some(error) => told.because(error),
            None => told,
        }
    };
    let found = lookup_host((name, port)).await.map_err(|error| unknown(Some(error)))?;
    let addresses: Vec<SocketAddr> = found.take(ADDRESSES_MAX).collect();
    if addresses.is_empty() { Err(unknown(None)) } else { Ok(addresses) }
}

async fn connect(addresses: &[SocketAddr], wait: Duration) -> Result<SocketAddr> {
    let mut last = None;
    for address in addresses {
        match tokio::time::timeout(wait, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(*address),
            Ok(Err(error)) => last = Some(error),
            Err(_) => {
                last = Some(std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no answer in {wait:.0?}")));
            }
        }
    }
    let places: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let error = Error::provider(format!("no connection to {} came about", places.join(", ")))
        .hint("check base_url's port, and that a firewall lets this machine out to it");
    Err(match last {
        Some(cause) => error.because(cause),
        None => error,
    })
}

/// The step that a first request failed in, when nobody answered it.
pub fn unanswered(error: &Error) -> &'static str {
    let is = |known: &str| error.message().starts_with(known);
    if is(UNTRUSTED) || is(UNREACHED) { "tls" } else { "token" }
}

/// What a connection that can be spoken over tells of TLS.
pub fn secured(connection: &Connection) -> Step {
    if connection.base_url.starts_with("https://") {
        let by = if connection.ca_certificate.is_some() { ", or by ca_certificate" } else { "" };
        return Step::works("tls", format!("the certificate is vouched for by this machine's roots{by}"));
    }
    Step::works("tls", "none: plain http on the loopback")
}
