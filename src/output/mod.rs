//! What a run leaves behind: reports in CSV, a lake in Parquet, a manifest, and the one commit that makes them visible.
//!
//! A run goes through here in two phases, because rows come owner by owner while a partition holds one day of all
//! owners:
//!
//! 1. [`Encoder::encode`] turns an owner's rows into lines of CSV and packed rows by day. It is pure: several threads
//!    may encode at once. [`Publication::append`] takes the results in the order of owners, writes the lines to the
//!    report and gathers the packed rows by day, in memory first and then in a scratch file.
//! 2. [`Publication::commit`] goes day by day: it reads a day's packed rows back, writes one Parquet file a dataset,
//!    then the manifest, and commits.
//!
//! | file | holds |
//! | --- | --- |
//! | `publication` | the public face: what a run writes from its first row to its commit |
//! | `directory` | the output directory: its lock, and recovery when it is opened |
//! | `commit` | the journal, putting things in place, finishing what was cut off |
//! | `disk`, `machine` | the steps asked of a file system, behind a trait; the clock and the like beside it |
//! | `staged`, `syncer` | a file that is counted and hashed while it is written; waiting until many are on the disk |
//! | `encode`, `csv`, `packed`, `totals`, `fan` | the first phase |
//! | `spill` | packed rows between the phases |
//! | `lake`, `columns`, `parquet` | the second phase |
//! | `sealed`, `sealing` | digests of what is written, and the chain of sealed days |
//! | `changes` | what is different from what an earlier run wrote |
//! | `verify` | all of it computed again from what lies there |
//! | `released` | what was committed, for those who load it elsewhere |
//! | `manifest` | `manifest.json` |
//! | `datapackage` | `datapackage.json`: the tables of a report folder, as Frictionless tells them |
//! | `schema` | `schemas/*.json` |

mod changes;
mod columns;
mod commit;
mod committed;
mod csv;
mod datapackage;
mod directory;
mod disk;
mod encode;
mod fan;
mod lake;
mod machine;
mod manifest;
mod packed;
mod parquet;
mod publication;
mod released;
#[cfg(test)]
mod samples;
mod schema;
mod sealed;
mod sealing;
mod spill;
mod staged;
mod syncer;
mod totals;
mod verify;

pub use changes::{Changes, DaysAround, Gone};
pub use columns::arrow_schema;
pub use committed::reported_of;
pub use csv::CsvSink;
pub use directory::OutputDir;
pub use disk::{Access, Disk, DiskFile, LocalDisk, Scratch};
pub use encode::{Encoded, Encoder};
pub use lake::{is_partition, partition_path};
pub use machine::{Machine, SystemClock, WallClock};
pub use manifest::{FileFacts, Manifest, ManifestFile, ManifestSeal, ManifestWindow};
pub use publication::{Committed, Formats, Publication};
pub use released::{Released, ReleasedPartition, RowSink};
#[cfg(test)]
pub(crate) use schema::assert_checked_in;
pub use schema::{ParquetType, Property, SchemaDocument};
pub use staged::Digested;
pub use totals::{CurrencyTotals, Totals};
pub use verify::{Finding, FindingKind, Verification, verify};
