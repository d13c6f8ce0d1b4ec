//! Those who are asked.

pub mod anytime;
