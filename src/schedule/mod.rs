//! When jobs run: all of them in one process ([`daemon`]), or as units that systemd, cron and Kubernetes run ([`units`]).

pub mod agenda;
mod cron;
pub mod daemon;
pub mod units;

pub use cron::Schedule;
