//! Stands before the S3 server, counts what is asked of it, and does something at a request of the test's choice.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};

use crate::server::server;

/// What is done at a request, before it goes on. One that is `Refused` does not.
pub type AtRequest = Arc<dyn Fn(&str, usize) -> Step + Send + Sync>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    GoesOn,
    /// Answered with a status that no client tries again.
    Refused,
    /// Goes on, but its answer is another one, after which clients try again.
    AnswerLost,
}

#[derive(Clone)]
struct Shared {
    seen: Arc<Mutex<Vec<String>>>,
    at_request: AtRequest,
    client: reqwest::Client,
}

pub struct Proxy {
    pub address: String,
    seen: Arc<Mutex<Vec<String>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Proxy {
    /// `at_request` gets a request such as `PUT /bucket/name` and how many of its kind (method and first folders) came
    /// before.
    pub fn start(at_request: impl Fn(&str, usize) -> Step + Send + Sync + 'static) -> Proxy {
        server();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let shared = Shared { seen: Arc::clone(&seen), at_request: Arc::new(at_request), client };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runs");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let router = Router::new().fallback(pass).with_state(shared);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Proxy { address: format!("http://{address}"), seen, _runtime: runtime }
    }

    /// The requests so far whose text holds `words`.
    pub fn count(&self, words: &str) -> usize {
        self.seen.lock().expect("whole").iter().filter(|request| request.contains(words)).count()
    }
}

async fn pass(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let request = format!("{method} {}", uri.path());
    let before = {
        let mut seen = shared.seen.lock().expect("whole");
        let before = seen.iter().filter(|seen| kind(seen) == kind(&request)).count();
        seen.push(request.clone());
        before
    };
    // It may wait for another program, which asks by way of another thread.
    let (at_request, asked) = (Arc::clone(&shared.at_request), request.clone());
    let step = tokio::task::spawn_blocking(move || at_request(&asked, before)).await.expect("no panic");
    if step == Step::Refused {
        return Response::builder().status(StatusCode::FORBIDDEN).body(Body::from("AccessDenied")).expect("an answer");
    }
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let answer =
        shared.client.request(method, format!("{}{target}", server())).headers(headers).body(body).send().await;
    if step == Step::AnswerLost {
        return Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).body(Body::empty()).expect("an answer");
    }
    let answer = answer.expect("the server answers");
    let mut passed = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if !["transfer-encoding", "connection"].contains(&name.as_str()) {
            passed = passed.header(name, value);
        }
    }
    passed.body(Body::from(answer.bytes().await.expect("a whole answer"))).expect("an answer")
}

/// `PUT /bucket/bank/lake/balances/…` is of the kind `PUT /bucket/bank/lake/balances`.
fn kind(request: &str) -> String {
    request.split('/').take(5).collect::<Vec<_>>().join("/")
}
