//! What stands in the store about publications: their manifests, and what lies in `lake/`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::output::ManifestFile;

/// Where manifests lie.
pub(super) const MANIFESTS: &str = "_tieout/manifests";
/// Where staged partitions lie.
pub(super) const DATA: &str = "_tieout/data";
/// What lies in `lake/`.
pub(super) const PLACED: &str = "_tieout/placed.json";
/// The version of the manifest that this program writes and reads.
pub(super) const FORMAT: u32 = 1;

/// The whole lake as of one publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PublishedManifest {
    /// [`FORMAT`].
    pub(super) format: u32,
    /// 1 for the first; each is one more than the one before.
    pub(super) sequence: u64,
    /// Drawn anew for each: tells one's own manifest from another's.
    pub(super) publication_id: String,
    /// When, RFC 3339.
    pub(super) published_at: String,
    /// Who wrote it.
    pub(super) tieout_version: String,
    /// Every partition of the lake.
    pub(super) partitions: Vec<PublishedPartition>,
}

/// A partition as of one publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PublishedPartition {
    /// The object that holds it for as long as the manifest stands.
    pub(super) object: String,
    /// The run that wrote it.
    pub(super) run_id: String,
    /// Its place in the lake, size, digest and totals.
    #[serde(flatten)]
    pub(super) file: ManifestFile,
}

/// What was put in place, by its path. It only saves work: what is not as told here is put in place again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Placed(pub(super) BTreeMap<String, PlacedObject>);

/// An object of the lake as it was put there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlacedObject {
    /// The digest of its bytes.
    pub(super) sha256: String,
    /// What the store called it then.
    pub(super) e_tag: Option<String>,
}

/// The name of a manifest.
pub(super) fn manifest_name(sequence: u64) -> String {
    format!("{MANIFESTS}/{sequence:010}.json")
}

/// The sequence of a manifest by its name.
pub(super) fn manifest_sequence(name: &str) -> Option<u64> {
    name.strip_prefix(MANIFESTS)?.strip_prefix('/')?.strip_suffix(".json")?.parse().ok()
}

/// The folder of what a publication stages.
pub(super) fn data_folder(sequence: u64) -> String {
    format!("{DATA}/{sequence:010}")
}

/// The publication that staged an object.
pub(super) fn data_sequence(name: &str) -> Option<u64> {
    name.strip_prefix(DATA)?.strip_prefix('/')?.split_once('/')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for sequence in [1, 9_999_999_999, 10_000_000_000] {
            assert_eq!(manifest_sequence(&manifest_name(sequence)), Some(sequence));
            assert_eq!(data_sequence(&format!("{}/x.parquet", data_folder(sequence))), Some(sequence));
        }
        assert_eq!(manifest_sequence("_tieout/manifests/x.json"), None);
        assert_eq!(data_sequence("_tieout/data/stray"), None);
    }
}
