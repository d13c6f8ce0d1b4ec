//! Rows as Arrow columns, and back.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Builder, Decimal128Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;

use crate::record::{CellSink, Column, Dataset, Day, Kind, Money, Rate, Stamp};
use crate::{Error, Result};

/// Digits of every decimal column: the most that fit an INT64, which every engine reads.
pub(super) const DECIMAL_PRECISION: u8 = 18;
/// Decimals of amounts and balances.
pub(super) const MONEY_SCALE: i8 = 4;
/// Decimals of rates.
pub(super) const RATE_SCALE: i8 = 8;

/// The Arrow type of a kind of column. Decimals are 128 bits wide in memory although 64 would do: pyarrow cannot sum
/// the narrow ones.
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

/// The Arrow schema of a dataset; each field carries its meaning as `description`.
pub fn arrow_schema(dataset: &Dataset) -> SchemaRef {
    let fields: Vec<Field> = dataset.columns.iter().map(field).collect();
    let meaning = HashMap::from([("description".to_owned(), dataset.meaning.to_owned())]);
    Arc::new(Schema::new_with_metadata(fields, meaning))
}

fn field(column: &Column) -> Field {
    let meaning = HashMap::from([("description".to_owned(), column.meaning.to_owned())]);
    Field::new(column.name, data_type(column.kind), column.nullable).with_metadata(meaning)
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
    Text(StringBuilder),
    Decimal(Decimal128Builder),
    Date(Date32Builder),
    Time(TimestampMicrosecondBuilder),
    Count(Int64Builder),
}

impl Columns {
    /// Columns without rows.
    pub(super) fn new(dataset: &Dataset) -> Columns {
        let builders = dataset.columns.iter().map(|column| Builder::new(column.kind)).collect();
        Columns { schema: arrow_schema(dataset), builders, at: 0, rows: 0 }
    }

    /// Whole rows gathered.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The rows gathered; none are left.
    pub(super) fn take(&mut self) -> RecordBatch {
        assert_eq!(self.at, 0, "batches are made of whole rows");
        self.rows = 0;
        let columns = self.builders.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns).expect("the cells come as the dataset declares them")
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
            Builder::Decimal(builder) => builder.append_option(unscaled.map(i128::from)),
            other => other.refuse("a decimal"),
        }
    }
}

impl Builder {
    fn new(kind: Kind) -> Builder {
        match kind {
            Kind::Text => Builder::Text(StringBuilder::new()),
            Kind::Money | Kind::Rate => Builder::Decimal(Decimal128Builder::new().with_data_type(data_type(kind))),
            Kind::Date => Builder::Date(Date32Builder::new()),
            Kind::Time => Builder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Kind::Count => Builder::Count(Int64Builder::new()),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Text(builder) => Arc::new(builder.finish()),
            Builder::Decimal(builder) => Arc::new(builder.finish()),
            Builder::Date(builder) => Arc::new(builder.finish()),
            Builder::Time(builder) => Arc::new(builder.finish()),
            Builder::Count(builder) => Arc::new(builder.finish()),
        }
    }

    fn refuse(&self, cell: &str) -> ! {
        panic!("a row handed over {cell} where its dataset declares another kind: {self:?}")
    }
}

impl CellSink for Columns {
    fn text(&mut self, value: Option<&str>) {
        match self.next() {
            Builder::Text(builder) => builder.append_option(value),
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
            Builder::Date(builder) => builder.append_option(value.map(Day::epoch_days)),
            other => other.refuse("a date"),
        }
    }

    fn time(&mut self, value: Option<Stamp>) {
        match self.next() {
            Builder::Time(builder) => builder.append_option(value.map(Stamp::utc_micros)),
            other => other.refuse("an instant"),
        }
    }

    fn count(&mut self, value: i64) {
        match self.next() {
            Builder::Count(builder) => builder.append_value(value),
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
            let (rows, mut columns) = (rows(), Columns::new(dataset));
            let rows: Vec<_> = rows.iter().filter(|(each, _)| std::ptr::eq(*each, dataset)).collect();
            for (_, cells) in &rows {
                replay(cells, &mut columns);
            }
            assert_eq!(columns.rows(), rows.len());
            let batch = Batch::new(dataset, &columns.take()).expect("its own columns");
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
        let error = Batch::new(&dataset::REJECTS, &other).expect_err("not its columns");
        assert_eq!(error.message(), "expected column 'feed' of type Utf8, found no such column");
    }
}
