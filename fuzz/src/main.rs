//! The fuzzer: `TIEOUT_FUZZ` names the target, everything else is libFuzzer's. `fuzz/run` builds and starts it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "../targets.rs"]
mod targets;

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("TIEOUT_FUZZ").expect("TIEOUT_FUZZ names a target");
    let found = targets::TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no target '{name}'")).1
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
