//! A publication: staged, committed, put in place. Whatever cuts it off, the next one ends it.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use chrono::{SecondsFormat, Utc};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::runtime::Builder;

use super::Published;
use super::record::{
    DATA, FORMAT, MANIFESTS, PLACED, Placed, PlacedObject, PublishedManifest, PublishedPartition, data_folder,
    data_sequence, manifest_name, manifest_sequence,
};
use super::remote::{Created, Listed, Remote};
use crate::output::{Released, ReleasedPartition, is_partition};
use crate::{Error, Result};

/// Requests in flight.
const IN_FLIGHT: usize = 8;
/// Publications that can be read, the newest included: readers of the one before have time to end.
const KEPT: usize = 8;

/// Publishes what is committed in `out`.
pub(super) fn publish(out: &Path, remote: &Remote, take_over: bool) -> Result<Published> {
    let released = Released::open(out)?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::environment("could not start the network's runtime").because(error))?;
    runtime.block_on(Publisher { released: &released, remote, take_over }.publish())
}

struct Publisher<'a> {
    released: &'a Released,
    remote: &'a Remote,
    take_over: bool,
}

/// What is different from the newest publication.
struct Difference<'a> {
    changed: Vec<&'a ReleasedPartition>,
    removed: usize,
}

impl Publisher<'_> {
    async fn publish(&self) -> Result<Published> {
        let mut sequences = self.sequences().await?;
        let newest = match sequences.last() {
            Some(sequence) => Some(self.manifest(*sequence).await?),
            None => None,
        };
        let lake = self.remote.list("lake").await?;
        if !self.take_over {
            self.refuse_foreign(newest.as_ref(), &lake)?;
        }
        let difference = self.difference(newest.as_ref());
        let (changed, removed) = (difference.changed.len(), difference.removed);
        let manifest = match newest {
            Some(newest) if changed + removed == 0 => newest,
            newest => {
                let manifest = self.commit(newest, &difference.changed).await?;
                sequences.push(manifest.sequence);
                manifest
            }
        };
        let placed = self.place(&manifest, &lake).await?;
        if self.sequences().await?.last() != Some(&manifest.sequence) {
            return Err(self.overtaken(manifest.sequence));
        }
        self.clear_away(&sequences, &manifest).await?;
        Ok(Published {
            address: self.remote.address().to_owned(),
            sequence: manifest.sequence,
            partitions: manifest.partitions.len(),
            changed,
            removed,
            placed,
            bytes: manifest.partitions.iter().map(|partition| partition.file.bytes).sum(),
        })
    }

    /// The publications that can be read, oldest first.
    async fn sequences(&self) -> Result<Vec<u64>> {
        let names = self.remote.list(MANIFESTS).await?;
        let mut sequences: Vec<u64> = names.keys().filter_map(|name| manifest_sequence(name)).collect();
        sequences.sort_unstable();
        Ok(sequences)
    }

    async fn manifest(&self, sequence: u64) -> Result<PublishedManifest> {
        let name = manifest_name(sequence);
        let bytes = self.remote.get(&name).await?.ok_or_else(|| self.overtaken(sequence))?;
        let manifest = serde_json::from_slice::<PublishedManifest>(&bytes).ok();
        manifest.filter(|manifest| manifest.format == FORMAT && manifest.sequence == sequence).ok_or_else(|| {
            Error::environment(format!("expected the manifest of publication {sequence}, of format {FORMAT}"))
                .at(format!("{}, {name}", self.remote.address()))
                .hint("use the tieout that wrote it, or a newer one; or publish under another prefix")
        })
    }

    /// What one directory publishes replaces what another did, and takes its days away.
    fn refuse_foreign(&self, newest: Option<&PublishedManifest>, lake: &BTreeMap<String, Listed>) -> Result<()> {
        let message = match newest {
            Some(newest) => {
                let is_foreign = |partition: &&PublishedPartition| !self.released.knows_run(&partition.run_id);
                newest.partitions.iter().find(is_foreign).map(|foreign| {
                    let path = &foreign.file.path;
                    format!("{path} was published from another output directory: no run {} here", foreign.run_id)
                })
            }
            None => lake.keys().find(|path| is_partition(path)).map(|path| {
                format!("expected an empty place or an earlier publication, found {path} without a manifest")
            }),
        };
        let hint = "give each output directory a prefix of its own, or replace what is there with: tieout publish … --take-over";
        message.map_or(Ok(()), |message| Err(Error::environment(message).at(self.remote.address()).hint(hint)))
    }

    fn difference(&self, newest: Option<&PublishedManifest>) -> Difference<'_> {
        let before = by_path(newest);
        let is_changed = |partition: &&ReleasedPartition| {
            before.get(partition.file.path.as_str()).is_none_or(|before| before.file.sha256 != partition.file.sha256)
        };
        let now: HashSet<&str> = self.paths().collect();
        Difference {
            changed: self.released.partitions().iter().filter(is_changed).collect(),
            removed: before.keys().filter(|path| !now.contains(*path)).count(),
        }
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.released.partitions().iter().map(|partition| partition.file.path.as_str())
    }

    /// Stages what changed, then puts the manifest where none is.
    async fn commit(
        &self,
        newest: Option<PublishedManifest>,
        changed: &[&ReleasedPartition],
    ) -> Result<PublishedManifest> {
        let sequence = newest.as_ref().map_or(0, |newest| newest.sequence) + 1;
        self.stage(sequence, changed).await?;
        let staged: HashSet<&str> = changed.iter().map(|partition| partition.file.path.as_str()).collect();
        let before = by_path(newest.as_ref());
        let partition = |partition: &ReleasedPartition| {
            let kept = before.get(partition.file.path.as_str()).filter(|_| !staged.contains(&*partition.file.path));
            let object = kept.map_or_else(|| staged_name(sequence, partition), |kept| kept.object.clone());
            PublishedPartition { object, run_id: partition.run_id.clone(), file: partition.file.clone() }
        };
        let manifest = PublishedManifest {
            format: FORMAT,
            sequence,
            publication_id: format!("{:032x}", rand::random::<u128>()),
            published_at: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            tieout_version: env!("CARGO_PKG_VERSION").to_owned(),
            partitions: self.released.partitions().iter().map(partition).collect(),
        };
        let name = manifest_name(sequence);
        if self.remote.create(&name, to_json(&manifest)).await? == Created::No {
            // An attempt whose answer was lost may have put it.
            let found = self.manifest(sequence).await?;
            if found.publication_id != manifest.publication_id {
                return Err(self.overtaken(sequence));
            }
        }
        Ok(manifest)
    }

    /// Uploads what changed to where nobody looks; what an attempt that was cut off has brought there stays.
    async fn stage(&self, sequence: u64, changed: &[&ReleasedPartition]) -> Result<()> {
        let there = self.remote.list(&data_folder(sequence)).await?;
        let is_missing = |partition: &&&ReleasedPartition| {
            let staged = there.get(&staged_name(sequence, partition));
            staged.is_none_or(|staged| staged.bytes != partition.file.bytes)
        };
        let missing = changed.iter().filter(is_missing);
        let uploads: Vec<_> =
            missing.map(|partition| self.upload(staged_name(sequence, partition), partition)).collect();
        stream::iter(uploads).buffer_unordered(IN_FLIGHT).map_ok(drop).try_collect().await
    }

    /// Puts a partition under a name; what was put there.
    async fn upload(&self, name: String, partition: &ReleasedPartition) -> Result<(String, PlacedObject)> {
        self.released.check(partition)?;
        let e_tag = self.remote.put_file(&name, &self.released.path_of(partition), partition.file.bytes).await?;
        Ok((name, PlacedObject { sha256: partition.file.sha256.clone(), e_tag }))
    }

    /// Puts the partitions of the newest publication, which are those of the directory, in their places, and takes away
    /// what has no rows any more. Gives the number of objects that were put.
    async fn place(&self, manifest: &PublishedManifest, lake: &BTreeMap<String, Listed>) -> Result<usize> {
        let known = match self.remote.get(PLACED).await? {
            Some(bytes) => serde_json::from_slice::<Placed>(&bytes).unwrap_or_default(),
            None => Placed::default(),
        };
        let is_in_place = |partition: &ReleasedPartition| {
            let (found, known) = (lake.get(&partition.file.path), known.0.get(&partition.file.path));
            found.zip(known).is_some_and(|(found, known)| {
                (found.bytes, &found.e_tag) == (partition.file.bytes, &known.e_tag)
                    && known.sha256 == partition.file.sha256
            })
        };
        let (kept, wanting): (Vec<&ReleasedPartition>, Vec<&ReleasedPartition>) =
            self.released.partitions().iter().partition(|partition| is_in_place(partition));
        let puts: Vec<_> =
            wanting.into_iter().map(|partition| self.upload(partition.file.path.clone(), partition)).collect();
        let put: Vec<_> = stream::iter(puts).buffer_unordered(IN_FLIGHT).try_collect().await?;
        let wanted: HashSet<&str> = manifest.partitions.iter().map(|partition| &*partition.file.path).collect();
        let strays = lake.keys().filter(|path| is_partition(path) && !wanted.contains(path.as_str()));
        self.delete(strays).await?;
        let count = put.len();
        let kept =
            kept.into_iter().map(|partition| (partition.file.path.clone(), known.0[&partition.file.path].clone()));
        let placed = Placed(kept.chain(put).collect());
        if placed != known {
            self.remote.put(PLACED, to_json(&placed)).await?;
        }
        Ok(count)
    }

    /// Takes away old manifests, and staged objects of earlier publications that no manifest names. Those of this sequence
    /// and later ones are left: somebody may be staging.
    async fn clear_away(&self, sequences: &[u64], newest: &PublishedManifest) -> Result<()> {
        let (gone, kept) = sequences.split_at(sequences.len().saturating_sub(KEPT));
        let names: Vec<String> = gone.iter().map(|sequence| manifest_name(*sequence)).collect();
        self.delete(names.iter()).await?;
        let staged = self.remote.list(DATA).await?;
        let is_old = |name: &&String| data_sequence(name).is_some_and(|sequence| sequence < newest.sequence);
        let mut unnamed: HashSet<&String> = staged.keys().filter(is_old).collect();
        for sequence in kept {
            let manifest = self.manifest(*sequence).await?;
            manifest.partitions.iter().for_each(|partition| {
                unnamed.remove(&partition.object);
            });
        }
        self.delete(unnamed.into_iter()).await
    }

    async fn delete(&self, names: impl Iterator<Item = &String>) -> Result<()> {
        let deletes: Vec<_> = names.map(|name| self.remote.delete(name)).collect();
        stream::iter(deletes).buffer_unordered(IN_FLIGHT).try_collect().await
    }

    fn overtaken(&self, sequence: u64) -> Error {
        Error::environment(format!("another writer published while publication {sequence} was on its way"))
            .at(self.remote.address())
            .hint("let one directory publish at a time; then publish again, which puts everything right")
    }
}

/// The partitions of a publication by their place in the lake.
fn by_path(manifest: Option<&PublishedManifest>) -> BTreeMap<&str, &PublishedPartition> {
    let partitions = manifest.into_iter().flat_map(|manifest| &manifest.partitions);
    partitions.map(|partition| (partition.file.path.as_str(), partition)).collect()
}

/// Where a partition is staged: named by its bytes, so that an attempt that was cut off is gone on with.
fn staged_name(sequence: u64, partition: &ReleasedPartition) -> String {
    format!("{}/{}.parquet", data_folder(sequence), partition.file.sha256)
}

fn to_json(document: &impl serde::Serialize) -> Vec<u8> {
    let mut json = serde_json::to_vec_pretty(document).expect("plain data");
    json.push(b'\n');
    json
}
