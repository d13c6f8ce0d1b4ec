//! One owner's pages to what is written of it. Pure but for reading the pages; several owners go at once.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::gather::OwnerPages;
use crate::Result;
use crate::breaks::Break;
use crate::landing::Archive;
use crate::output::{Encoded, Encoder};
use crate::provider::anytime::decode::{self, Context, Decoded, Rejection};
use crate::provider::anytime::page::Page;
use crate::reconcile::{Books, Prior, close_chain, close_listing};
use crate::record::feed::natural_cmp;
use crate::record::{BalanceRow, Clock, CreditTransfer, Feed, Owner, RejectRow, Row, Window, Zone};

/// What is known of an owner beside its pages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Knowledge<'a> {
    pub window: Window,
    pub zone: Zone,
    /// The account's currency, where its details told it.
    pub currency: Option<&'a str>,
    pub prior: Option<Prior>,
}

/// What came out for an owner.
#[derive(Debug)]
pub(super) struct Outcome {
    pub feed: Feed,
    pub owner: Owner,
    pub rows: Encoded,
    pub breaks: Vec<Break>,
    pub balances: Vec<BalanceRow>,
    pub rejects: Vec<RejectRow>,
}

/// Reads, decodes, reconciles and encodes one owner's rows of one feed.
pub(super) fn process(
    pages: &OwnerPages,
    archive: &Archive,
    knowledge: Knowledge<'_>,
    encoder: Encoder,
) -> Result<Outcome> {
    let responses = pages
        .pages
        .iter()
        .map(|page| {
            let mut bytes = Vec::new();
            archive.read(page.response, &mut bytes).map(|()| (bytes, page.skip as usize))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut rejects = Vec::new();
    let books = match pages.feed {
        Feed::AccountStatements => {
            let rows = read(pages, &responses, knowledge, &mut rejects, |row, context| {
                decode::statement_line(Feed::AccountStatements, row, context)
            });
            encode(close_chain(&pages.owner, rows, knowledge.prior), encoder)
        }
        Feed::IbanStatements => {
            let rows = read(pages, &responses, knowledge, &mut rejects, |row, context| {
                decode::statement_line(Feed::IbanStatements, row, context)
            });
            encode(close_listing(&pages.owner, rows), encoder)
        }
        Feed::CardTransactions => {
            let mut rows = read(pages, &responses, knowledge, &mut rejects, decode::card_transaction);
            decode::settle_currencies(&mut rows, knowledge.currency);
            encode(close_chain(&pages.owner, rows, knowledge.prior), encoder)
        }
        Feed::CreditTransfers => {
            let rows = read(pages, &responses, knowledge, &mut rejects, decode::credit_transfer);
            encode(close_transfers(&pages.owner, rows), encoder)
        }
    };
    let (rows, breaks, balances) = books;
    Ok(Outcome { feed: pages.feed, owner: pages.owner.clone(), rows, breaks, balances, rejects })
}

fn encode<R: Row>(books: Books<R>, encoder: Encoder) -> (Encoded, Vec<Break>, Vec<BalanceRow>) {
    (encoder.encode(&books.rows), books.breaks, books.balances)
}

/// Transfers carry no balance: they are ordered by day, time and id, and their ids must be unique.
fn close_transfers<'a>(owner: &Owner, mut rows: Vec<CreditTransfer<'a>>) -> Books<CreditTransfer<'a>> {
    rows.sort_by(|a, b| {
        let at = |row: &CreditTransfer<'_>| (row.booking_date, row.created_at.map(crate::record::Stamp::utc_micros));
        at(a)
            .cmp(&at(b))
            .then_with(|| natural_cmp(&a.internal_id, &b.internal_id))
            .then_with(|| a.amount.cmp(&b.amount))
    });
    let breaks = crate::reconcile::duplicate_transfers(owner, &rows);
    Books { rows, breaks, balances: Vec::new() }
}

/// The rows of the window, decoded; what cannot be taken goes to `rejects`.
fn read<'p, R>(
    pages: &'p OwnerPages,
    responses: &'p [(Vec<u8>, usize)],
    knowledge: Knowledge<'_>,
    rejects: &mut Vec<RejectRow>,
    mut decode: impl FnMut(&'p str, &mut Context<'p>) -> Decoded<R>,
) -> Vec<R> {
    let mut context = Context {
        acc_id: &pages.owner.acc_id,
        card_ref: &pages.owner.card_ref,
        window: knowledge.window,
        clock: Clock::new(knowledge.zone),
    };
    let mut rows = Vec::new();
    let mut seen = pages.repeats_are_one.then(Seen::default);
    for (number, (response, skip)) in responses.iter().enumerate() {
        let page = match Page::parse(pages.feed, response) {
            Ok(page) => page,
            Err(reason) => {
                rejects.push(reject(pages, response, String::new(), None, reason, &String::from_utf8_lossy(response)));
                continue;
            }
        };
        for (index, row) in page.rows.iter().enumerate().skip(*skip) {
            let raw = row.get();
            if seen.as_mut().is_some_and(|seen| !seen.is_new(number, raw)) {
                continue;
            }
            match decode(raw, &mut context) {
                Decoded::Row(row) => rows.push(row),
                Decoded::Outside => {}
                Decoded::Rejected(rejection) => {
                    rejects.push(reject_row(pages, response, index, &rejection, raw));
                }
            }
        }
    }
    rows
}

/// Rows seen on pages of unknown position: one that is the same to the letter on another page was read twice, one that
/// is the same on its own page is listed twice.
#[derive(Default)]
struct Seen<'p> {
    on_earlier_pages: HashSet<&'p str>,
    on_this_page: Vec<&'p str>,
    page: usize,
}

impl<'p> Seen<'p> {
    fn is_new(&mut self, page: usize, row: &'p str) -> bool {
        if page != self.page {
            self.on_earlier_pages.extend(self.on_this_page.drain(..));
            self.page = page;
        }
        let is_new = !self.on_earlier_pages.contains(row);
        if is_new {
            self.on_this_page.push(row);
        }
        is_new
    }
}

fn reject_row(pages: &OwnerPages, response: &[u8], index: usize, rejection: &Rejection, raw: &str) -> RejectRow {
    let key = if pages.feed == Feed::CreditTransfers { "credit-transfers" } else { "transactions" };
    let field = if rejection.field.is_empty() { String::new() } else { format!("/{}", rejection.field) };
    let pointer = format!("/body/{key}/{index}{field}");
    reject(pages, response, pointer, rejection.txid.clone(), rejection.reason.clone(), raw)
}

fn reject(
    pages: &OwnerPages,
    response: &[u8],
    pointer: String,
    txid: Option<String>,
    reason: String,
    raw: &str,
) -> RejectRow {
    RejectRow {
        feed: pages.feed,
        owner_id: Some(pages.owner.id().to_owned()).filter(|id| !id.is_empty()),
        txid,
        page_sha256: sha256(response),
        pointer,
        reason,
        raw: raw.to_owned(),
    }
}

/// Hex SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
