//! An S3 server that nobody here wrote (moto, pinned in `tests/requirements.txt`), on loopback, shared by all tests.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Who asks is not looked at, but that somebody does.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=tieout/20260101/us-east-1/s3/aws4_request";

pub fn readers() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/readers");
    std::env::var_os("TIEOUT_READERS").map_or(built, PathBuf::from).join("bin/python")
}

/// Its address, `http://127.0.0.1:…`.
pub fn server() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(start)
}

static CHILD: Mutex<Option<Child>> = Mutex::new(None);

fn start() -> String {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    // It ends with its parent: nobody is left to stop it when the last test is over.
    let script = "import os,sys,threading\n\
                  threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()\n\
                  from moto.server import main\n\
                  main(['-H', '127.0.0.1', '-p', sys.argv[1]])";
    let child = Command::new(readers())
        .args(["-c", script, &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; tests/all installs it", readers().display()));
    *CHILD.lock().expect("no test panics here") = Some(child);
    let address = format!("http://127.0.0.1:{port}");
    let begun = Instant::now();
    while request("GET", &format!("{address}/moto-api/")).is_none() {
        assert!(begun.elapsed() < Duration::from_mins(1), "the S3 server does not answer");
        std::thread::sleep(Duration::from_millis(100));
    }
    address
}

/// Makes a bucket.
pub fn make_bucket(name: &str) {
    assert!(request("PUT", &format!("{}/{name}", server())).is_some(), "the bucket {name} was not made");
}

/// What an object holds.
pub fn object(bucket: &str, name: &str) -> Option<Vec<u8>> {
    request("GET", &format!("{}/{bucket}/{name}", server()))
}

/// Puts an object, as somebody else would.
pub fn put_object(bucket: &str, name: &str, bytes: &[u8]) {
    let url = format!("{}/{bucket}/{name}", server());
    send(reqwest::Client::new().put(url).body(bytes.to_vec())).expect("it is put");
}

pub fn delete_object(bucket: &str, name: &str) {
    request("DELETE", &format!("{}/{bucket}/{name}", server())).expect("it is deleted");
}

/// The names of a bucket's objects that begin so, in order.
pub fn names(bucket: &str, prefix: &str) -> Vec<String> {
    let url = format!("{}/{bucket}?list-type=2&max-keys=1000&prefix={prefix}", server());
    let listing = String::from_utf8(request("GET", &url).expect("a listing")).expect("UTF-8");
    assert!(listing.contains("<IsTruncated>false</IsTruncated>"), "the listing is cut");
    let keys = listing.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
    keys.map(str::to_owned).collect()
}

fn request(method: &str, url: &str) -> Option<Vec<u8>> {
    let method = method.parse().expect("a method");
    send(reqwest::Client::builder().no_proxy().build().expect("a client").request(method, url))
}

/// The body of an answer that is no refusal.
fn send(request: reqwest::RequestBuilder) -> Option<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let answer = request.header("authorization", SIGNED).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        answer.bytes().await.ok().map(|bytes| bytes.to_vec())
    })
}
