//! What a database must do to be loaded.

use std::collections::BTreeMap;

use super::sums::DaySums;
use crate::Result;
use crate::output::{ReleasedPartition, RowSink};
use crate::record::{CellSink, Dataset, Day, Window};

/// The table of what was loaded.
pub(super) const PARTITIONS: &str = "tieout_partitions";

/// A partition that an earlier load put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// The dataset's name.
    pub(super) dataset: String,
    pub(super) day: Day,
    /// Of the file that was loaded.
    pub(super) sha256: String,
    /// The run that wrote it.
    pub(super) run_id: String,
}

/// Rows on their way in, cell by cell.
pub(super) struct Rows<'a>(pub(super) &'a mut dyn RowSink);

/// Hands rows to a sink.
pub(super) type Feed<'a> = dyn FnMut(&mut Rows<'_>) -> Result<()> + 'a;

/// A database in one transaction, which ends with [`Store::commit`] or leaves nothing behind.
pub(super) trait Store {
    /// Begins, makes what is missing of the tables, and keeps other loads out.
    fn begin(&mut self) -> Result<()>;
    /// What earlier loads put in.
    fn known(&mut self) -> Result<Vec<Known>>;
    /// Takes out the rows of these days.
    fn remove(&mut self, dataset: &'static Dataset, days: &[Day]) -> Result<()>;
    /// Takes out all rows of a dataset without partitions.
    fn clear(&mut self, dataset: &'static Dataset) -> Result<()>;
    /// Puts rows in.
    fn insert(&mut self, dataset: &'static Dataset, feed: &mut Feed<'_>) -> Result<()>;
    /// What the rows that are there now sum up to.
    fn sums(&mut self, dataset: &'static Dataset, window: Option<Window>) -> Result<BTreeMap<Day, DaySums>>;
    /// How many rows a dataset has.
    fn count(&mut self, dataset: &'static Dataset) -> Result<u64>;
    /// Notes what was put in, and what was taken out for good.
    fn note(&mut self, loaded: &[&ReleasedPartition], gone: &[&Known]) -> Result<()>;
    /// Makes all of it visible.
    fn commit(&mut self) -> Result<()>;
}

/// The columns that control totals come from: amounts, or sums of them.
pub(super) fn summed_columns(dataset: &Dataset) -> (&'static str, &'static str) {
    let has = |name: &str| dataset.columns.iter().any(|column| column.name == name);
    if has("amount") { ("amount", "amount") } else { ("credits", "debits") }
}

impl CellSink for Rows<'_> {
    fn text(&mut self, value: Option<&str>) {
        self.0.text(value);
    }

    fn money(&mut self, value: Option<crate::record::Money>, digits: u8) {
        self.0.money(value, digits);
    }

    fn rate(&mut self, value: Option<crate::record::Rate>) {
        self.0.rate(value);
    }

    fn date(&mut self, value: Option<Day>) {
        self.0.date(value);
    }

    fn time(&mut self, value: Option<crate::record::Stamp>) {
        self.0.time(value);
    }

    fn count(&mut self, value: i64) {
        self.0.count(value);
    }
}

impl RowSink for Rows<'_> {
    fn end_row(&mut self) -> Result<()> {
        self.0.end_row()
    }
}
