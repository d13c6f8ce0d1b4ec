//! What a run leaves in an output directory: all of it or nothing, the same bytes each time, and nobody else's rows lost.

#[path = "output/commit.rs"]
mod commit;
#[path = "output/faulty.rs"]
mod faulty;
#[path = "output/files.rs"]
mod files;
#[path = "output/lake.rs"]
mod lake;
#[path = "output/speed.rs"]
mod speed;
#[path = "output/support.rs"]
mod support;
