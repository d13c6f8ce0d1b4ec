//! Rows as CSV: RFC 4180 quoting, LF, null is an empty cell, and no text that a spreadsheet would run.

use csv::{Terminator, Writer, WriterBuilder};

use crate::record::{CellSink, Dataset, Day, Money, Rate, Stamp};

/// Bytes of a row to begin with; the buffer grows from there.
const ROW_BYTES_GUESS: usize = 256;

/// Writes rows as lines of CSV into memory.
#[derive(Debug)]
pub struct CsvSink {
    writer: Writer<Vec<u8>>,
    scratch: Vec<u8>,
}

impl CsvSink {
    /// A sink without lines.
    pub fn new() -> CsvSink {
        let writer = WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(Vec::new());
        CsvSink { writer, scratch: Vec::with_capacity(ROW_BYTES_GUESS) }
    }

    /// The header line of a dataset.
    pub fn header(dataset: &Dataset) -> Vec<u8> {
        let mut sink = CsvSink::new();
        for column in dataset.columns {
            sink.plain(column.name.as_bytes());
        }
        sink.end_row();
        sink.into_bytes()
    }

    /// Ends the line.
    pub fn end_row(&mut self) {
        self.writer.write_record(None::<&[u8]>).expect("every row has cells, and memory takes any number of bytes");
    }

    /// The lines.
    pub fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner().expect("memory takes any number of bytes")
    }

    fn plain(&mut self, cell: &[u8]) {
        self.writer.write_field(cell).expect("memory takes any number of bytes");
    }

    /// A cell that `write` spells.
    fn spelled(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.scratch.clear();
        write(&mut self.scratch);
        self.writer.write_field(&self.scratch).expect("memory takes any number of bytes");
    }
}

impl Default for CsvSink {
    fn default() -> Self {
        CsvSink::new()
    }
}

impl CellSink for CsvSink {
    fn text(&mut self, value: Option<&str>) {
        let text = value.unwrap_or_default();
        if runs_as_formula(text) {
            self.spelled(|out| {
                out.push(b'\'');
                out.extend_from_slice(text.as_bytes());
            });
        } else {
            self.plain(text.as_bytes());
        }
    }

    fn money(&mut self, value: Option<Money>, digits: u8) {
        self.spelled(|out| value.into_iter().for_each(|money| money.write(out, digits)));
    }

    fn rate(&mut self, value: Option<Rate>) {
        self.spelled(|out| value.into_iter().for_each(|rate| rate.write(out)));
    }

    fn date(&mut self, value: Option<Day>) {
        self.spelled(|out| value.into_iter().for_each(|day| day.write(out)));
    }

    fn time(&mut self, value: Option<Stamp>) {
        self.spelled(|out| value.into_iter().for_each(|stamp| stamp.write(out)));
    }

    fn count(&mut self, value: i64) {
        self.plain(itoa::Buffer::new().format(value).as_bytes());
    }
}

/// Whether a spreadsheet would take the text for a formula or a command. An apostrophe in front makes it a text again.
fn runs_as_formula(text: &str) -> bool {
    matches!(text.as_bytes().first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::dataset;

    fn line(write: impl FnOnce(&mut CsvSink)) -> String {
        let mut sink = CsvSink::new();
        write(&mut sink);
        sink.text(Some("end"));
        sink.end_row();
        String::from_utf8(sink.into_bytes()).expect("UTF-8 in, UTF-8 out")
    }

    #[test]
    fn texts_are_quoted_where_they_must_be() {
        for (text, cell) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("two\rlines", "\"two\rlines\""),
            (" blank ", " blank "),
            ("Café 東京", "Café 東京"),
        ] {
            assert_eq!(line(|sink| sink.text(Some(text))), format!("{cell},end\n"));
        }
        assert_eq!(line(|sink| sink.text(None)), ",end\n");
    }

    #[test]
    fn texts_that_would_run_are_neutralised() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+33 6", "'+33 6"),
            ("-x", "'-x"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("=HYPERLINK(\"a\",\"b\")", "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\""),
            ("a=b", "a=b"),
            ("'", "'"),
        ] {
            assert_eq!(line(|sink| sink.text(Some(text))), format!("{cell},end\n"));
        }
    }

    #[test]
    fn numbers_and_dates_are_left_alone() {
        let money = Money::parse("-12.5").expect("fits");
        assert_eq!(line(|sink| sink.money(Some(money), 2)), "-12.50,end\n");
        assert_eq!(line(|sink| sink.money(Some(money), 0)), "-12.5,end\n");
        assert_eq!(line(|sink| sink.money(None, 2)), ",end\n");
        assert_eq!(line(|sink| sink.rate(Rate::parse("1.1000").ok())), "1.1000,end\n");
        assert_eq!(line(|sink| sink.date(Day::parse("2026-03-01"))), "2026-03-01,end\n");
        assert_eq!(line(|sink| sink.time(Some(Stamp::new(0, 3600)))), "1970-01-01T01:00:00+01:00,end\n");
        assert_eq!(line(|sink| sink.count(-3)), "-3,end\n");
    }

    #[test]
    fn the_header_names_every_column() {
        for dataset in dataset::ALL {
            let names: Vec<&str> = dataset.columns.iter().map(|column| column.name).collect();
            assert_eq!(CsvSink::header(dataset), format!("{}\n", names.join(",")).into_bytes());
        }
    }
}
