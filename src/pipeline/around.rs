//! The rows around a break, for whoever has to judge it. They are picked while an owner's books are at hand; for a break
//! that is found later (between feeds, or against earlier runs) the owner's pages are read again.

use std::collections::{HashMap, HashSet};

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::gather::OwnerPages;
use crate::breaks::{Break, Subject};
use crate::landing::{Archive, ResponseId};
use crate::provider::anytime::page::{self, Json, Page};
use crate::record::rows::Text;
use crate::record::{CardTransaction, CreditTransfer, Day, Feed, Row, Stamp, StatementLine, Status};
use crate::report::{Around, ShownRow, Source};

/// Rows shown before and after.
const ROWS_EACH_SIDE: usize = 3;
/// Breaks of an owner whose rows are picked while its books are at hand.
pub(super) const PICKED_PER_OWNER_MAX: usize = 20;
/// Characters kept of a row's text.
const TEXT_CHARS_MAX: usize = 400;
/// Bytes of an owner's responses that are searched for the one that holds a row.
const SEARCHED_BYTES_MAX: usize = 64 << 20;

/// What is looked for: a row by its id, or else the place of a day.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub break_id: String,
    pub txid: Option<String>,
    pub day: Option<Day>,
}

impl Wanted {
    fn of(found: &Break) -> Wanted {
        let txid = match &found.subject {
            Subject::Row(txid) | Subject::RowOf(_, txid) => Some(txid.clone()),
            Subject::Listing(_) => None,
        };
        Wanted { break_id: found.id(), txid, day: found.booking_date }
    }

    pub(super) fn of_all(breaks: &[Break]) -> Vec<Wanted> {
        breaks.iter().take(PICKED_PER_OWNER_MAX).map(Wanted::of).collect()
    }
}

/// A break's id, and the rows around it in one feed.
pub(super) type Picked = (String, Around);

/// An owner's responses, each with what its page calls it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Responses<'a> {
    pub pages: &'a OwnerPages,
    pub archive: &'a Archive,
    pub bytes: &'a [(Vec<u8>, usize)],
}

/// Picks the rows around each of the wanted places, `rows` being in the order of the books.
pub(super) fn pick<R: Shown>(wanted: &[Wanted], rows: &[R], responses: Responses<'_>) -> Vec<Picked> {
    if wanted.is_empty() || rows.is_empty() {
        return Vec::new();
    }
    let ids: HashSet<&str> = wanted.iter().filter_map(|wanted| wanted.txid.as_deref()).collect();
    let named = rows.iter().enumerate().filter(|(_, row)| ids.contains(row.id()));
    // Of an id that stands twice, the second place is the one in question.
    let places: HashMap<&str, usize> = named.map(|(place, row)| (row.id(), place)).collect();
    let picked = |wanted: &Wanted| {
        let place = wanted.txid.as_deref().and_then(|txid| places.get(txid).copied());
        let (from, to) = match (place, wanted.day) {
            (Some(place), _) => (place.saturating_sub(ROWS_EACH_SIDE), place + 1 + ROWS_EACH_SIDE),
            (None, Some(day)) => {
                let after =
                    rows.iter().rposition(|row| row.day().is_some_and(|of| of <= day)).map_or(0, |last| last + 1);
                (after.saturating_sub(ROWS_EACH_SIDE), after + ROWS_EACH_SIDE)
            }
            (None, None) => return None,
        };
        let shown = &rows[from..to.min(rows.len())];
        let is_named = |row: &R| wanted.txid.as_deref() == Some(row.id());
        let source = place.and_then(|place| responses.holding(rows[place].id()));
        let rows = shown.iter().map(|row| row.shown(is_named(row))).collect();
        Some((wanted.break_id.clone(), Around { feed: responses.pages.feed.name(), rows, source }))
    };
    wanted.iter().filter_map(picked).collect()
}

impl Responses<'_> {
    /// The response that holds a row.
    fn holding(self, txid: &str) -> Option<Source> {
        if self.bytes.iter().map(|(bytes, _)| bytes.len()).sum::<usize>() > SEARCHED_BYTES_MAX {
            return None;
        }
        let mut pages = self.pages.pages.iter().zip(self.bytes);
        let (page, _) = pages.find(|(_, (bytes, _))| {
            memmem::find(bytes, txid.as_bytes()).is_some() && holds(self.pages.feed, bytes, txid)
        })?;
        // Where an owner is processed in parts, only some of the response's rows are at hand.
        let mut whole = Vec::new();
        self.archive.read(page.response, &mut whole).ok()?;
        Some(source(self.archive, page.response, &whole))
    }
}

#[derive(Deserialize)]
struct Ids<'a> {
    #[serde(borrow, default)]
    txid: Option<&'a RawValue>,
    #[serde(borrow, default)]
    internal_id: Option<&'a RawValue>,
}

fn holds(feed: Feed, response: &[u8], txid: &str) -> bool {
    let Ok(page) = Page::<Json<'_>>::parse(feed, response) else {
        return false;
    };
    // Few rows are worth a closer look.
    let mut named = page.rows.iter().filter(|row| memmem::find(row.get().as_bytes(), txid.as_bytes()).is_some());
    named.any(|row| {
        let ids = serde_json::from_str::<Ids<'_>>(row.get()).ok();
        let id = ids.and_then(|ids| if feed == Feed::CreditTransfers { ids.internal_id } else { ids.txid });
        id.is_some_and(|id| id.get().trim_matches('"') == txid)
    })
}

/// A response, so that it can be found again.
pub(super) fn source(archive: &Archive, response: ResponseId, bytes: &[u8]) -> Source {
    Source {
        request_id: page::request_id(bytes).map(str::to_owned),
        file: archive.name_of(response).to_owned(),
        number: response.0,
        sha256: archive.sha256_of(response).unwrap_or_else(|| super::rejects::sha256(bytes)),
    }
}

/// A row that can be shown near a break.
pub(super) trait Shown: Row {
    fn id(&self) -> &str;
    fn shown(&self, is_named: bool) -> ShownRow;
}

impl Shown for StatementLine<'_> {
    fn id(&self) -> &str {
        &self.txid
    }

    fn shown(&self, is_named: bool) -> ShownRow {
        ShownRow {
            is_named,
            txid: self.txid.clone().into_owned(),
            at: local_time(self.booked_at),
            text: text(&[&self.description, &self.comment, &self.counterparty_iban]),
            amount: self.amount,
            currency: self.currency.as_deref().map(str::to_owned),
            balance: self.balance_after,
            status: self.status.map_or("none", Status::name),
        }
    }
}

impl Shown for CardTransaction<'_> {
    fn id(&self) -> &str {
        &self.txid
    }

    fn shown(&self, is_named: bool) -> ShownRow {
        ShownRow {
            is_named,
            txid: self.txid.clone().into_owned(),
            at: local_time(self.booked_at),
            text: text(&[&self.description, &self.failed_message]),
            amount: self.amount,
            currency: self.currency.as_deref().map(str::to_owned),
            balance: self.balance_after,
            status: self.status.name(),
        }
    }
}

impl Shown for CreditTransfer<'_> {
    fn id(&self) -> &str {
        &self.internal_id
    }

    fn shown(&self, is_named: bool) -> ShownRow {
        ShownRow {
            is_named,
            txid: self.internal_id.clone().into_owned(),
            at: self.booking_date.to_string(),
            text: text(&[&self.beneficiary_name, &self.beneficiary_iban, &self.reason]),
            amount: self.amount,
            currency: self.currency.as_deref().map(str::to_owned),
            balance: None,
            status: self.status.name(),
        }
    }
}

/// What the local clock showed: `2026-10-25 02:30:00`.
fn local_time(at: Stamp) -> String {
    at.text().chars().take(19).map(|letter| if letter == 'T' { ' ' } else { letter }).collect()
}

fn text(parts: &[&Option<Text<'_>>]) -> String {
    let told: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).filter(|part| !part.is_empty()).collect();
    told.join(" · ").chars().take(TEXT_CHARS_MAX).collect()
}
