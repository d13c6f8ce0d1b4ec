//! The register over runs, and what `tieout verify` sees: the binary, over small archives.

#[path = "register/bench.rs"]
mod bench;
#[path = "register/feeds.rs"]
mod feeds;
#[path = "register/lives.rs"]
mod lives;
#[path = "register/moves.rs"]
mod moves;
#[path = "register/seams.rs"]
mod seams;
#[path = "register/slides.rs"]
mod slides;
#[path = "register/tampering.rs"]
mod tampering;
