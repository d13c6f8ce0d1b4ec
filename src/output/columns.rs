//! Rows as Arrow columns, and back.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal64Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, RecordBatch, StringArray};
use arrow_buffer::{Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::packed::{Cells, damaged};
use crate::record::{CellSink, Column, Dataset, Day, Kind, Money, Rate, Stamp};
use crate::{Error, Result};

/// Digits of every decimal column: the most that fit an INT64, which every engine reads.
pub(super) const DECIMAL_PRECISION: u8 = 18;
/// Decimals of amounts and balances.
pub(super) const MONEY_SCALE: i8 = 4;
/// Decimals of rates.
pub(super) const RATE_SCALE: i8 = 8;

/// The Arrow type of a kind of column, as readers are told it. Decimals are 128 bits wide although 64 would do: pyarrow
/// cannot sum the narrow ones.
pub(super) fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Money => DataType::Decimal128(DECIMAL_PRECISION, MONEY_SCALE),
        Kind::Rate => DataType::Decimal128(DECIMAL_PRECISION, RATE_SCALE),
        Kind::Date => DataType::Date32,
        Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Count => DataType::Int64,
    }
}

/// The Arrow type in which a kind of column is gathered here: as [`data_type`], but decimals as wide as they are stored.
fn gathered_type(kind: Kind) -> DataType {
    match data_type(kind) {
        DataType::Decimal128(precision, scale) => DataType::Decimal64(precision, scale),
        other => other,
    }
}

/// The Arrow schema of a dataset; each field carries its meaning as `description`.
pub fn arrow_schema(dataset: &Dataset) -> SchemaRef {
    schema_of(dataset, data_type)
}

/// The schema of what [`Columns`] gather: the same Parquet, and no decimal has to be made narrow on the way.
pub(super) fn gathered_schema(dataset: &Dataset) -> SchemaRef {
    schema_of(dataset, gathered_type)
}

fn schema_of(dataset: &Dataset, data_type: fn(Kind) -> DataType) -> SchemaRef {
    let field = |column: &Column| {
        let meaning = HashMap::from([("description".to_owned(), column.meaning.to_owned())]);
        Field::new(column.name, data_type(column.kind), column.nullable).with_metadata(meaning)
    };
    let fields: Vec<Field> = dataset.columns.iter().map(field).collect();
    let meaning = HashMap::from([("description".to_owned(), dataset.meaning.to_owned())]);
    Arc::new(Schema::new_with_metadata(fields, meaning))
}

/// Gathers rows into columns.
#[derive(Debug)]
pub(super) struct Columns {
    schema: SchemaRef,
    builders: Vec<Builder>,
    /// The cell that comes next.
    at: usize,
    rows: usize,
}

#[derive(Debug)]
enum Builder {
    Text(Texts),
    Decimal(Numbers<Decimal64Type>),
    Date(Numbers<Date32Type>),
    Time(Numbers<TimestampMicrosecondType>),
    Count(Numbers<Int64Type>),
}

/// Texts one behind the other.
#[derive(Debug)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<i32>,
    nulls: Nulls,
}

/// Numbers of one kind.
#[derive(Debug)]
struct Numbers<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    nulls: Nulls,
    data_type: DataType,
}

impl Columns {
    /// Columns without rows.
    pub(super) fn new(dataset: &Dataset) -> Columns {
        let builders = dataset.columns.iter().map(|column| Builder::new(column.kind)).collect();
        Columns { schema: gathered_schema(dataset), builders, at: 0, rows: 0 }
    }

    /// Whole rows gathered.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The rows gathered; none are left.
    ///
    /// # Errors
    /// When bytes that were unpacked are no text: the disk gave back something else.
    pub(super) fn take(&mut self) -> Result<RecordBatch> {
        assert_eq!(self.at, 0, "batches are made of whole rows");
        self.rows = 0;
        let columns = self.builders.iter_mut().map(Builder::finish).collect::<Option<_>>().ok_or_else(damaged)?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .expect("the cells come as the dataset declares them"))
    }

    /// Adds packed rows, `rows_max` at most; gives the rows behind them.
    ///
    /// # Errors
    /// When the bytes are not what was packed.
    pub(super) fn unpack<'a>(&mut self, packed: &'a [u8], rows_max: usize) -> Result<&'a [u8]> {
        assert_eq!(self.at, 0, "packed rows are whole");
        let mut cells = Cells::of(packed);
        for _ in 0..rows_max {
            if cells.is_empty() {
                break;
            }
            for builder in &mut self.builders {
                builder.unpack(&mut cells).ok_or_else(damaged)?;
            }
            self.rows += 1;
        }
        Ok(cells.rest())
    }

    fn next(&mut self) -> &mut Builder {
        let at = self.at;
        self.at += 1;
        if self.at == self.builders.len() {
            self.at = 0;
            self.rows += 1;
        }
        &mut self.builders[at]
    }

    fn decimal(&mut self, unscaled: Option<i64>) {
        match self.next() {
            Builder::Decimal(numbers) => numbers.push(unscaled),
            other => other.refuse("a decimal"),
        }
    }
}

/// Which cells are null. Most are not: those are only counted.
#[derive(Debug)]
struct Nulls {
    known: NullBufferBuilder,
    behind: usize,
}

impl Nulls {
    fn new() -> Nulls {
        Nulls { known: NullBufferBuilder::new(0), behind: 0 }
    }

    #[inline]
    fn push(&mut self, is_null: bool) {
        if is_null {
            if self.behind > 0 {
                self.known.append_n_non_nulls(std::mem::take(&mut self.behind));
            }
            self.known.append_null();
        } else {
            self.behind += 1;
        }
    }

    fn finish(&mut self) -> Option<NullBuffer> {
        self.known.append_n_non_nulls(std::mem::take(&mut self.behind));
        self.known.finish()
    }
}

impl Texts {
    fn push(&mut self, text: Option<&[u8]>) {
        self.bytes.extend_from_slice(text.unwrap_or_default());
        self.ends.push(i32::try_from(self.bytes.len()).expect("a batch has fewer than 2 GiB of one column"));
        self.nulls.push(text.is_none());
    }

    /// `None` when the bytes are no UTF-8.
    fn finish(&mut self) -> Option<ArrayRef> {
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        let bytes = Buffer::from_vec(std::mem::take(&mut self.bytes));
        let array = StringArray::try_new(OffsetBuffer::new(ends.into()), bytes, self.nulls.finish());
        Some(Arc::new(array.ok()?))
    }
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    fn new(data_type: DataType) -> Numbers<T> {
        Numbers { values: Vec::new(), nulls: Nulls::new(), data_type }
    }

    fn push(&mut self, number: Option<T::Native>) {
        self.values.push(number.unwrap_or_default());
        self.nulls.push(number.is_none());
    }

    fn finish(&mut self) -> ArrayRef {
        let values = std::mem::take(&mut self.values);
        let array = PrimitiveArray::<T>::new(values.into(), self.nulls.finish());
        Arc::new(array.with_data_type(self.data_type.clone()))
    }
}

impl Builder {
    fn new(kind: Kind) -> Builder {
        let data_type = gathered_type(kind);
        match kind {
            Kind::Text => Builder::Text(Texts { bytes: Vec::new(), ends: vec![0], nulls: Nulls::new() }),
            Kind::Money | Kind::Rate => Builder::Decimal(Numbers::new(data_type)),
            Kind::Date => Builder::Date(Numbers::new(data_type)),
            Kind::Time => Builder::Time(Numbers::new(data_type)),
            Kind::Count => Builder::Count(Numbers::new(data_type)),
        }
    }

    fn unpack(&mut self, cells: &mut Cells<'_>) -> Option<()> {
        match self {
            Builder::Text(texts) => texts.push(cells.text()?),
            Builder::Decimal(numbers) => numbers.push(cells.decimal()?),
            Builder::Date(numbers) => numbers.push(cells.days()?),
            Builder::Time(numbers) => numbers.push(cells.instant()?),
            Builder::Count(numbers) => numbers.push(Some(cells.count()?)),
        }
        Some(())
    }

    fn finish(&mut self) -> Option<ArrayRef> {
        match self {
            Builder::Text(texts) => texts.finish(),
            Builder::Decimal(numbers) => Some(numbers.finish()),
            Builder::Date(numbers) => Some(numbers.finish()),
            Builder::Time(numbers) => Some(numbers.finish()),
            Builder::Count(numbers) => Some(numbers.finish()),
        }
    }

    fn refuse(&self, cell: &str) -> ! {
        panic!("a row handed over {cell} where its dataset declares another kind: {self:?}")
    }
}

impl CellSink for Columns {
    fn text(&mut self, value: Option<&str>) {
        match self.next() {
            Builder::Text(texts) => texts.push(value.map(str::as_bytes)),
            other => other.refuse("a text"),
        }
    }

    fn money(&mut self, value: Option<Money>, _digits: u8) {
        self.decimal(value.map(Money::unscaled));
    }

    fn rate(&mut self, value: Option<Rate>) {
        self.decimal(value.map(Rate::unscaled));
    }

    fn date(&mut self, value: Option<Day>) {
        match self.next() {
            Builder::Date(numbers) => numbers.push(value.map(Day::epoch_days)),
            other => other.refuse("a date"),
        }
    }

    fn time(&mut self, value: Option<Stamp>) {
        match self.next() {
            Builder::Time(numbers) => numbers.push(value.map(Stamp::utc_micros)),
            other => other.refuse("an instant"),
        }
    }

    fn count(&mut self, value: i64) {
        match self.next() {
            Builder::Count(numbers) => numbers.push(Some(value)),
            other => other.refuse("a count"),
        }
    }
}

/// Rows of an existing partition, to be handed over once more.
#[derive(Debug)]
pub(super) struct Batch {
    dataset: &'static Dataset,
    columns: Vec<ArrayRef>,
    rows: usize,
}

impl Batch {
    /// Takes a batch that was read, its columns in whatever order.
    ///
    /// # Errors
    /// When a column is missing or of another type: another program, or another version, wrote the file.
    pub(super) fn new(dataset: &'static Dataset, read: &RecordBatch) -> Result<Batch> {
        let columns = dataset.columns.iter().map(|column| named(read, column)).collect::<Result<_>>()?;
        Ok(Batch { dataset, columns, rows: read.num_rows() })
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Hands the cells of a row to `sink`.
    ///
    /// # Errors
    /// When a value lies beyond what the dataset holds.
    pub(super) fn hand_over(&self, row: usize, sink: &mut impl CellSink) -> Result<()> {
        for (column, array) in self.dataset.columns.iter().zip(&self.columns) {
            let present = (!array.is_null(row)).then_some(row);
            hand_over(column.kind, array, present, sink).ok_or_else(|| {
                Error::environment(format!("row {row} holds a value that column '{}' cannot", column.name))
            })?;
        }
        Ok(())
    }
}

fn named(read: &RecordBatch, column: &Column) -> Result<ArrayRef> {
    let expected = data_type(column.kind);
    match read.column_by_name(column.name) {
        Some(array) if *array.data_type() == expected => Ok(Arc::clone(array)),
        found => {
            let found = found.map_or_else(|| "no such column".to_owned(), |array| array.data_type().to_string());
            Err(Error::environment(format!("expected column '{}' of type {expected}, found {found}", column.name)))
        }
    }
}

/// `None` when the value lies beyond what the dataset holds.
fn hand_over(kind: Kind, array: &ArrayRef, row: Option<usize>, sink: &mut impl CellSink) -> Option<()> {
    let decimal = |row: usize| i64::try_from(array.as_primitive::<Decimal128Type>().value(row)).ok();
    match (kind, row) {
        (Kind::Text, row) => sink.text(row.map(|row| array.as_string::<i32>().value(row))),
        (Kind::Money, Some(row)) => sink.money(Some(Money::from_unscaled(decimal(row)?)?), 0),
        (Kind::Money, None) => sink.money(None, 0),
        (Kind::Rate, Some(row)) => sink.rate(Some(Rate::from_unscaled(decimal(row)?))),
        (Kind::Rate, None) => sink.rate(None),
        (Kind::Date, Some(row)) => {
            sink.date(Some(Day::from_epoch_days(array.as_primitive::<Date32Type>().value(row))?));
        }
        (Kind::Date, None) => sink.date(None),
        (Kind::Time, row) => {
            let micros = |row| array.as_primitive::<TimestampMicrosecondType>().value(row);
            sink.time(row.map(|row| Stamp::new(micros(row), 0)));
        }
        (Kind::Count, row) => sink.count(array.as_primitive::<Int64Type>().value(row?)),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::parquet::{PartitionReader, PartitionWriter};
    use super::super::samples::{Recorder, replay, rows};
    use super::*;
    use crate::record::dataset;

    #[test]
    fn rows_hand_over_the_kinds_that_their_dataset_declares() {
        for (dataset, cells) in rows() {
            let declared: Vec<Kind> = dataset.columns.iter().map(|column| column.kind).collect();
            let handed_over: Vec<Kind> = cells.iter().map(super::super::samples::Cell::kind).collect();
            assert_eq!(handed_over, declared, "{}", dataset.name);
        }
    }

    #[test]
    fn columns_give_the_rows_back() {
        for dataset in dataset::ALL {
            let rows = rows();
            let rows: Vec<_> = rows.iter().filter(|(each, _)| std::ptr::eq(*each, dataset)).collect();
            let file = tempfile::NamedTempFile::new().expect("a file");
            let mut writer =
                PartitionWriter::new(dataset, file.reopen().expect("the file")).expect("a file that takes it");
            for (_, cells) in &rows {
                replay(cells, writer.cells());
            }
            assert_eq!(writer.cells().rows(), rows.len());
            writer.finish(dataset, None).expect("a file that takes it");
            let batch = PartitionReader::open(dataset, file.path()).and_then(|mut reader| reader.next_batch());
            let batch = batch.expect("its own columns").expect("rows");
            for (row, (_, cells)) in rows.iter().enumerate() {
                let mut recorder = Recorder::default();
                batch.hand_over(row, &mut recorder).expect("values that came from rows");
                assert_eq!(recorder.0, *cells, "{}", dataset.name);
            }
        }
    }

    #[test]
    fn a_file_of_somebody_else_is_told() {
        let other = Columns::new(&dataset::BALANCES).take();
        let error = Batch::new(&dataset::REJECTS, &other.expect("texts")).expect_err("not its columns");
        assert_eq!(error.message(), "expected column 'feed' of type Utf8, found no such column");
    }
}
