//! The load: changed partitions are replaced, all of them in one transaction, and what is there then must sum up to what
//! the manifests tell, or nothing is changed.

use std::path::Path;

use serde::Serialize;

use super::address::Target;
use super::postgresql::PostgreSql;
use super::sqlite::Sqlite;
use super::store::{Known, Rows, Store};
use super::sums::DaySums;
use crate::output::{Released, ReleasedPartition, RowSink};
use crate::record::{CellSink, Dataset, Day, Window, dataset};
use crate::state::{BreakFilter, KnownBreak};
use crate::{Error, Result};

/// Differences told; all of them are counted.
const DIFFERENCES_MAX: usize = 10;

/// What a load is asked for beside its source and target.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Only partitions of these days.
    pub window: Option<Window>,
    /// Partitions that have not changed are replaced too.
    pub reload: bool,
    /// Partitions that another output directory loaded may be replaced.
    pub take_over: bool,
}

/// What a load did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// Partitions in the window.
    pub partitions: usize,
    /// Partitions put in, because they are new or their file is another.
    pub replaced: usize,
    /// Partitions that are no longer in the lake and were taken out.
    pub removed: usize,
    /// Rows put in.
    pub rows: u64,
    /// Breaks of the register, which is replaced as a whole.
    pub breaks: u64,
    /// By dataset: the rows that are in the window now.
    pub datasets: Vec<LoadedDataset>,
}

/// What a table holds in the window after a load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadedDataset {
    /// The dataset and table.
    pub dataset: &'static str,
    /// Its days.
    pub partitions: usize,
    /// Its rows.
    pub rows: u64,
}

/// Loads what is committed in `out`.
///
/// # Errors
/// When the directory or the database cannot be read, a file is not what was committed, or the rows do not sum up to what
/// the manifests tell. The database is as it was then.
pub fn load(out: &Path, target: &Target, options: Options) -> Result<Loaded> {
    let released = Released::open(out)?;
    match target {
        Target::PostgreSql(address) => run(&released, &mut PostgreSql::connect(address)?, options),
        Target::Sqlite(path) => run(&released, &mut Sqlite::open(path)?, options),
    }
}

fn run(released: &Released, store: &mut dyn Store, options: Options) -> Result<Loaded> {
    let within = |day: Day| options.window.is_none_or(|window| window.contains(day));
    let wanted: Vec<&ReleasedPartition> =
        released.partitions().iter().filter(|partition| within(partition.day)).collect();
    store.begin()?;
    let mut known = store.known()?;
    if !options.take_over {
        // Those of other days too: the register of breaks is replaced whatever the window.
        refuse_foreign(released, &known)?;
    }
    known.retain(|known| within(known.day));
    let changed: Vec<&ReleasedPartition> =
        wanted.iter().copied().filter(|partition| options.reload || !is_loaded(partition, &known)).collect();
    let gone: Vec<&Known> = known.iter().filter(|known| !wanted.iter().any(|wanted| is_of(known, wanted))).collect();
    changed.iter().try_for_each(|partition| released.check(partition))?;
    let mut loaded =
        Loaded { partitions: wanted.len(), replaced: changed.len(), removed: gone.len(), ..Loaded::default() };
    for dataset in lake_datasets() {
        loaded.rows += replace(released, store, dataset, &changed, &gone)?;
    }
    loaded.breaks = replace_breaks(released, store)?;
    loaded.datasets = prove(store, &wanted, options.window)?;
    store.note(&changed, &gone)?;
    store.commit()?;
    Ok(loaded)
}

fn lake_datasets() -> impl Iterator<Item = &'static Dataset> {
    dataset::ALL.into_iter().filter(|dataset| dataset.in_lake)
}

fn is_of(known: &Known, partition: &ReleasedPartition) -> bool {
    known.day == partition.day && known.dataset == partition.dataset.name
}

fn is_loaded(partition: &ReleasedPartition, known: &[Known]) -> bool {
    known.iter().any(|known| is_of(known, partition) && known.sha256 == partition.file.sha256)
}

/// Days are replaced as a whole: two output directories in one schema would wipe each other's rows out.
fn refuse_foreign(released: &Released, known: &[Known]) -> Result<()> {
    let Some(foreign) = known.iter().find(|known| !released.knows_run(&known.run_id)) else {
        return Ok(());
    };
    Err(Error::environment(format!(
        "{} of {} was loaded from another output directory: no run {} was committed in this one",
        foreign.dataset, foreign.day, foreign.run_id
    ))
    .hint("give each output directory a schema of its own with --schema, or replace what is there with --take-over"))
}

/// Replaces the changed partitions of a dataset, and gives the number of rows put in.
fn replace(
    released: &Released,
    store: &mut dyn Store,
    dataset: &'static Dataset,
    changed: &[&ReleasedPartition],
    gone: &[&Known],
) -> Result<u64> {
    let changed: Vec<&ReleasedPartition> =
        changed.iter().copied().filter(|partition| std::ptr::eq(partition.dataset, dataset)).collect();
    let gone = gone.iter().filter(|known| known.dataset == dataset.name).map(|known| known.day);
    let days: Vec<Day> = changed.iter().map(|partition| partition.day).chain(gone).collect();
    if days.is_empty() {
        return Ok(0);
    }
    store.remove(dataset, &days)?;
    if !changed.is_empty() {
        store.insert(dataset, &mut |rows| changed.iter().try_for_each(|partition| released.read(partition, rows)))?;
    }
    Ok(changed.iter().filter_map(|partition| partition.file.rows).sum())
}

/// The register is small and has no partitions: it is replaced as a whole.
fn replace_breaks(released: &Released, store: &mut dyn Store) -> Result<u64> {
    let breaks = released.state().breaks(&BreakFilter::default())?;
    store.clear(&dataset::BREAKS)?;
    store.insert(&dataset::BREAKS, &mut |rows| breaks.iter().try_for_each(|known| write_break(known, rows)))?;
    let (expected, found) = (breaks.len() as u64, store.count(&dataset::BREAKS)?);
    if expected == found {
        return Ok(found);
    }
    Err(Error::environment(format!("expected {expected} breaks in the database, found {found}; nothing was changed")))
}

fn write_break(known: &KnownBreak, rows: &mut Rows<'_>) -> Result<()> {
    let digits = crate::record::minor_digits(known.currency.as_deref());
    rows.text(Some(&known.break_id));
    rows.text(Some(&known.check));
    rows.text(Some(&known.cause));
    rows.text(Some(known.owner_kind.name()));
    rows.text(Some(&known.owner_id));
    rows.text(known.txid.as_deref());
    rows.date(known.booking_date);
    rows.text(known.currency.as_deref());
    rows.money(known.expected, digits);
    rows.money(known.actual, digits);
    rows.money(known.difference, digits);
    rows.text(Some(&known.explanation));
    rows.date(Some(known.first_seen));
    rows.text(Some(&known.status));
    rows.end_row().map_err(|error| error.at(format!("the register, {}", known.break_id)))
}

/// Compares what is in the database now with the manifests: the partitions of this load and those of earlier ones.
fn prove(store: &mut dyn Store, wanted: &[&ReleasedPartition], window: Option<Window>) -> Result<Vec<LoadedDataset>> {
    let (mut tables, mut differences) = (Vec::new(), Vec::new());
    for dataset in lake_datasets() {
        let mut found = store.sums(dataset, window)?;
        let rows = found.values().map(|sums| sums.rows).sum();
        tables.push(LoadedDataset { dataset: dataset.name, partitions: found.len(), rows });
        for partition in wanted.iter().filter(|partition| std::ptr::eq(partition.dataset, dataset)) {
            let (expected, found) = (DaySums::of(&partition.file)?, found.remove(&partition.day).unwrap_or_default());
            if expected != found {
                differences.push(format!(
                    "{} of {}: the manifest tells {expected}; the database holds {found}",
                    dataset.name, partition.day
                ));
            }
        }
        differences.extend(found.into_iter().map(|(day, sums)| {
            format!("{} of {day}: the lake has no such partition; the database holds {sums}", dataset.name)
        }));
    }
    if differences.is_empty() {
        return Ok(tables);
    }
    let more = differences.len().saturating_sub(DIFFERENCES_MAX);
    differences.truncate(DIFFERENCES_MAX);
    if more > 0 {
        differences.push(format!("… and {more} more"));
    }
    let shown = differences.join("\n  ");
    Err(Error::environment(format!(
        "the rows in the database do not sum up to the control totals; nothing was changed\n  {shown}"
    ))
    .hint(
        "somebody changed these rows: find out who, then replace them with --reload (rows on days that the lake does not \
         have must be deleted by hand)",
    ))
}
