//! One attempt at one request over HTTP, bounded in time and size.
//!
//! Redirects are not followed (a signed request belongs to one host), answers are read as a stream and unpacked against
//! a bound, and plain HTTP is spoken to the loopback only. reqwest's own retries are off: an attempt that is made again
//! needs a new signature.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Response, Url};
use tokio::sync::Semaphore;

use super::retry::{Trouble, retry_after};
use crate::job::plan::Limits;
use crate::{Error, Result};

/// Headers of one answer; more are a flood.
const HEADERS_MAX: usize = 100;
/// Bytes of the headers of one answer over HTTP/2. Over HTTP/1 hyper's own bound (about 400 KB) holds.
const HEADER_LIST_BYTES_MAX: u32 = 64 << 10;

/// Bytes of a body beyond which it needs the one pass for large bodies: however many requests are in flight, only one of
/// them at a time grows to the bound.
const LARGE_BODY_BYTES: usize = 4 << 20;

/// How the error of a certificate that nobody vouches for begins.
pub const UNTRUSTED: &str = "the provider's certificate is not trusted";
/// How the error of a connection that did not come about begins.
pub const UNREACHED: &str = "the provider could not be reached";

/// A client of one host.
#[derive(Debug)]
pub struct Http {
    client: Client,
    large_body: Semaphore,
    base_url: String,
    limits: Limits,
}

/// One attempt.
#[derive(Debug)]
pub struct Call<'a> {
    /// Path and query, with a leading slash, percent-encoded.
    pub target: &'a str,
    /// The form of a POST; a GET has none.
    pub form: Option<&'a [(&'a str, &'a str)]>,
    /// Headers of this attempt alone.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// How long the provider asks to be left alone.
    pub retry_after: Option<Duration>,
    /// For a redirect: the host it leads to.
    pub redirect_host: Option<String>,
    /// The body, unpacked.
    pub body: Bytes,
}

impl Http {
    /// A client of the host in `base_url` that trusts the system's roots and, if named, those in `ca_certificate`.
    ///
    /// # Errors
    /// When the URL is none that may be used, or the certificate cannot be read: both are the job file's.
    pub fn new(base_url: &str, ca_certificate: Option<&Path>, limits: &Limits) -> Result<Http> {
        let url = check_url(base_url)?;
        let mut builder = Client::builder()
            .user_agent(concat!("tieout/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(Duration::from_millis(limits.connect_ms_max))
            .http1_max_headers(HEADERS_MAX)
            .http2_max_header_list_size(HEADER_LIST_BYTES_MAX);
        if is_loopback(&url) {
            // No proxy reaches this machine's own loopback.
            builder = builder.no_proxy();
        }
        if let Some(path) = ca_certificate {
            builder = builder.tls_certs_merge(read_certificates(path)?);
        }
        let client =
            builder.build().map_err(|error| Error::environment("no HTTP client could be made").because(error))?;
        let large_body = Semaphore::new(1);
        Ok(Http { client, large_body, base_url: base_url.trim_end_matches('/').to_owned(), limits: *limits })
    }

    /// Sends `call` and reads the answer to its end, whatever its status.
    ///
    /// # Errors
    /// When no whole answer came within the limits.
    pub async fn send(&self, call: Call<'_>) -> Result<Answer, Trouble> {
        let attempt_max = Duration::from_millis(self.limits.attempt_ms_max);
        tokio::time::timeout(attempt_max, self.exchange(call)).await.unwrap_or_else(|_| {
            let message = format!("expected a whole answer within {attempt_max:.0?}, but it did not end");
            Err(Trouble::passing(Error::provider(message)))
        })
    }

    async fn exchange(&self, call: Call<'_>) -> Result<Answer, Trouble> {
        let url = format!("{}{}", self.base_url, call.target);
        let request = match call.form {
            Some(form) => self.client.post(url).form(form),
            None => self.client.get(url),
        };
        let headers: HeaderMap = call.headers.into_iter().collect();
        let response = request.headers(headers).send().await.map_err(unsent)?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after = header("retry-after").and_then(|value| retry_after(value, SystemTime::now()));
        let redirect_host = header("location").map(|location| host_of(location, response.url()));
        let status = response.status().as_u16();
        let body = self.read_body(response).await?;
        Ok(Answer { status, retry_after, redirect_host, body })
    }

    async fn read_body(&self, mut response: Response) -> Result<Bytes, Trouble> {
        let bytes_max = self.limits.body_bytes_max;
        let (mut body, mut pass) = (BytesMut::new(), None);
        while let Some(chunk) = response.chunk().await.map_err(|error| {
            let expected = "expected a whole body, but it broke off";
            Trouble::passing(Error::provider(format!("{expected} after {} bytes", body.len())).because(plain(error)))
        })? {
            if body.len() + chunk.len() > bytes_max {
                let message = format!("expected a body of at most {bytes_max} bytes (unpacked), but it goes on");
                return Err(Trouble::lasting(
                    Error::provider(message).hint("a smaller page_size makes smaller bodies"),
                ));
            }
            if body.len() + chunk.len() > LARGE_BODY_BYTES && pass.is_none() {
                pass = Some(self.large_body.acquire().await.expect("the semaphore is never closed"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

/// Checks that signed requests may be sent there.
fn check_url(base_url: &str) -> Result<Url> {
    // What was found is not shown where it could hold a password.
    let url = Url::parse(base_url)
        .map_err(|error| Error::job("expected base_url to be an absolute https:// URL").because(error))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::job("expected a base_url without user name and password in it"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        other => {
            let host = url.host_str().unwrap_or("no host");
            let message = format!("expected base_url to begin with https://, but found {other}:// for {host}");
            Err(Error::job(message).hint("plain http is spoken to the loopback (127.0.0.1, [::1], localhost) only"))
        }
    }
}

/// Whether the address is on this very machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn read_certificates(path: &Path) -> Result<Vec<Certificate>> {
    let told = |error: Error| error.at(path.display());
    let text =
        std::fs::read(path).map_err(|error| told(Error::job("ca_certificate could not be read").because(error)))?;
    let found = Certificate::from_pem_bundle(&text)
        .map_err(|error| told(Error::job("ca_certificate is not a certificate in PEM form").because(error)))?;
    if found.is_empty() {
        return Err(told(Error::job("expected a certificate in PEM form in ca_certificate, but found none")));
    }
    Ok(found)
}

/// The host that a `Location` leads to; the rest of it may hold anything.
fn host_of(location: &str, from: &Url) -> String {
    let target = from.join(location).ok();
    target.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "nowhere".to_owned())
}

/// A request that got no answer.
fn unsent(error: reqwest::Error) -> Trouble {
    let is_connect = error.is_connect();
    let cause = plain(error);
    if cause.contains("certificate") {
        let hint = "if the provider's certificate is signed by an authority of your own, name it as ca_certificate";
        let error = Error::provider(UNTRUSTED).because(cause).hint(hint);
        return Trouble::lasting(error);
    }
    let message = if is_connect { UNREACHED } else { "expected an answer, but none came" };
    Trouble::passing(Error::provider(message).because(cause))
}

/// The error and its causes on one line, without the URL.
fn plain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(below) = cause {
        let more = below.to_string();
        // Layers that only repeat what stands below them say nothing.
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = below.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_the_loopback_is_spoken_to() {
        for good in ["https://ws.anyti.me", "http://127.0.0.1:8080", "http://[::1]:1", "http://localhost:1"] {
            assert!(check_url(good).is_ok(), "{good}");
        }
        for bad in ["http://ws.anyti.me", "http://127.0.0.1.evil.example", "ftp://ws.anyti.me", "ws.anyti.me", ""] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_shown() {
        let error = check_url("https://user:hunter2@ws.anyti.me").expect_err("a password");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_redirect_shows_its_host_alone() {
        let from = Url::parse("https://ws.anyti.me/v1.0/apicheck").expect("a URL");
        assert_eq!(host_of("https://evil.example/?token=1", &from), "evil.example");
        assert_eq!(host_of("/login", &from), "ws.anyti.me");
        assert_eq!(host_of("http://", &from), "nowhere");
    }
}
