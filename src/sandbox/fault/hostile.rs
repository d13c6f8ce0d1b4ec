//! Answers that no honest server gives.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};

use crate::sandbox::connection::Connection;

/// A web server's page.
pub(in crate::sandbox) const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head>\n\
    <body><h1>We'll be back soon</h1><p>{\"not\": \"json\"}</p></body></html>\n";

/// How long bytes already written get to leave before a connection is reset.
const LEAVE_TIME: Duration = Duration::from_millis(30);

/// The first bytes of a body, then the end of the connection.
pub(in crate::sandbox) fn cut(body: &Bytes, after_bytes: usize) -> Body {
    let first = body.slice(..after_bytes.min(body.len()));
    let gone = io::Error::new(io::ErrorKind::ConnectionAborted, "cut, as ordered");
    let then = stream::once(async move {
        tokio::time::sleep(LEAVE_TIME).await;
        Err(gone)
    });
    Body::from_stream(stream::once(async move { Ok(first) }).chain(then))
}

/// The first bytes of a body, then a reset connection.
pub(in crate::sandbox) fn reset(body: &Bytes, after_bytes: usize, connection: Connection) -> Body {
    let first = body.slice(..after_bytes.min(body.len()));
    let rest = body.slice(first.len()..);
    let then = stream::once(async move {
        tokio::time::sleep(LEAVE_TIME).await;
        connection.reset();
        Ok::<_, Infallible>(rest)
    });
    Body::from_stream(stream::once(async move { Ok(first) }).chain(then))
}

/// A body a few bytes at a time.
pub(in crate::sandbox) fn drip(body: Bytes, bytes: usize, every_ms: u64) -> Body {
    Body::from_stream(stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        let drop = rest.split_to(bytes.min(rest.len()));
        tokio::time::sleep(Duration::from_millis(every_ms)).await;
        Some((Ok::<_, Infallible>(drop), rest))
    }))
}

/// A body without end.
pub(in crate::sandbox) fn endless() -> Body {
    let first = Bytes::from_static(br#"{"request_id":1,"type_response":"sync","body":{"transactions":["#);
    let more = stream::repeat(Bytes::from(vec![b' '; 64 << 10]));
    Body::from_stream(stream::once(async { first }).chain(more).map(Ok::<_, Infallible>))
}

/// A gzip body that unpacks to that many mebibytes.
pub(in crate::sandbox) fn gzip_bomb(mebibytes: usize) -> Bytes {
    super::gzip::bomb(mebibytes).into()
}

/// JSON nested that deep.
pub(in crate::sandbox) fn deep_json(levels: usize) -> String {
    format!(r#"{{"transactions":{}{}}}"#, "[".repeat(levels), "]".repeat(levels))
}
