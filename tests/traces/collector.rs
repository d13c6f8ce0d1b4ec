//! A collector on loopback: keeps what it is sent, to be read by the standard's own reader.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A request, as it came.
#[derive(Debug, Clone)]
pub struct Heard {
    pub head: String,
    pub body: Vec<u8>,
}

/// Answers every request with one status.
pub struct Collector {
    pub endpoint: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Collector {
    pub fn answering(status: u16) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let ears = Arc::clone(&ears);
                thread::spawn(move || serve(&stream, status, &ears));
            }
        });
        Collector { endpoint, heard }
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("a lock").clone()
    }

    /// All spans it was sent.
    pub fn spans(&self) -> Vec<Span> {
        let folder = tempfile::tempdir().expect("a folder");
        for (number, heard) in self.heard().into_iter().enumerate() {
            fs::write(folder.path().join(format!("{number}.pb")), heard.body).expect("a file");
        }
        read(folder.path())
    }
}

fn serve(stream: &TcpStream, status: u16, ears: &Mutex<Vec<Heard>>) {
    let mut reader = BufReader::new(stream);
    while let Some(heard) = hear(&mut reader) {
        ears.lock().expect("a lock").push(heard);
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
        if (&*stream).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn hear(reader: &mut BufReader<&TcpStream>) -> Option<Heard> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.trim().parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Heard { head, body })
}

/// A span, as `read.py` tells it.
#[derive(Debug, Clone, Deserialize)]
pub struct Span {
    pub name: String,
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub begin: u64,
    pub end: u64,
    pub attributes: Map<String, Value>,
    /// UNSET, OK or ERROR.
    pub status: String,
    pub why: String,
    pub events: Vec<Map<String, Value>>,
    pub resource: Map<String, Value>,
}

fn read(folder: &Path) -> Vec<Span> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readers = std::env::var_os("TIEOUT_READERS").map_or_else(|| root.join("target/readers"), Into::into);
    let output = Command::new(readers.join("bin/python"))
        .args([&root.join("tests/traces/read.py"), folder])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; tests/all installs it", readers.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("spans")
}
