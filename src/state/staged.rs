//! Spans of sealed days on their way to the state: staged as bytes, because they are most of what a run of many owners
//! changes there.
//!
//! | part | is made of |
//! | --- | --- |
//! | the owners | how many (u32); of each its kind (its number in [`KINDS`], u8), the length of its id (u32), the id |
//! | a dataset's span, any number | 1 (u8), the dataset's number (u32), the span (i32), of how many owners (u32); of each its place among the owners (u32), how many days (u8), the days as the state keeps them |
//! | the end | 0 (u8) |
//!
//! Integers are little-endian. A file that ends before its end, or goes on behind it, is damaged.

use std::borrow::Borrow;
use std::io::{ErrorKind, Read};

use super::seals::number_of;
use super::span::{self, DAY_BYTES, SealedDay, Span};
use super::{OwnerKey, delta::Numbered};
use crate::record::{Dataset, OwnerKind};
use crate::{Error, Result};

const KINDS: [OwnerKind; 3] = [OwnerKind::Account, OwnerKind::Card, OwnerKind::Provider];
const SPAN: u8 = 1;
/// Stands at the end.
pub(crate) const END: [u8; 1] = [0];

/// The part of the owners; spans name them by their places.
pub(crate) fn owners_part<O: Borrow<OwnerKey>>(owners: &[O]) -> Vec<u8> {
    let mut bytes = length(owners.len()).to_vec();
    for owner in owners {
        let (kind, id) = owner.borrow();
        let number = KINDS.iter().position(|known| known == kind).expect("all kinds are listed");
        bytes.push(u8::try_from(number).expect("a few kinds"));
        bytes.extend_from_slice(&length(id.len()));
        bytes.extend_from_slice(id.as_bytes());
    }
    bytes
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("fewer than 2^32").to_le_bytes()
}

/// The part of a dataset's span, being made.
#[derive(Debug)]
pub(crate) struct SpanPart {
    bytes: Vec<u8>,
    owners: u32,
}

impl SpanPart {
    /// Where the number of owners stands.
    const COUNT_AT: usize = 1 + 4 + 4;

    /// With room for that many days of that many owners.
    pub(crate) fn new(dataset: &Dataset, span: Span, owners: usize, days: usize) -> SpanPart {
        let mut bytes = Vec::with_capacity(Self::COUNT_AT + 4 + owners * 5 + days * DAY_BYTES);
        bytes.push(SPAN);
        bytes.extend_from_slice(&number_of(dataset.name).to_le_bytes());
        bytes.extend_from_slice(&span.0.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        SpanPart { bytes, owners: 0 }
    }

    /// Adds an owner's days, in their order.
    pub(crate) fn add(&mut self, owner: u32, days: impl ExactSizeIterator<Item = SealedDay>) {
        self.owners += 1;
        self.bytes.extend_from_slice(&owner.to_le_bytes());
        self.bytes.push(u8::try_from(days.len()).expect("a span has 16 days"));
        days.for_each(|day| day.push(&mut self.bytes));
    }

    /// The part as it is staged.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bytes[Self::COUNT_AT..Self::COUNT_AT + 4].copy_from_slice(&self.owners.to_le_bytes());
        self.bytes
    }
}

/// An owner's days in a dataset's span, as they are read back.
#[derive(Debug)]
pub(super) struct StagedSpan<'r> {
    pub dataset: u32,
    pub span: Span,
    pub owner: Numbered,
    pub days: &'r [u8],
}

/// Staged spans, read back.
#[derive(Debug)]
pub(crate) struct StagedSpans<R> {
    input: R,
    /// Where they stand, for those who are told of damage.
    place: String,
    bytes: u64,
    owners: Vec<Numbered>,
    /// The dataset and span that are being read, and how many of its owners are left.
    part: (u32, Span, u32),
    days: Vec<u8>,
}

impl<R: Read> StagedSpans<R> {
    /// Staged at `place`, in a file of that many bytes.
    pub(crate) fn new(input: R, place: String, bytes: u64) -> StagedSpans<R> {
        StagedSpans { input, place, bytes, owners: Vec::new(), part: (0, Span(0), 0), days: Vec::new() }
    }

    /// The length of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads the owners; `number` tells what stands for each in the database.
    pub(super) fn read_owners<E: From<Error>>(
        &mut self,
        mut number: impl FnMut(OwnerKind, &str) -> Result<Numbered, E>,
    ) -> Result<(), E> {
        let mut id = Vec::new();
        for _ in 0..self.count()? {
            let [kind] = self.array()?;
            let kind = KINDS.get(usize::from(kind)).copied().ok_or_else(|| self.damaged())?;
            // Not all at once: a damaged length may be any.
            let length = u64::from(self.count()?);
            id.clear();
            let read = (&mut self.input).take(length).read_to_end(&mut id);
            let id = std::str::from_utf8(&id).ok().filter(|id| read.is_ok() && id.len() as u64 == length);
            self.owners.push(number(kind, id.ok_or_else(|| self.damaged())?)?);
        }
        Ok(())
    }

    /// The next of the spans; `None` at the end.
    pub(super) fn read_next(&mut self) -> Result<Option<StagedSpan<'_>>> {
        while self.part.2 == 0 {
            match self.array()? {
                END => return self.end().map(|()| None),
                [SPAN] => {
                    let dataset = self.count()?;
                    let span = Span(i32::from_le_bytes(self.array()?));
                    self.part = (dataset, span, self.count()?);
                }
                _ => return Err(self.damaged()),
            }
        }
        self.part.2 -= 1;
        let owner = self.count()? as usize;
        let owner = self.owners.get(owner).copied().ok_or_else(|| self.damaged())?;
        let [days] = self.array()?;
        self.days.resize(usize::from(days) * DAY_BYTES, 0);
        self.input.read_exact(&mut self.days).map_err(|error| self.damaged().because(error))?;
        if !span::is_sound(&self.days) {
            return Err(self.damaged());
        }
        Ok(Some(StagedSpan { dataset: self.part.0, span: self.part.1, owner, days: &self.days }))
    }

    fn end(&mut self) -> Result<()> {
        match self.input.read_exact(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
            _ => Err(self.damaged()),
        }
    }

    fn count(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(|error| self.damaged().because(error))?;
        Ok(bytes)
    }

    pub(super) fn damaged(&self) -> Error {
        Error::environment("expected what the run seals, found something else").at(&self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Digest;
    use super::*;
    use crate::record::Day;
    use crate::record::dataset::{BALANCES, CARD_TRANSACTIONS};

    fn sealed(day: i32, rows: u64) -> SealedDay {
        let day = Day::from_epoch_days(day).expect("a day");
        SealedDay { day, rows, digest: Digest::of(&rows.to_le_bytes()), closing: None }
    }

    fn staged() -> Vec<u8> {
        let owners = [(OwnerKind::Card, "900".to_owned()), (OwnerKind::Account, "é".to_owned())];
        let mut cards = SpanPart::new(&CARD_TRANSACTIONS, Span(1_250), 2, 3);
        cards.add(0, [sealed(20_000, 1), sealed(20_015, 2)].into_iter());
        cards.add(1, [sealed(20_003, 3)].into_iter());
        let balances = SpanPart::new(&BALANCES, Span(-1), 0, 0);
        [owners_part(&owners), cards.finish(), balances.finish(), END.to_vec()].concat()
    }

    type Read = Vec<(u32, i32, i64, Vec<SealedDay>)>;

    fn read(bytes: &[u8]) -> Result<Read> {
        let mut spans = StagedSpans::new(bytes, "here".to_owned(), bytes.len() as u64);
        let mut names = Vec::new();
        spans.read_owners(|kind, id| {
            names.push((kind, id.to_owned()));
            Ok::<_, Error>(Numbered { number: names.len() as i64, is_new: true })
        })?;
        let mut read = Vec::new();
        while let Some(each) = spans.read_next()? {
            let days = span::days(each.span, each.days).collect::<Option<_>>().expect("sound");
            read.push((each.dataset, each.span.0, each.owner.number, days));
        }
        assert_eq!(names, [(OwnerKind::Card, "900".to_owned()), (OwnerKind::Account, "é".to_owned())]);
        Ok(read)
    }

    #[test]
    fn spans_come_back() {
        let expected =
            vec![(3, 1_250, 1, vec![sealed(20_000, 1), sealed(20_015, 2)]), (3, 1_250, 2, vec![sealed(20_003, 3)])];
        assert_eq!(read(&staged()).expect("what was staged"), expected);
    }

    #[test]
    fn a_file_that_is_cut_or_goes_on_is_damaged() {
        let whole = staged();
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
        let error = read(&[whole.as_slice(), &[0]].concat()).expect_err("goes on");
        assert_eq!(error.message(), "expected what the run seals, found something else");
    }

    #[test]
    fn days_out_of_order_are_damaged() {
        let mut part = SpanPart::new(&BALANCES, Span(0), 1, 2);
        part.add(0, [sealed(3, 1), sealed(2, 1)].into_iter());
        let owners = [(OwnerKind::Card, "900".to_owned()), (OwnerKind::Account, "é".to_owned())];
        assert!(read(&[owners_part(&owners), part.finish(), END.to_vec()].concat()).is_err());
    }
}
