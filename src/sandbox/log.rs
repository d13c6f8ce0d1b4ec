//! What was asked and how it was answered.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard};

/// Requests that are remembered; older ones only count.
const REMEMBERED_MAX: usize = 200_000;

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// Counted from 1.
    pub number: u64,
    /// Milliseconds since the sandbox was started, when the request came in.
    pub at_ms: u64,
    /// GET, POST …
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, without `?`.
    pub query: String,
    /// HTTP status of the answer; 0 when the connection was broken instead.
    pub status: u16,
    /// The provider's error code; 0 when there is none.
    pub code: u32,
    /// Rows in the answer.
    pub rows: usize,
    /// The faults that were applied, as they were written.
    pub faults: Vec<String>,
}

impl fmt::Display for RequestRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.query.is_empty() { "" } else { "?" };
        write!(f, "{:>5} {} {}{mark}{} → {}", self.number, self.method, self.path, self.query, self.status)?;
        if self.code != 0 {
            write!(f, " {}", self.code)?;
        }
        if !self.faults.is_empty() {
            write!(f, " [{}]", self.faults.join(" "))?;
        }
        Ok(())
    }
}

/// Sums over all requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// All requests.
    pub requests: u64,
    /// Requests for a token.
    pub tokens: u64,
    /// Answers with status 200.
    pub answered: u64,
    /// Answers with another status, and broken connections.
    pub refused: u64,
    /// Requests on which a fault was applied.
    pub faulted: u64,
    /// Rows sent.
    pub rows: u64,
}

/// The log of a running sandbox.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    records: VecDeque<RequestRecord>,
    counters: Counters,
}

impl Log {
    /// Numbers a request.
    pub(super) fn begin(&self) -> u64 {
        let mut inner = self.lock();
        inner.counters.requests += 1;
        inner.counters.requests
    }

    /// Remembers a request that has been answered.
    pub(super) fn end(&self, record: RequestRecord) {
        let mut inner = self.lock();
        let counters = &mut inner.counters;
        counters.tokens += u64::from(record.path == "/oauth/v2/token");
        counters.answered += u64::from(record.status == 200);
        counters.refused += u64::from(record.status != 200);
        counters.faulted += u64::from(!record.faults.is_empty());
        counters.rows += record.rows as u64;
        if inner.records.len() == REMEMBERED_MAX {
            inner.records.pop_front();
        }
        inner.records.push_back(record);
    }

    pub(super) fn records(&self) -> Vec<RequestRecord> {
        self.lock().records.iter().cloned().collect()
    }

    pub(super) fn counters(&self) -> Counters {
        self.lock().counters
    }

    pub(super) fn clear(&self) {
        *self.lock() = Inner::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no code panics while it holds the log")
    }
}
