//! Anytime.

pub mod decode;
pub mod page;
mod scalar;
