//! Rows as CSV: RFC 4180 quoting, LF, null is an empty cell, and no text that a spreadsheet would run.
//!
//! Most cells need no quotes, and most kinds of cells never do: those are written straight into the line, which takes
//! half the time of the `csv` crate's writer. Quoting itself is that crate's core, and a property below holds whole
//! lines to that writer's very bytes.

use csv::{Terminator, WriterBuilder};
use csv_core::WriteResult;

use crate::record::{CellSink, Dataset, Day, Money, Rate, Stamp};

/// Writes rows as lines of CSV into memory.
#[derive(Debug, Default)]
pub struct CsvSink {
    /// Whole lines, and cells each with a comma behind it.
    bytes: Vec<u8>,
    /// The day written last, spelled: lines of a day follow each other.
    day: Option<(Day, [u8; 10])>,
}

impl CsvSink {
    /// A sink without lines.
    pub fn new() -> CsvSink {
        CsvSink::default()
    }

    /// The header line of a dataset.
    pub fn header(dataset: &Dataset) -> Vec<u8> {
        let mut writer = WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(Vec::new());
        let names = dataset.columns.iter().map(|column| column.name);
        writer.write_record(names).expect("memory takes any number of bytes");
        writer.into_inner().expect("memory takes any number of bytes")
    }

    /// Room for more bytes.
    pub(super) fn make_room(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Ends the line.
    pub fn end_row(&mut self) {
        *self.bytes.last_mut().expect("a row has cells") = b'\n';
    }

    /// The lines.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A cell that `write` spells, free of commas, quotes and line ends.
    fn plain(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.bytes.push(b',');
    }

    fn spelled(&mut self, day: Day) -> [u8; 10] {
        match self.day {
            Some((last, spelled)) if last == day => spelled,
            _ => self.day.insert((day, day.spelled())).1,
        }
    }

    fn quoted(&mut self, mark: &[u8], text: &[u8]) {
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(mark);
        let begin = self.bytes.len();
        // Every byte a quote, each doubled, is the most it can become.
        self.bytes.resize(begin + 2 * text.len(), 0);
        let (result, _, written) = csv_core::quote(text, &mut self.bytes[begin..], b'"', b'"', true);
        assert!(matches!(result, WriteResult::InputEmpty), "there is room for every quote to be doubled");
        self.bytes.truncate(begin + written);
        self.bytes.extend_from_slice(b"\",");
    }
}

impl CellSink for CsvSink {
    fn text(&mut self, value: Option<&str>) {
        let Some(text) = value.map(str::as_bytes) else {
            return self.bytes.push(b',');
        };
        let mark: &[u8] = if runs_as_formula(text) { b"'" } else { b"" };
        if needs_quotes(text) {
            self.quoted(mark, text);
        } else {
            self.bytes.extend_from_slice(mark);
            self.bytes.extend_from_slice(text);
            self.bytes.push(b',');
        }
    }

    fn money(&mut self, value: Option<Money>, digits: u8) {
        self.plain(|out| value.into_iter().for_each(|money| money.write(out, digits)));
    }

    fn rate(&mut self, value: Option<Rate>) {
        self.plain(|out| value.into_iter().for_each(|rate| rate.write(out)));
    }

    fn date(&mut self, value: Option<Day>) {
        let spelled = value.map(|day| self.spelled(day));
        self.plain(|out| spelled.into_iter().for_each(|day| out.extend_from_slice(&day)));
    }

    fn time(&mut self, value: Option<Stamp>) {
        let spelled = value.map(|stamp| (stamp, self.spelled(stamp.day())));
        self.plain(|out| spelled.into_iter().for_each(|(stamp, day)| stamp.write_on(out, day)));
    }

    fn count(&mut self, value: i64) {
        self.plain(|out| out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()));
    }
}

/// Whether the cell could be taken for several.
fn needs_quotes(text: &[u8]) -> bool {
    const MARKS: [bool; 256] = {
        let mut marks = [false; 256];
        marks[b',' as usize] = true;
        marks[b'"' as usize] = true;
        marks[b'\n' as usize] = true;
        marks[b'\r' as usize] = true;
        marks
    };
    // Most cells are short.
    text.iter().fold(false, |found, byte| found | MARKS[usize::from(*byte)])
}

/// Whether a spreadsheet would take the text for a formula or a command. An apostrophe in front makes it a text again.
fn runs_as_formula(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::dataset;

    fn line(write: impl FnOnce(&mut CsvSink)) -> String {
        let mut sink = CsvSink::new();
        write(&mut sink);
        sink.text(Some("end"));
        sink.end_row();
        String::from_utf8(sink.bytes().to_vec()).expect("UTF-8 in, UTF-8 out")
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

    proptest! {
        #[test]
        fn lines_are_those_of_the_csv_crate(texts in proptest::collection::vec("[a-z,\"\n\r\t '=;é]{0,12}", 2..6)) {
            let mut sink = CsvSink::new();
            let mut writer = WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(Vec::new());
            for text in &texts {
                sink.text(Some(text));
                let mark = if runs_as_formula(text.as_bytes()) { "'" } else { "" };
                writer.write_field(format!("{mark}{text}")).expect("memory takes it");
            }
            sink.end_row();
            writer.write_record(None::<&[u8]>).expect("memory takes it");
            prop_assert_eq!(sink.bytes(), writer.into_inner().expect("memory takes it"));
        }
    }
}
