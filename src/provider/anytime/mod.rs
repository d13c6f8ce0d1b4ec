//! Anytime.

pub mod decode;
pub mod details;
pub mod page;
mod scalar;
