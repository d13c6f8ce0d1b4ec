//! Which day of a CSV file was edited: its rows against those of the lake, which say the same in other words.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::DateTime;

use super::Verifier;
use crate::output::lake::partition_path;
use crate::output::manifest::{ManifestFile, path_text};
use crate::output::parquet::PartitionReader;
use crate::record::{CellSink, Dataset, Day, Feed, Kind, Money, Rate, Stamp, dataset};

/// Rows of a day, in whatever order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    hash: u64,
}

impl Sum {
    fn add(&mut self, cells: &[String]) {
        let mut hasher = DefaultHasher::new();
        cells.hash(&mut hasher);
        self.rows += 1;
        self.hash = self.hash.wrapping_add(hasher.finish());
    }
}

/// The first day on which the rows of a report's file are not those of the lake; `None` when that cannot be told.
pub(super) fn first_difference(verifier: &Verifier<'_>, report: usize, file: &ManifestFile) -> Option<Day> {
    let report = &verifier.reports[report];
    let dataset = Dataset::from_name(file.dataset.as_deref()?).filter(|dataset| dataset.in_lake)?;
    let mut days = csv_days(dataset, &report.folder.join(&file.path))?;
    let kinds = kinds(dataset, &report.manifest.files);
    let window = (Day::parse(&report.manifest.window.from)?, Day::parse(&report.manifest.window.to)?);
    let mut day = window.0;
    while day <= window.1 {
        let path = path_text(&partition_path(dataset, day));
        let in_csv = days.remove(&day).unwrap_or_default();
        // A partition that a later run replaced says nothing of this report.
        let is_ours = verifier.expected.get(&path).is_none_or(|expected| expected.run_id == report.manifest.run_id);
        if is_ours && lake_day(verifier, dataset, day, &kinds) != in_csv {
            return Some(day);
        }
        day = day.next();
    }
    days.into_keys().next()
}

fn csv_days(dataset: &Dataset, path: &std::path::Path) -> Option<BTreeMap<Day, Sum>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).ok()?;
    let day_column = dataset.columns.iter().position(|column| column.name == "booking_date")?;
    let mut days: BTreeMap<Day, Sum> = BTreeMap::new();
    for record in reader.records() {
        let record = record.ok()?;
        let cells: Vec<String> =
            dataset.columns.iter().zip(record.iter()).map(|(column, cell)| from_csv(column.kind, cell)).collect();
        let day = record.get(day_column).and_then(Day::parse)?;
        days.entry(day).or_default().add(&cells);
    }
    Some(days)
}

/// A cell of CSV in the words of [`Words`].
fn from_csv(kind: Kind, cell: &str) -> String {
    let number = match kind {
        Kind::Money => Money::parse(cell).ok().map(Money::unscaled),
        Kind::Rate => Rate::parse(cell).ok().map(Rate::unscaled),
        Kind::Time => DateTime::parse_from_rfc3339(cell).ok().map(|at| at.timestamp_micros()),
        Kind::Text => return plain(cell),
        Kind::Date | Kind::Count => None,
    };
    number.map_or_else(|| cell.to_owned(), |number| number.to_string())
}

/// A text without the mark that keeps it from running; CSV cannot tell whether it was sent with one.
fn plain(text: &str) -> String {
    let marked = text.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@', '\t', '\r']));
    marked.unwrap_or(text).to_owned()
}

/// The kinds of owners whose rows a report has, where its partitions hold those of other jobs as well: balances of owners
/// whose chain the job leaves out stay.
fn kinds(dataset: &Dataset, files: &[ManifestFile]) -> Vec<&'static str> {
    let is_there = |feed: &Feed| files.iter().any(|file| file.dataset.as_deref() == Some(feed.name()));
    let is_shared = dataset.name == dataset::BALANCES.name;
    let feeds = Feed::ALL.into_iter().filter(|feed| feed.is_chain() && (!is_shared || is_there(feed)));
    feeds.map(|feed| feed.owner_kind().name()).collect()
}

fn lake_day(verifier: &Verifier<'_>, dataset: &'static Dataset, day: Day, kinds: &[&str]) -> Sum {
    let kind_column = dataset.columns.iter().position(|column| column.name == "owner_kind");
    let is_ours = |cells: &[String]| kind_column.is_none_or(|at| kinds.contains(&cells[at].as_str()));
    let mut sum = Sum::default();
    let path = verifier.out.join(partition_path(dataset, day));
    let Ok(mut reader) = PartitionReader::open(dataset, &path) else {
        return sum;
    };
    while let Ok(Some(batch)) = reader.next_batch() {
        for row in 0..batch.rows() {
            let mut words = Words(Vec::with_capacity(dataset.columns.len()));
            if batch.hand_over(row, &mut words).is_ok() && is_ours(&words.0) {
                sum.add(&words.0);
            }
        }
    }
    sum
}

/// The cells of a row as texts; what is null is empty, as in CSV.
struct Words(Vec<String>);

impl Words {
    fn number(&mut self, value: Option<i64>) {
        self.0.push(value.map(|value| value.to_string()).unwrap_or_default());
    }
}

impl CellSink for Words {
    fn text(&mut self, value: Option<&str>) {
        self.0.push(plain(value.unwrap_or_default()));
    }

    fn money(&mut self, value: Option<Money>, _digits: u8) {
        self.number(value.map(Money::unscaled));
    }

    fn rate(&mut self, value: Option<Rate>) {
        self.number(value.map(Rate::unscaled));
    }

    fn date(&mut self, value: Option<Day>) {
        self.0.push(value.map(|day| day.to_string()).unwrap_or_default());
    }

    fn time(&mut self, value: Option<Stamp>) {
        self.number(value.map(Stamp::utc_micros));
    }

    fn count(&mut self, value: i64) {
        self.number(Some(value));
    }
}
