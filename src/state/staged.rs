//! Spans of sealed days on their way to the state: staged as bytes, because they are most of what a run of many owners
//! changes there.
//!
//! | part | is made of |
//! | --- | --- |
//! | the owners | how many (u32); of each its kind (its number in [`KINDS`], u8), the length of its id (u32), the id |
//! | a dataset's span, any number | 1 (u8), the dataset's number (u32), the span (i32); of each owner its place among the owners (u32), how many days (u8), the days as the state keeps them; in the place of a further owner 2^32 − 1 |
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
/// Stands behind the owners of a span.
const NOBODY: u32 = u32::MAX;
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
    is_begun: bool,
}

impl SpanPart {
    /// Of which nothing is written yet.
    pub(crate) fn new(dataset: &Dataset, span: Span) -> SpanPart {
        let mut bytes = vec![SPAN];
        bytes.extend_from_slice(&number_of(dataset.name).to_le_bytes());
        bytes.extend_from_slice(&span.0.to_le_bytes());
        SpanPart { bytes, is_begun: false }
    }

    /// Adds an owner's days, in their order: what is to be written of the part now.
    pub(crate) fn add(&mut self, owner: u32, days: &[SealedDay]) -> &[u8] {
        self.go_on();
        self.bytes.extend_from_slice(&owner.to_le_bytes());
        self.bytes.push(u8::try_from(days.len()).expect("a span has 16 days"));
        for day in days {
            day.push(&mut self.bytes);
        }
        &self.bytes
    }

    /// The last that is to be written of it.
    pub(crate) fn end(&mut self) -> &[u8] {
        self.go_on();
        self.bytes.extend_from_slice(&NOBODY.to_le_bytes());
        &self.bytes
    }

    /// What was given before is written.
    fn go_on(&mut self) {
        if std::mem::replace(&mut self.is_begun, true) {
            self.bytes.clear();
        }
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
    /// The dataset and span that are being read.
    part: Option<(u32, Span)>,
    days: Vec<u8>,
}

impl<R: Read> StagedSpans<R> {
    /// Staged at `place`, in a file of that many bytes.
    pub(crate) fn new(input: R, place: String, bytes: u64) -> StagedSpans<R> {
        StagedSpans { input, place, bytes, owners: Vec::new(), part: None, days: Vec::new() }
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
        let ((dataset, span), owner) = loop {
            if let Some(part) = self.part {
                match self.count()? {
                    NOBODY => self.part = None,
                    owner => break (part, owner),
                }
            }
            match self.array()? {
                END => return self.end().map(|()| None),
                [SPAN] => self.part = Some((self.count()?, Span(i32::from_le_bytes(self.array()?)))),
                _ => return Err(self.damaged()),
            }
        };
        let owner = self.owners.get(owner as usize).copied().ok_or_else(|| self.damaged())?;
        let [days] = self.array()?;
        self.days.resize(usize::from(days) * DAY_BYTES, 0);
        self.input.read_exact(&mut self.days).map_err(|error| self.damaged().because(error))?;
        if !span::is_sound(&self.days) {
            return Err(self.damaged());
        }
        Ok(Some(StagedSpan { dataset, span, owner, days: &self.days }))
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
        let (mut cards, mut balances) =
            (SpanPart::new(&CARD_TRANSACTIONS, Span(1_250)), SpanPart::new(&BALANCES, Span(-1)));
        let mut bytes = owners_part(&owners);
        bytes.extend_from_slice(cards.add(0, &[sealed(20_000, 1), sealed(20_015, 2)]));
        bytes.extend_from_slice(cards.add(1, &[sealed(20_003, 3)]));
        bytes.extend_from_slice(cards.end());
        bytes.extend_from_slice(balances.end());
        bytes.extend_from_slice(&END);
        bytes
    }

    type Read = Vec<(u32, i32, i64, Vec<SealedDay>)>;

    fn read(bytes: &[u8]) -> Result<Read> {
        let mut spans = StagedSpans::new(bytes, "here".to_owned(), bytes.len() as u64);
        let mut names = Vec::new();
        spans.read_owners(|kind, id| {
            names.push((kind, id.to_owned()));
            Ok::<_, Error>(Numbered { number: i64::try_from(names.len()).expect("two"), is_new: true })
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
        let mut part = SpanPart::new(&BALANCES, Span(0));
        let days = part.add(0, &[sealed(3, 1), sealed(2, 1)]).to_vec();
        let owners = [(OwnerKind::Card, "900".to_owned()), (OwnerKind::Account, "é".to_owned())];
        assert!(read(&[owners_part(&owners), days, part.end().to_vec(), END.to_vec()].concat()).is_err());
    }
}
