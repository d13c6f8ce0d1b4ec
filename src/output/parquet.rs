//! Columns as Parquet that every engine reads: zstd, v1 data pages, DECIMAL on INT64, instants in UTC, page index.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowWriter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use super::columns::{Batch, Columns, arrow_schema, gathered_schema};
use super::disk::Refused;
use super::totals::{Summing, Totals};
use crate::record::Dataset;
use crate::{Error, Result};

/// Rows of a row group at most: a writer holds one group in memory, and readers share work by groups.
const GROUP_ROWS_MAX: usize = 64 << 10;
/// Rows handed to the writer at once.
const BATCH_ROWS: usize = 8 << 10;
/// Higher levels cost more time than the disk space that they save is worth.
const ZSTD_LEVEL: i32 = 1;
/// Texts that few different values fill. The others would only pass through a dictionary to be written plainly; owners
/// stand in long runs, of which the compression makes as little.
const FEW_VALUES: [&str; 6] = ["currency", "status", "provider_status", "currency_fx", "mcc", "transaction_type"];

/// How every file is written. Nothing in it varies from run to run: the same rows give the same bytes.
fn properties(dataset: &Dataset) -> WriterProperties {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).expect("the level exists");
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(concat!("tieout version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(GROUP_ROWS_MAX))
        .set_dictionary_enabled(false);
    for column in dataset.columns {
        let path = ColumnPath::from(column.name);
        if FEW_VALUES.contains(&column.name) || column.name == "verdict" {
            properties = properties.set_column_dictionary_enabled(path, true);
        }
    }
    let mut properties = properties.build();
    add_encoded_arrow_schema_to_metadata(&arrow_schema(dataset), &mut properties);
    properties
}

/// Writes one file of a dataset.
pub(super) struct PartitionWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    columns: Columns,
    summing: Summing,
}

impl<W: Write + Send> PartitionWriter<W> {
    /// Begins a file.
    pub(super) fn new(dataset: &Dataset, out: W) -> Result<PartitionWriter<W>> {
        // The properties tell readers a schema of their own.
        let options = ArrowWriterOptions::new().with_properties(properties(dataset)).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(out, gathered_schema(dataset), options).map_err(refused)?;
        Ok(PartitionWriter { writer, columns: Columns::new(dataset), summing: Summing::new(dataset) })
    }

    /// Adds packed rows.
    pub(super) fn add(&mut self, mut packed: &[u8]) -> Result<()> {
        while !packed.is_empty() {
            packed = self.columns.unpack(packed, BATCH_ROWS - self.columns.rows())?;
            self.end_row()?;
        }
        Ok(())
    }

    /// Where the cells of the next row go.
    pub(super) fn cells(&mut self) -> &mut Columns {
        &mut self.columns
    }

    /// Says that a row is whole.
    pub(super) fn end_row(&mut self) -> Result<()> {
        if self.columns.rows() >= BATCH_ROWS { self.write_batch() } else { Ok(()) }
    }

    /// Ends the file, with its control totals in the footer, and gives them and what it was written to. `rows_sha256`
    /// stands for the run that wrote it: an id of the run would make the same rows other bytes.
    pub(super) fn finish(mut self, dataset: &Dataset, rows_sha256: Option<String>) -> Result<(W, Totals)> {
        self.write_batch()?;
        let totals = self.summing.totals().clone();
        let sums = serde_json::to_string(&totals.by_currency()).expect("texts are JSON");
        let told = [("dataset", dataset.name.to_owned()), ("rows", totals.rows.to_string()), ("totals", sums)];
        for (key, value) in told.into_iter().chain(rows_sha256.map(|digest| ("rows_sha256", digest))) {
            self.writer.append_key_value_metadata(KeyValue::new(format!("tieout.{key}"), value));
        }
        Ok((self.writer.into_inner().map_err(refused)?, totals))
    }

    fn write_batch(&mut self) -> Result<()> {
        if self.columns.rows() == 0 {
            return Ok(());
        }
        let batch = self.columns.take()?;
        self.summing.add_batch(&batch);
        self.writer.write(&batch).map_err(refused)
    }
}

/// Reads a partition's rows back in batches.
pub(super) struct PartitionReader {
    dataset: &'static Dataset,
    reader: ParquetRecordBatchReader,
}

impl PartitionReader {
    /// Opens a file of the dataset.
    pub(super) fn open(dataset: &'static Dataset, path: &Path) -> Result<PartitionReader> {
        let file = File::open(path).or_refused("open a partition of the lake", path)?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
            .map_err(|error| unreadable(error).at(path.display()))?;
        Ok(PartitionReader { dataset, reader })
    }

    /// The next rows, `None` behind the last.
    pub(super) fn next_batch(&mut self) -> Result<Option<Batch>> {
        match self.reader.next() {
            None => Ok(None),
            Some(Ok(read)) => Batch::new(self.dataset, &read).map(Some),
            Some(Err(error)) => Err(unreadable(error)),
        }
    }
}

fn refused(error: ParquetError) -> Error {
    Error::environment("could not write a partition of the lake").because(error).hint("is the disk full?")
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::environment("could not read a partition of the lake")
        .because(error)
        .hint("it was damaged or written by another program: move it away, then run the days it held again")
}
