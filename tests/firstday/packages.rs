//! What packages hold, laid out by the script that tarball and Debian package share.

use std::fs;
use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn a_package_holds_the_binary_its_page_completions_and_examples() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(format!("{ROOT}/packaging/stage"))
        .arg(folder.path())
        .arg(env!("CARGO_BIN_EXE_tieout"))
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for file in [
        "bin/tieout",
        "share/man/man1/tieout.1.gz",
        "share/bash-completion/completions/tieout",
        "share/zsh/vendor-completions/_tieout",
        "share/fish/vendor_completions.d/tieout.fish",
        "share/doc/tieout/README.md",
        "share/doc/tieout/breaks.md",
        "share/doc/tieout/jobs/nightly.toml",
        "share/doc/tieout/schemas/job.schema.json",
    ] {
        let about =
            fs::metadata(folder.path().join("usr").join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(about.len() > 0, "{file}");
    }
    assert!(!folder.path().join("usr/share/doc/tieout/jobs/keys").exists(), "no key is packed");
}

/// A path that is renamed breaks `cargo deb` only on the day of a release otherwise.
#[test]
fn what_cargo_deb_packs_is_there() {
    let manifest: toml::Table =
        fs::read_to_string(format!("{ROOT}/Cargo.toml")).expect("a manifest").parse().expect("TOML");
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().expect("a list");
    assert!(!assets.is_empty());
    for asset in assets {
        let path = asset[0].as_str().expect("a path");
        let is_built = path.starts_with("target/release/");
        let plain = path.trim_end_matches("*.md").trim_end_matches('*');
        assert!(is_built || Path::new(ROOT).join(plain).exists(), "{path}");
    }
}
