//! A tiny HTTP listener that remembers what it was told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Heard {
    pub target: String,
    pub headers: String,
    pub body: String,
}

/// Answers each request with the next of its statuses, the last of them for ever; 0 is silence.
pub struct Listener {
    pub url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Listener {
    pub fn answering(statuses: &'static [u16]) -> Listener {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(one) = hear(&stream) else { continue };
                let number = {
                    let mut ears = ears.lock().expect("a lock");
                    ears.push(one);
                    ears.len() - 1
                };
                match statuses[number.min(statuses.len() - 1)] {
                    0 => {
                        // It keeps the connection and says nothing.
                        thread::spawn(move || {
                            thread::sleep(Duration::from_secs(30));
                            drop(stream);
                        });
                    }
                    status => {
                        let _ = (&stream).write_all(
                            format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes(),
                        );
                    }
                }
            }
        });
        Listener { url, heard }
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("a lock").clone()
    }

    pub fn targets(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.target).collect()
    }
}

fn hear(stream: &TcpStream) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let (first, headers) = head.split_once("\r\n")?;
    let headers = headers.to_lowercase();
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let length = length.trim().parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let target = first.split(' ').nth(1)?.to_owned();
    Some(Heard { target, headers, body: String::from_utf8(body).ok()? })
}
