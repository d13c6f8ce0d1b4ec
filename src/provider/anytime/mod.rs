//! Anytime.

pub mod decode;
mod scalar;
