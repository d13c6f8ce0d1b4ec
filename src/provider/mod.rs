//! Those who are asked.

pub mod anytime;

use crate::landing::{Listing, Subject};
use crate::record::Owner;

/// Who watches a fetch. All of it is optional, and may be called from several threads.
pub trait Progress: Sync {
    /// A listing is asked for.
    fn listing_started(&self, _subject: Subject, _owner: &Owner) {}
    /// A listing is known, proved or not; `rows` stand in its pages, overlaps not counted.
    fn listing_finished(&self, _listing: &Listing, _rows: u64) {}
    /// That many more requests were sent, retries among them.
    fn requests(&self, _more: u64) {}
    /// That many more attempts will be made because one failed.
    fn retries(&self, _more: u64) {}
    /// That many more rows were read, rows that are read twice included.
    fn rows(&self, _more: u64) {}
}
