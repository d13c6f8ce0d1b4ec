//! A small provider on loopback: it verifies signatures and tokens, pages its lists, and misbehaves when told to.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::{Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};
use sha1::{Digest, Sha1};
use sha2::Sha256;

pub const USERNAME: &str = "some-username";
pub const KEY_PEM: &str = include_str!("../fixtures/keys/rsa1024.pem");

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub query: HashMap<String, String>,
    /// How many to this path came before.
    pub earlier: usize,
    pub token: Option<String>,
    pub at: Instant,
}

/// What the server does instead of answering well.
pub enum Fault {
    /// Refuse with a status, a code and a Retry-After.
    Refuse(u16, u32, Option<String>),
    /// Answer like this, whatever it is.
    Answer(Response),
    /// A right body with a wrong hash.
    WrongHash,
    /// Half of a right body, then the end of the connection.
    Cut,
    /// A right answer after a while.
    Late(Duration),
}

type Faults = dyn Fn(&Seen) -> Option<Fault> + Send + Sync;

#[derive(Default)]
pub struct Log {
    pub seen: Vec<Seen>,
    pub tokens: usize,
    pub refused_tokens: usize,
    pub in_flight: usize,
    pub in_flight_max: usize,
    /// Where requests came from; nothing behind a TLS terminator.
    pub connections: HashSet<SocketAddr>,
    pub versions: HashSet<Version>,
    pub validation_data: HashSet<String>,
    pub complaints: Vec<String>,
}

/// Rows of a path; each is its JSON text.
pub type Lists = HashMap<String, Vec<String>>;

struct Inner {
    lists: Lists,
    faults: Box<Faults>,
    public_key: RsaPublicKey,
    token_seconds: u64,
    filter_field: &'static str,
    log: Mutex<Log>,
}

pub struct Server {
    pub url: String,
    inner: Arc<Inner>,
}

pub struct Setup {
    pub lists: Lists,
    pub token_seconds: u64,
    /// By which field dates are filtered.
    pub filter_field: &'static str,
}

impl Setup {
    pub fn new(lists: Lists) -> Self {
        Self { lists, token_seconds: 3600, filter_field: "date" }
    }

    pub fn router(self, faults: impl Fn(&Seen) -> Option<Fault> + Send + Sync + 'static) -> (Router, Server) {
        let key = RsaPrivateKey::from_pkcs1_pem(KEY_PEM).expect("the fixture is a key");
        let inner = Arc::new(Inner {
            lists: self.lists,
            faults: Box::new(faults),
            public_key: key.to_public_key(),
            token_seconds: self.token_seconds,
            filter_field: self.filter_field,
            log: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        (router, Server { url: String::new(), inner })
    }

    pub async fn start(self, faults: impl Fn(&Seen) -> Option<Fault> + Send + Sync + 'static) -> Server {
        let (router, mut server) = self.router(faults);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        server.url = format!("http://{}", listener.local_addr().expect("an address"));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        server
    }
}

impl Server {
    pub fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.inner.log.lock().expect("the log")
    }

    /// Requests to paths that contain `part`.
    pub fn count(&self, part: &str) -> usize {
        self.log().seen.iter().filter(|seen| seen.path.contains(part)).count()
    }
}

struct InFlight(Arc<Inner>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.log.lock().expect("the log").in_flight -= 1;
    }
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    {
        let mut log = inner.log.lock().expect("the log");
        log.versions.insert(parts.version);
        log.connections.extend(parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|from| from.0));
    }
    let form = axum::body::to_bytes(body, 1 << 20).await.expect("a small body");
    let seen = inner.note(parts.uri.path(), parts.uri.query().unwrap_or_default(), &parts.headers);
    let _guard = InFlight(Arc::clone(&inner));
    // Long enough that requests sent together are seen together.
    tokio::time::sleep(Duration::from_millis(2)).await;
    match (inner.faults)(&seen) {
        None => inner.reply(&seen, &form),
        Some(Fault::Answer(response)) => response,
        Some(Fault::Refuse(status, code, retry_after)) => refuse(status, code, retry_after.as_deref()),
        Some(Fault::WrongHash) => {
            let text = inner.good(&seen, &form).unwrap_or_default().replace("\"hash\":\"", "\"hash\":\"0");
            response(200, text)
        }
        Some(Fault::Cut) => {
            let text = inner.good(&seen, &form).unwrap_or_default();
            let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
            let chunks = stream::iter([Ok(half), Err(std::io::Error::other("cut"))]);
            Response::builder()
                .header("content-length", text.len())
                .body(Body::from_stream(chunks))
                .expect("a response")
        }
        Some(Fault::Late(wait)) => {
            tokio::time::sleep(wait).await;
            inner.reply(&seen, &form)
        }
    }
}

impl Inner {
    fn note(&self, path: &str, query: &str, headers: &HeaderMap) -> Seen {
        let mut log = self.log.lock().expect("the log");
        log.in_flight += 1;
        log.in_flight_max = log.in_flight_max.max(log.in_flight);
        if let Err(complaint) = self.check_signature(&mut log, headers) {
            log.complaints.push(format!("{path}: {complaint}"));
        }
        let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
        let seen = Seen {
            path: path.to_owned(),
            query: query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
            earlier: log.seen.iter().filter(|seen| seen.path == path).count(),
            token: bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned),
            at: Instant::now(),
        };
        log.seen.push(seen.clone());
        seen
    }

    fn check_signature(&self, log: &mut Log, headers: &HeaderMap) -> Result<(), String> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(format!("no {name}"));
        let (data, signed) = (header("x-validation-data")?, header("x-signed-request")?);
        if !log.validation_data.insert(data.to_owned()) {
            return Err("validation data used twice".to_owned());
        }
        let signature = STANDARD.decode(signed).map_err(|error| error.to_string())?;
        let digest = Sha1::digest(data.as_bytes());
        self.public_key.verify(Pkcs1v15Sign::new::<Sha1>(), &digest, &signature).map_err(|error| error.to_string())
    }

    fn reply(&self, seen: &Seen, form: &[u8]) -> Response {
        match self.good(seen, form) {
            Ok(text) => response(200, text),
            Err((status, code)) => refuse(status, code, None),
        }
    }

    fn good(&self, seen: &Seen, form: &[u8]) -> Result<String, (u16, u32)> {
        if seen.path == "/oauth/v2/token" {
            return self.grant(std::str::from_utf8(form).unwrap_or_default());
        }
        {
            let mut log = self.log.lock().expect("the log");
            if seen.token != Some(format!("canary-token-{}", log.tokens)) {
                log.refused_tokens += 1;
                return Err((401, 4_010_050));
            }
        }
        let path = seen.path.strip_prefix("/v1.0/").ok_or((404_u16, 4_040_010_u32))?;
        if path == "apicheck" {
            return Ok(envelope(r#"{"date_time":"2017-02-20 12:09:33"}"#));
        }
        if let Some(rows) = self.lists.get(path) {
            return Ok(envelope(&self.page(path, rows, &seen.query)));
        }
        match path.strip_prefix("accounts/") {
            Some(id) if !id.contains('/') => {
                Ok(envelope(&format!(r#"{{"acc_id":"{id}","acc_type":"business","acc_currency":"EUR"}}"#)))
            }
            Some(_) | None => Err((403, 4_030_210)),
        }
    }

    fn grant(&self, form: &str) -> Result<String, (u16, u32)> {
        for part in ["grant_type=password", "client_id=c", "client_secret=canary-secret", "username=some-username"] {
            if !form.contains(part) {
                return Err((401, 4_010_020));
            }
        }
        let mut log = self.log.lock().expect("the log");
        log.tokens += 1;
        let (token, seconds) = (format!("canary-token-{}", log.tokens), self.token_seconds);
        let body = format!(
            r#"{{"access_token":"{token}","expires_in":{seconds},"token_type":"bearer","refresh_token":"canary-token-r"}}"#
        );
        Ok(envelope(&body))
    }

    fn page(&self, path: &str, rows: &[String], query: &HashMap<String, String>) -> String {
        let number = |name: &str, default: usize| query.get(name).and_then(|v| v.parse().ok()).unwrap_or(default);
        let (start, limit) = (number("limit_start", 0), number("limit_number", 50).min(100));
        let within = |row: &&String| {
            let day = |name| field(row, name).map(|date| date[..10].to_owned());
            let date = day(self.filter_field).or_else(|| day("date"));
            let after = query.get("date_start").is_none_or(|from| date.as_ref().is_none_or(|date| date >= from));
            after && query.get("date_end").is_none_or(|to| date.as_ref().is_none_or(|date| date <= to))
        };
        let all: Vec<&String> = rows.iter().filter(within).collect();
        let page: Vec<&str> = all.iter().skip(start).take(limit).map(|row| row.as_str()).collect();
        let key = match path.rsplit('/').next() {
            Some("accounts") => "accounts",
            Some("cards") => "cards",
            Some("credit-transfers") => "credit-transfers",
            _ => "transactions",
        };
        format!(
            r#"{{"filters":{{"limit_start":{start},"limit_number":"{limit}"}},"total_results":{},"{key}":[{}]}}"#,
            all.len(),
            page.join(",")
        )
    }
}

/// A text field of a row.
fn field<'r>(row: &'r str, name: &str) -> Option<&'r str> {
    let rest = row.split_once(&format!("\"{name}\":\""))?.1;
    rest.split('"').next()
}

pub fn envelope(body: &str) -> String {
    let timestamp = "1487588973.7973";
    let hash = format!("{:x}", Sha256::digest(format!("{timestamp}|{USERNAME}")));
    format!(r#"{{"request_id":1,"type_response":"sync","timestamp":{timestamp},"hash":"{hash}","body":{body}}}"#)
}

pub fn response(status: u16, text: impl Into<Body>) -> Response {
    let builder = Response::builder().status(status).header("content-type", "application/json");
    builder.body(text.into()).expect("a response")
}

pub fn refuse(status: u16, code: u32, retry_after: Option<&str>) -> Response {
    let message = "said with canary-secret and canary-password";
    let text = envelope(&format!(r#"{{"error":{{"code":{code},"message":"{message}","exception":"SomeException"}}}}"#));
    let mut response = response(status, text);
    if let Some(wait) = retry_after {
        response.headers_mut().insert("retry-after", HeaderValue::from_str(wait).expect("a header"));
    }
    response
}

/// A body that never ends.
pub fn endless() -> Response {
    let chunk = Bytes::from(vec![b' '; 1 << 16]);
    response(200, Body::from_stream(stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone()))))
}

/// A body of which a byte comes now and then.
pub fn dripping() -> Response {
    let drops = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
    });
    response(200, Body::from_stream(drops))
}

pub fn flooded_with_headers() -> Response {
    let mut response = response(200, envelope("{}"));
    for number in 0..5_000 {
        let name = HeaderName::try_from(format!("x-flood-{number}")).expect("a name");
        response.headers_mut().insert(name, HeaderValue::from_static("x"));
    }
    response
}
