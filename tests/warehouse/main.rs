//! What was committed, in a warehouse: loaded into real databases, and read by programs that nobody here wrote.

mod bench;

mod postgresql;
mod refusals;

mod server;
mod sqlite;
