//! The provider on loopback, over real sockets: what a client sees when all is well, when it does something wrong, and
//! when the server is told to fail.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{LOCATION, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::{SignatureEncoding, Signer};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tieout::sandbox::{
    Behaviour, DateField, Echo, Order, PublicKey, RateLimit, RetryAfter, RunningSandbox, Sandbox, SandboxConfig, sample,
};

const CARD: &str = "/v1.0/cards/ANY1192963106/transactions";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keys").join(name)
}

fn config() -> SandboxConfig {
    SandboxConfig::new(PublicKey::from_file(&fixture("id_rsa.pub.pem")).expect("the fixture is a key"))
}

fn start(behaviour: Behaviour, faults: &[&str]) -> RunningSandbox {
    let faults = faults.iter().map(|fault| fault.parse().expect("a fault")).collect();
    Sandbox::start(SandboxConfig { behaviour, faults, ..config() }).expect("starts")
}

/// Rows of `CARD` in the sample.
fn card_rows() -> usize {
    sample::books().card("ANY1192963106").expect("a card of the sample").1.transactions.len()
}

/// A client that does everything right, unless asked to do otherwise.
struct Client {
    http: reqwest::Client,
    key: SigningKey<Sha1>,
    base_url: String,
    token: String,
}

static NONCE: AtomicU64 = AtomicU64::new(0);

impl Client {
    fn without_token(sandbox: &RunningSandbox) -> Client {
        let pem = std::fs::read_to_string(fixture("id_rsa.pem")).expect("the fixture is there");
        let key = RsaPrivateKey::from_pkcs8_pem(&pem).expect("the fixture is a key");
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Client { http, key: SigningKey::new(key), base_url: sandbox.base_url(), token: String::new() }
    }

    async fn new(sandbox: &RunningSandbox) -> Client {
        let mut client = Client::without_token(sandbox);
        client.token = client.ask_token(&[]).await.expect("a token");
        client
    }

    /// Asks for a token; `changes` replace fields of the form.
    async fn ask_token(&self, changes: &[(&str, &str)]) -> Result<String, u64> {
        let mut form = vec![
            ("grant_type", "password"),
            ("client_id", "sandbox-client"),
            ("client_secret", "sandbox-client-secret"),
            ("username", "sandbox-user"),
            ("password", "sandbox-password"),
        ];
        for (name, value) in &mut form {
            *value = changes.iter().find(|(changed, _)| changed == name).map_or(*value, |(_, changed)| changed);
        }
        let (data, signature) = self.sign();
        let request = self.http.post(format!("{}/oauth/v2/token", self.base_url)).form(&form);
        let request = request.header("X-Validation-Data", data).header("X-Signed-Request", signature);
        let envelope: Value = json(request.send().await.expect("an answer")).await.1;
        let body = &envelope["body"];
        body["access_token"].as_str().map(str::to_owned).ok_or_else(|| code(&envelope))
    }

    fn sign(&self) -> (String, String) {
        let data = format!("{}.{}", std::process::id(), NONCE.fetch_add(1, Ordering::Relaxed));
        let signature = STANDARD.encode(self.key.sign(data.as_bytes()).to_bytes());
        (data, signature)
    }

    async fn try_get(&self, path: &str) -> reqwest::Result<Response> {
        let (data, signature) = self.sign();
        let request = self.http.get(format!("{}{path}", self.base_url)).bearer_auth(&self.token);
        request.header("X-Validation-Data", data).header("X-Signed-Request", signature).send().await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        json(self.try_get(path).await.expect("an answer")).await
    }

    async fn body(&self, path: &str) -> Value {
        let (status, mut envelope) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {envelope}");
        envelope["body"].take()
    }

    /// The ids of all rows of a listing, page by page until a page is short of `page_rows`.
    async fn ids(&self, path: &str, rows_key: &str, page_rows: usize) -> Vec<String> {
        let mut ids = Vec::new();
        loop {
            let start = ids.len();
            let mark = if path.contains('?') { '&' } else { '?' };
            let body = self.body(&format!("{path}{mark}limit_start={start}&limit_number={page_rows}")).await;
            let rows = body[rows_key].as_array().expect("rows");
            ids.extend(
                rows.iter().map(|row| text(&row[if rows_key == "credit-transfers" { "internal_id" } else { "txid" }])),
            );
            if rows.len() < page_rows {
                return ids;
            }
        }
    }
}

async fn json(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let body = response.bytes().await.expect("a body");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

fn code(envelope: &Value) -> u64 {
    envelope["body"]["error"]["code"].as_u64().unwrap_or(0)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn expected_hash(timestamp: &str) -> String {
    let digest = Sha256::digest(format!("{timestamp}|sandbox-user"));
    digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}

#[tokio::test]
async fn the_envelope_is_signed_over_the_timestamp_as_it_is_printed() {
    let sandbox = start(Behaviour::default(), &[]);
    let client = Client::new(&sandbox).await;
    for path in ["/v1.0/apicheck", "/v1.0/nothing"] {
        let envelope = client.try_get(path).await.expect("an answer").text().await.expect("a body");
        let after = |mark: &str| envelope.split_once(mark).expect(mark).1;
        let timestamp = after("\"timestamp\":").split(',').next().expect("a number");
        let hash = after("\"hash\":\"").split('"').next().expect("a text");
        assert_eq!(hash, expected_hash(timestamp), "{envelope}");
        assert!(envelope.starts_with("{\"request_id\":904") && after("\"type_response\":").starts_with("\"sync\""));
    }
}

#[tokio::test]
async fn only_a_fresh_signature_of_the_registered_key_comes_in() {
    let sandbox = start(Behaviour::default(), &[]);
    let client = Client::new(&sandbox).await;
    let url = format!("{}/v1.0/apicheck", client.base_url);
    let (data, signature) = client.sign();
    let send = async |headers: &[(&str, &str)]| {
        let request =
            headers.iter().fold(client.http.get(&url), |request, (name, value)| request.header(*name, *value));
        let (status, envelope) = json(request.send().await.expect("an answer")).await;
        (status.as_u16(), code(&envelope))
    };
    let bearer = format!("Bearer {}", client.token);
    let signed = [("X-Validation-Data", data.as_str()), ("X-Signed-Request", signature.as_str())];
    assert_eq!(send(&[]).await, (401, 4_010_010), "nothing at all");
    assert_eq!(send(&[("Authorization", &bearer)]).await, (401, 4_010_070), "no signature");
    assert_eq!(send(&[signed[0], ("X-Signed-Request", "AAAA")]).await, (401, 4_010_070), "no signature of anything");
    assert_eq!(send(&[("X-Validation-Data", "other"), signed[1]]).await, (401, 4_010_070), "of other data");
    assert_eq!(send(&[signed[0], signed[1], ("Authorization", &bearer)]).await, (200, 0));
    assert_eq!(send(&[signed[0], signed[1], ("Authorization", &bearer)]).await, (401, 4_010_080), "used before");
    let (data, signature) = client.sign();
    assert_eq!(send(&[("X-Validation-Data", &data), ("X-Signed-Request", &signature)]).await, (401, 4_010_050));
}

#[tokio::test]
async fn a_token_is_given_for_the_right_credentials_and_makes_the_one_before_obsolete() {
    let sandbox = start(Behaviour::default(), &[]);
    let first = Client::new(&sandbox).await;
    assert_eq!(first.ask_token(&[("client_secret", "x")]).await, Err(4_010_030));
    assert_eq!(first.ask_token(&[("password", "x")]).await, Err(4_010_040));
    assert_eq!(first.ask_token(&[("grant_type", "x")]).await, Err(4_010_020));
    assert_eq!(first.get("/v1.0/apicheck").await.0, 200, "a refused request for a token changes nothing");
    let second = Client::new(&sandbox).await;
    let (status, envelope) = first.get("/v1.0/apicheck").await;
    assert_eq!((status.as_u16(), code(&envelope)), (401, 4_010_050));
    assert_eq!(envelope["body"]["error"]["exception"], "OAuth2InvalidTokenException");
    assert_eq!(second.get("/v1.0/apicheck").await.0, 200);
    sandbox.control().revoke_token();
    assert_eq!(second.get("/v1.0/apicheck").await.0, 401);
    let short_lived = start(Behaviour { token_lifetime_s: 0, ..Behaviour::default() }, &[]);
    assert_eq!(code(&Client::new(&short_lived).await.get("/v1.0/apicheck").await.1), 4_010_050);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_with_the_documented_code() {
    let sandbox = start(Behaviour::default(), &[]);
    let client = Client::new(&sandbox).await;
    for (path, status, expected) in [
        ("/v1.0/accounts/3", 403, 4_030_210),
        ("/v1.0/accounts/3/statements", 403, 4_030_210),
        ("/v1.0/cards/ANY0/transactions", 403, 4_030_310),
        ("/v1.0/accounts/1/statements/0", 404, 4_040_210),
        ("/v1.0/cards/ANY1192963106/transactions/0", 404, 4_040_310),
        ("/v1.0/accounts/1/statements?date_start=2026-09-02&date_end=2026-09-01", 400, 4_000_050),
        ("/v1.0/accounts/1/statements?date_start=yesterday", 400, 4_000_210),
        ("/v1.0/cards/ANY1192963106/transactions?limit_number=0", 400, 4_000_310),
        ("/v1.0/accounts/1/statements?limit_start=-1", 400, 4_000_210),
        ("/v1.0/nowhere", 404, 4_040_010),
        ("/v3.1/accounts", 400, 4_000_011),
    ] {
        let (found, envelope) = client.get(path).await;
        assert_eq!((found.as_u16(), code(&envelope)), (status, expected), "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let url = format!("{}/v1.0/accounts", client.base_url);
        let (_, envelope) = json(client.http.request(method.clone(), url).send().await.expect("an answer")).await;
        assert_eq!(code(&envelope), 4_050_010, "{method}");
    }
}

#[tokio::test]
async fn every_route_answers_in_its_documented_shape() {
    let sandbox = start(Behaviour::default(), &[]);
    let client = Client::new(&sandbox).await;
    for (path, keys) in [
        ("/v1.0/apicheck", "date_time"),
        ("/v1.0/accounts", "accounts filters total_results"),
        ("/v1.0/accounts/1/balance", "acc_id balance"),
        ("/v1.0/accounts/1/cards", "acc_id cards filters total_results"),
        ("/v1.0/accounts/1/statements", "acc_id acc_type filters total_results transactions"),
        ("/v1.0/accounts/1/iban-statements", "acc_id acc_type filters total_results transactions"),
        ("/v1.0/accounts/1/credit-transfers", "credit-transfers filters"),
        (CARD, "acc_id card_ref date_time filters total_results transactions"),
    ] {
        let body = client.body(path).await;
        let mut found: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found.join(" "), keys, "{path}");
    }
    assert_eq!(client.body("/v1.0/accounts/1").await["acc_currency"], "EUR");
    assert_eq!(client.body("/v1.0/cards/ANY1192963106").await["validity_month"], 36);
    let row = client.body(&format!("{CARD}?limit_number=1")).await["transactions"][0].take();
    let path = format!("{CARD}/{}", text(&row["txid"]));
    assert_eq!(client.body(&path).await, row);
}

#[tokio::test]
async fn pages_cover_a_listing_once_in_each_order() {
    let mut seen = Vec::new();
    for order in [Order::Oldest, Order::Newest, Order::Shuffled] {
        let sandbox = start(Behaviour { order, ..Behaviour::default() }, &[]);
        let client = Client::new(&sandbox).await;
        let ids = client.ids(CARD, "transactions", 17).await;
        let truth = sandbox.control().rows(CARD);
        assert_eq!(ids.len(), truth.len());
        seen.push(ids);
    }
    let mut reversed = seen[1].clone();
    reversed.reverse();
    assert_eq!(seen[0], reversed);
    assert_ne!(seen[0], seen[2]);
    for ids in &mut seen {
        ids.sort_unstable();
    }
    assert!(seen[0] == seen[1] && seen[1] == seen[2]);
}

#[tokio::test]
async fn limits_are_clamped_and_told_as_the_behaviour_says() {
    let filters = async |behaviour: Behaviour, path: &str| {
        let sandbox = start(behaviour, &[]);
        let mut body = Client::new(&sandbox).await.body(path).await;
        let rows = body.get("transactions").or(body.get("credit-transfers")).and_then(Value::as_array).map(Vec::len);
        (body["filters"].take(), rows, body["total_results"].take())
    };
    let path = "/v1.0/accounts/1/statements?limit_number=500&date_start=2026-08-01&date_end=2026-09-30";
    let clamped = Behaviour { page_rows_max: 20, ..Behaviour::default() };
    let (told, rows, total) = filters(clamped.clone(), path).await;
    assert_eq!(
        (told["limit_number"].clone(), told["date_end"].clone(), rows),
        (20.into(), "2026-09-30".into(), Some(20))
    );
    assert!(total.as_u64().is_some_and(|total| (21..150).contains(&total)), "within the dates: {total}");
    let (_, _, total) = filters(clamped.clone(), &format!("{CARD}?date_start=2026-09-01&date_end=2026-09-01")).await;
    assert_eq!(total, card_rows(), "of card transactions the total knows no dates");
    assert_eq!(filters(Behaviour { echo: Echo::Empty, ..clamped.clone() }, path).await.0, Value::Array(Vec::new()));
    let (told, _, total) = filters(Behaviour { echo: Echo::Absent, totals: false, ..clamped.clone() }, path).await;
    assert_eq!((told, total), (Value::Null, Value::Null));
    let ignoring = Behaviour { transfers_ignore_limits: true, ..clamped };
    let (told, rows, _) = filters(ignoring, "/v1.0/accounts/1/credit-transfers?limit_number=5").await;
    assert_eq!((told, rows), (Value::Array(Vec::new()), Some(54)));
}

#[tokio::test]
async fn dates_filter_on_the_day_that_the_behaviour_says() {
    let count = async |behaviour: Behaviour, field: &str| {
        let sandbox = start(behaviour, &[]);
        let path = format!("{CARD}?date_start=2026-09-01&date_end=2026-09-30");
        let ids = Client::new(&sandbox).await.ids(&path, "transactions", 50).await;
        let rows = sandbox.control().rows(CARD);
        let wanted = |row: &&String| row.contains(&format!("\"{field}\":\"2026-09-"));
        (ids.len(), rows.iter().filter(wanted).count())
    };
    let (found, expected) = count(Behaviour::default(), "date").await;
    assert_eq!(found, expected);
    let used = Behaviour { date_field: DateField::DateTransaction, ..Behaviour::default() };
    let (found, expected) = count(used, "date_transaction").await;
    assert_eq!(found, expected);
    let (found, all) = count(Behaviour { date_end_excluded: true, ..Behaviour::default() }, "date").await;
    assert!(found < all);
}

#[tokio::test]
async fn a_rate_limit_refuses_what_is_beyond_it() {
    let limit = |retry_after| Some(RateLimit { per_second: 5, retry_after });
    let sandbox = start(Behaviour::default(), &[]);
    let client = Client::new(&sandbox).await;
    for (wait, shown) in
        [(RetryAfter::Absent, None), (RetryAfter::Seconds(2), Some("2")), (RetryAfter::Date(2), Some("GMT"))]
    {
        sandbox.control().set_rate_limit(limit(wait));
        let mut statuses = Vec::new();
        let mut last = None;
        for _ in 0..7 {
            let response = client.try_get("/v1.0/apicheck").await.expect("an answer");
            statuses.push(response.status().as_u16());
            last = Some(response);
        }
        assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
        let last = last.expect("seven were sent");
        let header = last.headers().get(RETRY_AFTER).map(|value| value.to_str().expect("text").to_owned());
        assert!(header.as_deref().is_none_or(|text| text.ends_with(shown.unwrap_or("-"))), "{header:?}");
        assert_eq!(code(&json(last).await.1), 4_290_030);
    }
}

#[tokio::test]
async fn faults_of_the_answer_are_seen_where_they_are_ordered() {
    let sandbox = start(Behaviour::default(), &[]);
    let (client, control) = (Client::new(&sandbox).await, sandbox.control());
    let order = |fault: &str| {
        control.clear_faults();
        control.add_fault(fault.parse().expect("a fault"));
    };
    order("500@/transactions#2x2");
    let mut statuses = Vec::new();
    for path in [CARD, "/v1.0/accounts", CARD, CARD, CARD] {
        statuses.push(client.get(path).await.0.as_u16());
    }
    assert_eq!(statuses, [200, 200, 500, 500, 200]);
    for (fault, status, expected) in [
        ("429@*", 429, 4_290_030),
        ("429:code=4290310@*", 429, 4_290_310),
        ("500@*", 500, 5_000_010),
        ("408@*", 408, 4_080_010),
        ("403@*", 403, 4_030_210),
        ("revoke@*", 401, 4_010_050),
    ] {
        order(fault);
        let (found, envelope) = client.get("/v1.0/apicheck").await;
        assert_eq!((found.as_u16(), code(&envelope)), (status, expected), "{fault}");
    }
    let client = Client::new(&sandbox).await;
    order("429:retry-after=7@*");
    assert_eq!(client.try_get("/v1.0/apicheck").await.expect("an answer").headers()[RETRY_AFTER], "7");
    order("redirect:http://127.0.0.1:1/x@*");
    let response = client.try_get("/v1.0/apicheck").await.expect("an answer");
    assert_eq!(
        (response.status().as_u16(), &response.headers()[LOCATION]),
        (302, &"http://127.0.0.1:1/x".parse().expect("a value"))
    );
    for (fault, status, mark) in [("503@*", 503, "<html>"), ("html@*", 200, "<html>"), ("empty@*", 200, "")] {
        order(fault);
        let response = client.try_get("/v1.0/apicheck").await.expect("an answer");
        assert_eq!(response.status(), status, "{fault}");
        assert!(response.text().await.expect("a body").contains(mark), "{fault}");
    }
    order("wrong-hash@*");
    let envelope = client.get("/v1.0/apicheck").await.1;
    assert_ne!(text(&envelope["hash"]), expected_hash(&envelope["timestamp"].to_string()));
}

#[tokio::test]
async fn faults_of_transport_are_seen_as_such() {
    let sandbox = start(Behaviour::default(), &[]);
    let (client, control) = (Client::new(&sandbox).await, sandbox.control());
    let order = |fault: &str| {
        control.clear_faults();
        control.add_fault(fault.parse().expect("a fault"));
    };
    order("reset@*");
    let error = client.try_get(CARD).await.expect_err("a reset connection");
    assert!(format!("{error:?}").contains("ConnectionReset"), "{error:?}");
    for fault in ["cut:100@*", "cut@*", "reset:100@*"] {
        order(fault);
        let response = client.try_get(CARD).await.expect("headers");
        let promised = response.content_length().expect("a length");
        assert!(promised > 1000 && response.bytes().await.is_err(), "{fault}");
    }
    order("bad-json@*");
    let body = client.try_get(CARD).await.expect("an answer").bytes().await.expect("a whole body");
    assert!(serde_json::from_slice::<Value>(&body).is_err());
    order("drip:200,10@*");
    let started = Instant::now();
    let dripped = client.body(&format!("{CARD}?limit_number=3")).await;
    assert!(
        started.elapsed() > Duration::from_millis(30) && dripped["transactions"].as_array().map(Vec::len) == Some(3)
    );
    order("delay:60@*");
    let started = Instant::now();
    client.body("/v1.0/apicheck").await;
    assert!(started.elapsed() >= Duration::from_millis(60));
    order("hang@*");
    assert!(tokio::time::timeout(Duration::from_millis(100), client.try_get(CARD)).await.is_err());
    order("endless@*");
    let mut response = client.try_get(CARD).await.expect("headers");
    let mut bytes = 0;
    while bytes < 4 << 20 {
        bytes += response.chunk().await.expect("more").expect("no end").len();
    }
    order("headers@*");
    assert!(client.try_get(CARD).await.is_err(), "no client takes 5000 headers");
    order("deep-json:100000@*");
    let body = client.try_get(CARD).await.expect("an answer").text().await.expect("a body");
    assert!(body.len() > 200_000 && serde_json::from_str::<Value>(&body).is_err_and(|error| !error.is_eof()));
}

#[tokio::test]
async fn a_gzip_bomb_is_small_on_the_wire_and_large_unpacked() {
    let sandbox = start(Behaviour::default(), &["gzip-bomb:64@/apicheck#*"]);
    let client = Client::new(&sandbox).await;
    let mut response = client.try_get("/v1.0/apicheck").await.expect("headers");
    let mut unpacked = 0_usize;
    while let Ok(Some(chunk)) = response.chunk().await {
        assert!(chunk.iter().all(|byte| *byte == b' '));
        unpacked += chunk.len();
    }
    assert!(unpacked >= 63 << 20, "{unpacked}");
}

#[tokio::test]
async fn listings_move_while_they_are_paged() {
    let page = |start: usize| format!("{CARD}?limit_start={start}&limit_number=10");
    let first_ids = async |fault: &str, order| {
        let sandbox = start(Behaviour { order, ..Behaviour::default() }, &[fault]);
        let client = Client::new(&sandbox).await;
        let before = client.body(&page(0)).await["transactions"].take();
        let after = client.body(&page(0)).await["transactions"].take();
        let id = |rows: &Value, at: usize| text(&rows[at]["txid"]);
        (id(&before, 0), id(&before, 1), id(&after, 0), id(&after, 1))
    };
    let (first, _, new, moved) = first_ids("insert@/transactions#1", Order::Newest).await;
    assert!(new != first && moved == first, "a row came in before the first");
    let (_, second, now_first, _) = first_ids("delete@/transactions#1", Order::Newest).await;
    assert_eq!(second, now_first);
    let (first, _, still_first, _) = first_ids("insert@/transactions#1", Order::Oldest).await;
    assert_eq!(first, still_first, "it came in at the other end");
    let sandbox = start(Behaviour::default(), &["unstable@/transactions#2", "short:4@/transactions#3"]);
    let client = Client::new(&sandbox).await;
    let pages = [client.body(&page(0)).await, client.body(&page(0)).await, client.body(&page(0)).await];
    assert_ne!(pages[0]["transactions"], pages[1]["transactions"]);
    assert_eq!(pages[2]["transactions"].as_array().map(Vec::len), Some(6));
    assert_eq!(sandbox.control().insert_rows(CARD, 2), 2);
    assert_eq!(client.body(&page(0)).await["total_results"], card_rows() + 2);
}

#[tokio::test]
async fn one_row_of_a_page_can_be_spoilt() {
    for how in ["amount", "decimals", "huge", "date", "no-id", "null", "number"] {
        let fault = format!("bad-row:{how}@/transactions#2");
        let sandbox = start(Behaviour::default(), &[&fault]);
        let client = Client::new(&sandbox).await;
        let path = format!("{CARD}?limit_number=5");
        let pages = [client.body(&path).await, client.body(&path).await];
        let rows = |page: usize| pages[page]["transactions"].as_array().expect("rows").clone();
        let differing: Vec<usize> = (0..5).filter(|at| rows(0)[*at] != rows(1)[*at]).collect();
        assert_eq!(differing, [2], "{how}");
    }
}

#[tokio::test]
async fn the_log_tells_what_was_asked() {
    let sandbox = start(Behaviour::default(), &["500@/balance"]);
    let client = Client::new(&sandbox).await;
    client.get("/v1.0/accounts/1/balance?a=b").await;
    client.body("/v1.0/accounts").await;
    let log = sandbox.control().log();
    let shown: Vec<String> = log.iter().map(|record| record.to_string().trim().to_owned()).collect();
    assert_eq!(
        shown,
        [
            "1 POST /oauth/v2/token → 200",
            "2 GET /v1.0/accounts/1/balance?a=b → 500 5000010 [500@/balance]",
            "3 GET /v1.0/accounts → 200",
        ]
    );
    let counters = sandbox.control().counters();
    assert_eq!((counters.requests, counters.tokens, counters.faulted, counters.rows), (3, 1, 1, 2));
}

#[tokio::test]
async fn http2_without_tls_is_understood() {
    let sandbox = start(Behaviour::default(), &[]);
    let mut client = Client::without_token(&sandbox);
    client.http = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
    client.token = client.ask_token(&[]).await.expect("a token");
    let response = client.try_get("/v1.0/accounts").await.expect("an answer");
    assert_eq!((response.version(), response.status().as_u16()), (reqwest::Version::HTTP_2, 200));
}

/// A shell, for the programs that the provider's guide uses.
fn shell(folder: &Path, script: &str) -> Output {
    let output = Command::new("bash").arg("-euc").arg(script).current_dir(folder).output().expect("bash runs");
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn curl_and_openssl_get_in_as_in_the_providers_guide() {
    let folder = tempfile::tempdir().expect("a folder");
    shell(
        folder.path(),
        "openssl genrsa -des3 -passout pass:secret -out id_rsa.pem 2048
         openssl rsa -in id_rsa.pem -passin pass:secret -outform PEM -pubout -out id_rsa.pub.pem
         openssl rsa -in id_rsa.pem -passin pass:secret -out id_rsa -outform PEM",
    );
    let key = PublicKey::from_file(&folder.path().join("id_rsa.pub.pem")).expect("a key");
    let sandbox = Sandbox::start(SandboxConfig::new(key)).expect("starts");
    let script = r#"
        call() {
            DATA=$(date +%s.%N)$RANDOM
            SIGNATURE=$(printf %s "$DATA" | openssl dgst -sha1 -sign id_rsa | base64 -w0)
            curl -s "$@" -H "X-Validation-Data: $DATA" -H "X-Signed-Request: $SIGNATURE"
        }
        call URL/oauth/v2/token -d 'grant_type=password' -d 'client_id=sandbox-client' \
            -d 'client_secret=sandbox-client-secret' -d 'username=sandbox-user' -d 'password=sandbox-password' > token.json
        TOKEN=$(sed 's/.*"access_token":"\([^"]*\)".*/\1/' token.json)
        call URL/v1.0/apicheck -X GET -H "Authorization: Bearer $TOKEN"
        call -G URL/v1.0/accounts/1/statements -d date_start=2026-08-01 -d date_end=2026-08-31 -d limit_number=2 \
            -X GET -H "Authorization: Bearer $TOKEN""#;
    let output = shell(folder.path(), &script.replace("URL", &sandbox.base_url()));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains(r#""body":{"date_time":"20"#) && text.contains(r#""limit_number":2"#), "{text}");
}

#[test]
fn the_command_says_where_it_is_makes_keys_and_ends_when_asked() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"))
        .args(["sandbox", "--port", "0", "--fault", "500@/balance", "--order", "newest"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(command.stdout.take().expect("piped")).lines();
    let url = lines.next().expect("a line").expect("UTF-8");
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let private = folder.path().join("sandbox-keys/id_rsa.pem");
    let mode = std::fs::metadata(&private).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let answer = shell(folder.path(), &format!("curl -s {url}/v1.0/accounts"));
    assert!(String::from_utf8_lossy(&answer.stdout).contains("4010010"));
    shell(folder.path(), &format!("kill -TERM {}", command.id()));
    let output = command.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    for text in
        ["export ANYTIME_USERNAME='sandbox-user'", "[source]", &url, "openssl dgst -sha1", "stopped after 1 requests"]
    {
        assert!(told.contains(text), "{text} in {told}");
    }
}

#[test]
fn what_is_wrong_on_the_command_line_ends_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in
        [&["--fault", "explode@*"][..], &["--data", "nowhere"], &["--public-key", "nowhere"], &["--generate", "1x2"]]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_tieout"))
            .arg("sandbox")
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
