//! The provider on loopback: a server that a real client cannot tell from the real one, except that it can be told to
//! fail.
//!
//! ```text
//! generator   books out of a seed, and faults planted in them    → ledger
//! ledger      what happened, in exact minor units
//! spelling    the ledger in the provider's many spellings        → books
//! books       rows as they are sent;  files: books in a folder;  archive: books as responses;  sample: sample-data
//! server      starts and stops;  desk: a request becomes an answer, past these:
//!   route       what is asked for
//!   gate        signature, validation data used once, the one valid token, the rate limit
//!   store       the listings and the body of each answer;  listing: order, date filter, page
//!   envelope    timestamp and hash around the body
//!   clock       when an answer goes out that takes its time
//!   fault       what goes wrong, where and when
//! ```
//!
//! It listens on 127.0.0.1 and nowhere else, and its credentials guard nothing but sample data.

pub mod archive;
pub mod books;
mod clock;
pub mod codes;
pub mod config;
mod connection;
mod desk;
mod edit;
mod envelope;
pub mod fault;
pub mod files;
mod gate;
pub mod generator;
mod json;
pub mod keys;
pub mod ledger;
mod listing;
pub mod log;
mod route;
pub mod sample;
mod server;
mod spelling;
mod store;

pub use books::Books;
pub use config::{Behaviour, Credentials, DateField, Echo, OnRequest, Order, RateLimit, RetryAfter, SandboxConfig};
pub use fault::Fault;
pub use keys::{KeyFiles, PublicKey};
pub use log::{Counters, RequestRecord};
pub use server::{Control, RunningSandbox, Sandbox};
