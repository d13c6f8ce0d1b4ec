//! What a run leaves in an output directory: all of it or nothing, the same bytes each time, and nobody else's rows lost.

#[path = "output/support.rs"]
mod support;

#[path = "output/files.rs"]
mod files;
