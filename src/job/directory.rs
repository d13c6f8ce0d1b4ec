//! Where a job's results lie. Commands that read them need none of the job's credentials.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::file::OUTPUT_KEYS;
use super::hidden::may_hold_credentials;
use super::problems::Problems;
use super::section::Section;
use crate::store::{Address, HOW_TO_BUILD_IN, IS_BUILT_IN};
use crate::{Error, Result};

const DEFAULT: &str = "out";

/// The output directory, and the object store that its lake is published to.
///
/// A store takes the lake alone: reports, landed bytes and the state stay in a directory, whose lock keeps runs apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The directory; relative to the current one.
    pub directory: PathBuf,
    /// The store.
    pub lake: Option<Address>,
}

impl Places {
    /// What `[output]` says, or `out` of the command line, which wins: a trial elsewhere must not publish.
    pub(super) fn of(output: &Section<'_, '_>, out: Option<&Path>, problems: &mut Problems) -> Places {
        let written = output.string("directory", problems);
        let local = output.string("local", problems);
        let address = written.clone().filter(|(text, _)| Address::is_meant_by(text));
        if let (Some((_, span)), None) = (&local, &address) {
            let hint = "leave it out, or write directory = \"s3://bucket/prefix\"";
            let message = "'local' tells where the rest lies when 'directory' is an object store, but it is a folder";
            problems.add_with_hint(span.clone(), message, "not needed", hint);
        }
        let lake = address.and_then(|(text, span)| {
            // A password that should not stand here is not shown either.
            if may_hold_credentials(text) {
                problems.hide(span.clone());
            }
            let address = Address::parse(text).map_err(|message| problems.add(span.clone(), message, "this address"));
            if address.is_ok() && !IS_BUILT_IN {
                let message = "this tieout was built without object stores";
                problems.add_with_hint(span, message, "this address", HOW_TO_BUILD_IN);
            }
            address.ok()
        });
        if let Some((text, span)) = local.as_ref().filter(|(text, _)| Address::is_meant_by(text)) {
            problems.add(span.clone(), format!("'local' must be a folder, found \"{text}\""), "not a folder");
        }
        let folder = if lake.is_some() { local } else { written };
        match out {
            Some(out) => Places { directory: out.to_owned(), lake: None },
            None => Places { directory: PathBuf::from(folder.map_or(DEFAULT, |(folder, _)| folder)), lake },
        }
    }
}

/// The places of the job file at `path`. Nothing else of the file is looked at.
///
/// # Errors
/// When the file cannot be read, is not TOML, or tells no places.
pub fn places(path: &Path) -> Result<Places> {
    let source = std::fs::read_to_string(path).map_err(|error| {
        Error::job("the job file cannot be read")
            .at(path.display())
            .because(error)
            .hint("give the path of a TOML file such as jobs/nightly.toml, or a directory with --out")
    })?;
    let root = DeTable::parse(&source).map_err(|error| {
        Error::job("the job file is not TOML").at(path.display()).because(error.message().to_owned())
    })?;
    let (mut problems, mut others) = (Problems::default(), Problems::default());
    let output = Section::of(&root, "output", OUTPUT_KEYS, &mut others);
    let places = Places::of(&output, None, &mut problems);
    problems.check(path, &source)?;
    Ok(places)
}

/// The output directory of the job file at `path`, or its default.
///
/// # Errors
/// As [`places`].
pub fn output_directory(path: &Path) -> Result<PathBuf> {
    places(path).map(|places| places.directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &str) -> Result<Places> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("job.toml");
        std::fs::write(&path, format!("[output]\n{output}\n[source]\npassword = \"canary\"\n")).expect("a file");
        places(&path)
    }

    #[test]
    fn a_folder_is_a_folder() {
        let folder = |name: &str| Places { directory: PathBuf::from(name), lake: None };
        assert_eq!(read("").expect("the default"), folder("out"));
        assert_eq!(read("directory = \"a/b\"").expect("a folder"), folder("a/b"));
    }

    #[cfg(feature = "object-store")]
    #[test]
    fn a_store_takes_the_lake_and_leaves_the_rest_at_home() {
        let lake = Address::parse("s3://books/bank").ok();
        let expected = |name: &str| Places { directory: PathBuf::from(name), lake: lake.clone() };
        assert_eq!(read("directory = \"s3://books/bank\"").expect("an address"), expected("out"));
        assert_eq!(read("directory = \"s3://books/bank\"\nlocal = \"b\"").expect("an address"), expected("b"));
    }

    #[cfg(not(feature = "object-store"))]
    #[test]
    fn a_program_without_stores_says_how_to_get_them() {
        let told = read("directory = \"s3://books/bank\"").expect_err("not built in").to_string();
        assert!(told.contains("built without object stores") && told.contains("--features object-store"), "{told}");
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        for (output, words) in [
            ("directory = \"ftp://books\"", "found ftp://"),
            ("directory = \"s3://me:canary2@books\"", "credentials come from the environment"),
            ("directory = \"out\"\nlocal = \"b\"", "'local' tells where the rest lies"),
            ("directory = \"s3://books\"\nlocal = \"gs://books\"", "'local' must be a folder"),
            ("directory = 1", "expected a text"),
        ] {
            let told = read(output).expect_err(output).to_string();
            assert!(told.contains(words) && told.contains("job.toml:"), "expected \"{words}\" in {told}");
            assert!(!told.contains("canary"), "{told}");
        }
    }
}
