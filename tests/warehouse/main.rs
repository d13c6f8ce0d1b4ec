//! What was committed, in a warehouse: loaded into real databases, and read by programs that nobody here wrote.

mod bench;
mod engines;
mod everyone;
mod fields;
mod handbook;
mod month;
mod packages;
mod peers;
mod postgresql;
mod readers;
mod refusals;
mod schemas;
mod server;
mod sqlite;
