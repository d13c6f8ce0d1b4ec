//! The lake in an object store: published to a real S3 server on loopback, and read back from there by others.

mod bench;
mod interrupted;
mod proxy;
mod published;
mod refusals;
mod server;
