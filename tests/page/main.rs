//! `reconciliation.html` as its readers have it: in a real browser, by mouse, keyboard, phone and paper.

#![allow(missing_docs, clippy::missing_errors_doc, reason = "the parts of a test are nobody's interface")]

mod books;
mod chromium;
mod contents;
mod large;
#[path = "../nightly/support.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod support;
mod use_of_it;

use std::path::PathBuf;
use std::sync::LazyLock;

use support::Place;

/// The demo's page, made once.
static DEMO: LazyLock<(Place, PathBuf)> = LazyLock::new(|| {
    let place = Place::new();
    let ended = place.tieout(&["demo", "--out", "out"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let page = place.path("out/reports/demo/2026-08-01_2026-10-31/reconciliation.html");
    (place, page)
});

/// The page of the archive in which everything is wrong, in Swiss spelling; run twice, as rows were restated.
static EVERYTHING: LazyLock<(Place, PathBuf)> = LazyLock::new(|| {
    let place = Place::new();
    let archive = place.path("pages");
    place.write("job.toml", &books::job(&archive, "de-CH"));
    for first in [-2_000, -2_100] {
        books::write(&archive, first);
        let ended = place.tieout(&["run", "job.toml", "--out", "my out"]);
        assert_eq!(ended.code, 4, "{}\n{}", ended.stdout, ended.stderr);
    }
    let page = place.path("my out/reports/page/2026-03-01_2026-03-31/reconciliation.html");
    (place, page)
});

fn demo() -> &'static str {
    DEMO.1.to_str().expect("UTF-8")
}

fn everything() -> &'static str {
    EVERYTHING.1.to_str().expect("UTF-8")
}
