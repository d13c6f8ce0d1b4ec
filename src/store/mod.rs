//! The committed lake, published to an object store (S3, Google Cloud Storage, Azure).
//!
//! A store replaces one object at a time and never several together, so a publication is built as a local commit is:
//!
//! 1. *staged*: partitions that changed are uploaded under names that nobody reads yet,
//!    `_tieout/data/<sequence>/<sha256>.parquet`;
//! 2. *committed*: `_tieout/manifests/<sequence>.json` is put only if it is absent. It names every partition of the lake
//!    with its object, SHA-256 and control totals. Of two writers of one sequence, the store takes one;
//! 3. *put in place*: the same partitions replace `lake/<dataset>/booking_date=…/<dataset>.parquet`, each by one PUT, and
//!    those of days without rows go.
//!
//! Whoever reads what the newest manifest names sees one publication, whole, whatever happens meanwhile. Whoever reads
//! `lake/**` sees each partition whole, and all of them of one publication when it has ended. A publication that was cut off is
//! gone on with by the next: nothing but the store itself is asked what was done, and an object of the lake whose ETag is not
//! the one that was put there is put there again.
//!
//! | file | holds |
//! | --- | --- |
//! | `address` | where: `s3://bucket/prefix` |
//! | `remote` | a store, its credentials from the environment, and what is asked of it |
//! | `record` | what stands in the store about publications |
//! | `publish` | the three steps, and what is cleared away after them |

mod address;
#[cfg(feature = "object-store")]
mod publish;
#[cfg(feature = "object-store")]
mod record;
#[cfg(feature = "object-store")]
mod remote;

use std::path::Path;

use serde::Serialize;

pub use address::{Address, Service};

use crate::Result;

/// Whether this program can publish at all.
pub const IS_BUILT_IN: bool = cfg!(feature = "object-store");
/// What to do where it cannot.
pub const HOW_TO_BUILD_IN: &str = "build it with: cargo build --release --features object-store";

/// A store to publish to.
pub struct Store {
    address: Address,
    #[cfg(feature = "object-store")]
    remote: remote::Remote,
}

/// What a publication did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Published {
    /// Where.
    pub address: String,
    /// The number of the newest publication.
    pub sequence: u64,
    /// Partitions that it names.
    pub partitions: usize,
    /// Partitions that changed since the last publication.
    pub changed: usize,
    /// Partitions that are no longer in the lake since the last publication.
    pub removed: usize,
    /// Objects of `lake/` that were put in place.
    pub placed: usize,
    /// Bytes of the partitions that the publication names.
    pub bytes: u64,
}

impl Published {
    /// In a sentence.
    pub fn text(&self) -> String {
        format!(
            "{}: publication {} with {} partitions; {} changed, {} removed, {} put in place",
            self.address, self.sequence, self.partitions, self.changed, self.removed, self.placed
        )
    }
}

impl Store {
    /// Prepares for requests, of which it makes none.
    ///
    /// # Errors
    /// When the environment does not tell how to reach the store, or this program was built without stores.
    #[cfg(feature = "object-store")]
    pub fn open(address: &Address) -> Result<Store> {
        Ok(Store { address: address.clone(), remote: remote::Remote::connect(address)? })
    }

    /// Tells that this program was built without stores.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "object-store"))]
    pub fn open(address: &Address) -> Result<Store> {
        Err(crate::Error::usage("this tieout was built without object stores").at(address).hint(HOW_TO_BUILD_IN))
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Publishes what is committed in `out`; `take_over` replaces what another output directory published.
    ///
    /// # Errors
    /// When the directory cannot be read or is not what was committed, the store refuses, or another writer was faster. What
    /// was published before stands then, or the whole of the new publication.
    #[cfg(feature = "object-store")]
    pub fn publish(&self, out: &Path, take_over: bool) -> Result<Published> {
        publish::publish(out, &self.remote, take_over)
    }

    /// Never reached: such a program opens no store.
    ///
    /// # Errors
    /// None.
    #[cfg(not(feature = "object-store"))]
    pub fn publish(&self, _out: &Path, _take_over: bool) -> Result<Published> {
        unreachable!("no store is opened by a program that was built without them")
    }
}
