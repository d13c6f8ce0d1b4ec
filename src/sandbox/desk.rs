//! Where a request becomes an answer.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequest as _, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::clock::Clock;
use super::codes::{self, Refusal};
use super::config::{OnRequest, RetryAfter};
use super::connection::Connection;
use super::envelope::{self, Wrong};
use super::fault::{Applied, Engine, What, hostile};
use super::gate::{Gate, Shown, TokenForm};
use super::log::{Log, RequestRecord};
use super::route::Route;
use super::store::{Served, Store, Tricks};

/// What all requests share.
pub(super) struct Desk {
    pub log: Log,
    pub on_request: Option<OnRequest>,
    pub started: Instant,
    pub seed: u64,
    clock: Clock,
    state: Mutex<Inner>,
}

/// What requests change.
pub(super) struct Inner {
    pub gate: Gate,
    pub store: Store,
    pub engine: Engine,
    pub latency: Duration,
}

/// A request, taken apart.
struct Asked {
    number: u64,
    method: String,
    path: String,
    query_text: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    form: Option<TokenForm>,
}

/// An answer before a fault has its way with it.
struct Answer {
    status: u16,
    code: u32,
    rows: usize,
    body: Bytes,
    content_type: &'static str,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Desk {
    pub(super) fn new(inner: Inner, on_request: Option<OnRequest>, seed: u64) -> Self {
        let (log, clock) = (Log::default(), Clock::default());
        Self { log, on_request, started: Instant::now(), seed, clock, state: Mutex::new(inner) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().expect("no code panics while it holds the books")
    }

    fn record(&self, record: RequestRecord) {
        if let Some(on_request) = &self.on_request {
            on_request(&record);
        }
        self.log.end(record);
    }
}

/// Answers one request.
pub(super) async fn answer(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let came_in = Instant::now();
    let at_ms = u64::try_from((came_in - desk.started).as_millis()).unwrap_or(u64::MAX);
    let asked = take_apart(desk.log.begin(), request).await;
    let (applied, answer, latency) = decide(&desk, &asked);
    let broken = applied.iter().any(|fault| matches!(fault.what, What::Hang | What::Reset { after_bytes: 0 }));
    let record = RequestRecord {
        number: asked.number,
        at_ms,
        method: asked.method,
        path: asked.path,
        query: asked.query_text,
        status: if broken { 0 } else { answer.status },
        code: answer.code,
        rows: answer.rows,
        faults: applied.iter().map(|fault| fault.text.clone()).collect(),
    };
    desk.record(record);
    let delay = applied.iter().map(|fault| if let What::Delay { ms } = fault.what { ms } else { 0 }).sum();
    let wait = latency + Duration::from_millis(delay);
    if !wait.is_zero() {
        // From when it came in: what serving it costs is a part of that, not added to it.
        desk.clock.wait_until(came_in + wait).await;
    }
    send(answer, &applied, &connection).await
}

async fn take_apart(number: u64, request: Request) -> Asked {
    let uri = request.uri().clone();
    let query = Query::<Vec<(String, String)>>::try_from_uri(&uri).map(|Query(query)| query).unwrap_or_default();
    let (method, headers) = (request.method().to_string(), request.headers().clone());
    let form = if method == "POST" {
        axum::Form::<TokenForm>::from_request(request, &()).await.ok().map(|axum::Form(form)| form)
    } else {
        None
    };
    let (path, query_text) = (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned());
    Asked { number, method, path, query_text, query, headers, form }
}

/// Everything about a request that depends on the ones before: faults are counted, validation data is used up, rows
/// arrive. One at a time.
fn decide(desk: &Desk, asked: &Asked) -> (Vec<Applied>, Answer, Duration) {
    let mut inner = desk.lock();
    let url =
        if asked.query_text.is_empty() { asked.path.clone() } else { format!("{}?{}", asked.path, asked.query_text) };
    let applied = inner.engine.decide(&url);
    if applied.iter().any(|fault| fault.what == What::Revoke) {
        inner.gate.revoke_token();
    }
    let wrong = wrong(&applied);
    let served = serve(&mut inner, asked, tricks(&applied, desk.seed ^ asked.number));
    let answer = dress(&inner.gate, asked.number, served, wrong);
    if let Ok(route) = Route::find(&asked.method, &asked.path) {
        for fault in &applied {
            match fault.what {
                What::Insert { rows } => inner.store.arrive(route, &asked.query, rows),
                What::Delete { rows } => inner.store.vanish(route, &asked.query, rows),
                _ => 0,
            };
        }
    }
    let answer = override_answer(&inner.gate, asked.number, answer, &applied);
    (applied, answer, inner.latency)
}

fn wrong(applied: &[Applied]) -> Wrong {
    let mut wrong = Wrong::default();
    for fault in applied {
        match fault.what {
            What::WrongHash => wrong.forged = true,
            What::Clock { ahead_s } => wrong.ahead_s = ahead_s,
            _ => {}
        }
    }
    wrong
}

fn tricks(applied: &[Applied], seed: u64) -> Tricks {
    let mut tricks = Tricks::default();
    for fault in applied {
        match fault.what {
            What::BadRow(how) => tricks.bad_row = Some(how),
            What::Short { rows } => tricks.short = Some(rows),
            What::Unstable => tricks.reorder = Some(seed),
            _ => {}
        }
    }
    tricks
}

/// What an honest server would answer: a body, or a refusal and how long to wait.
fn serve(inner: &mut Inner, asked: &Asked, tricks: Tricks) -> Result<Served, (Refusal, RetryAfter)> {
    if let Some(limit) = inner.gate.throttle() {
        return Err((codes::RATE_BY_USER, limit.retry_after));
    }
    let refuse = |refusal| (refusal, RetryAfter::Absent);
    let route = Route::find(&asked.method, &asked.path).map_err(refuse)?;
    let header = |name: &str| asked.headers.get(name).map(HeaderValue::as_bytes);
    let shown = Shown {
        validation_data: header("x-validation-data"),
        signature: header("x-signed-request"),
        authorization: header("authorization").and_then(|bytes| std::str::from_utf8(bytes).ok()),
    };
    inner.gate.check_signature(shown).map_err(refuse)?;
    if route == Route::Token {
        let form = asked.form.as_ref().ok_or(refuse(codes::INVALID_REQUEST))?;
        return inner.gate.issue_token(form).map(|body| Served { body, rows: 0 }).map_err(refuse);
    }
    inner.gate.check_token(shown).map_err(refuse)?;
    inner.store.serve(route, &asked.query, tricks).map_err(refuse)
}

fn dress(gate: &Gate, number: u64, served: Result<Served, (Refusal, RetryAfter)>, wrong: Wrong) -> Answer {
    let (status, code, rows, body, headers) = match served {
        Ok(Served { body, rows }) => (200, 0, rows, body, Vec::new()),
        Err((refusal, wait)) => {
            (refusal.status, refusal.code, 0, envelope::refusal_body(refusal), retry_after(wait).into_iter().collect())
        }
    };
    let body = envelope::wrap(&body, number, gate.username(), wrong).into();
    Answer { status, code, rows, body, content_type: "application/json", headers }
}

/// Faults that put another answer in the place of the honest one.
fn override_answer(gate: &Gate, number: u64, honest: Answer, applied: &[Applied]) -> Answer {
    let page = |status, body: &'static str| Answer {
        status,
        code: 0,
        rows: 0,
        body: Bytes::from_static(body.as_bytes()),
        content_type: "text/html; charset=utf-8",
        headers: Vec::new(),
    };
    for fault in applied {
        match &fault.what {
            What::Status { status, refusal: Some(refusal), retry_after } => {
                let refusal = Refusal { status: *status, ..*refusal };
                return dress(gate, number, Err((refusal, *retry_after)), wrong(applied));
            }
            What::Status { status, refusal: None, retry_after: wait } => {
                return Answer { headers: retry_after(*wait).into_iter().collect(), ..page(*status, hostile::PAGE) };
            }
            What::Html => return page(200, hostile::PAGE),
            What::Empty => return page(200, ""),
            What::Redirect { to } => {
                let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
                return Answer { headers: vec![(header::LOCATION, location)], ..page(302, "") };
            }
            What::BadJson => {
                let half = honest.body.len() / 2;
                return Answer { body: honest.body.slice(..half), rows: 0, ..honest };
            }
            What::DeepJson { levels } => {
                let body = envelope::wrap(&hostile::deep_json(*levels), number, gate.username(), wrong(applied)).into();
                return Answer { status: 200, code: 0, rows: 0, body, ..honest };
            }
            What::GzipBomb { mebibytes } => {
                let packed = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                let body = hostile::gzip_bomb(*mebibytes);
                return Answer { status: 200, code: 0, rows: 0, body, headers: vec![packed], ..honest };
            }
            _ => {}
        }
    }
    honest
}

fn retry_after(wait: RetryAfter) -> Option<(HeaderName, HeaderValue)> {
    let text = match wait {
        RetryAfter::Absent => return None,
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::Date(seconds) => httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(seconds.into())),
    };
    Some((header::RETRY_AFTER, HeaderValue::from_str(&text).expect("digits and dates are header texts")))
}

/// Sends the answer, in the way that the faults of transport leave it.
async fn send(answer: Answer, applied: &[Applied], connection: &Connection) -> Response {
    let mut length = Some(answer.body.len());
    let mut body = None;
    let mut flood = 0;
    for fault in applied {
        match fault.what {
            What::Hang => std::future::pending::<()>().await,
            What::Reset { after_bytes: 0 } => connection.reset(),
            What::Reset { after_bytes } => body = Some(hostile::reset(&answer.body, after_bytes, connection.clone())),
            What::Cut { after_bytes } => {
                body = Some(hostile::cut(&answer.body, after_bytes.unwrap_or(answer.body.len() / 2)));
            }
            What::Drip { bytes, every_ms } => body = Some(hostile::drip(answer.body.clone(), bytes, every_ms)),
            What::Endless => (body, length) = (Some(hostile::endless()), None),
            What::Headers { count } => flood = count,
            _ => {}
        }
    }
    let mut response = Response::new(body.unwrap_or_else(|| Body::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("a status of the provider or of a fault");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    headers.extend(answer.headers.into_iter().map(|(name, value)| (Some(name), value)));
    for index in 0..flood {
        let name = HeaderName::try_from(format!("x-flood-{index}")).expect("a header name");
        if headers.try_append(name, HeaderValue::from_static("lorem ipsum dolor sit amet")).is_err() {
            break;
        }
    }
    response
}
