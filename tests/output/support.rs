//! Small runs made of a few cards and days.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tieout::output::{Committed, Formats, OutputDir, Publication};
use tieout::record::dataset::{BALANCES, BREAKS, CARD_TRANSACTIONS};
use tieout::record::{BalanceRow, BreakRow, CardTransaction, Dataset, Day, Money, Owner, Rate, Stamp, Status, Window};
use tieout::state::{Covered, OwnerKey, RunRecord, SeenBreak, StateDelta};

pub const BOTH: Formats = Formats { csv: true, parquet: true };
pub const DATASETS: [&Dataset; 3] = [&CARD_TRANSACTIONS, &BALANCES, &BREAKS];

pub fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

pub fn window(from: &str, to: &str) -> Window {
    Window::new(day(from), day(to)).expect("a window")
}

pub fn money(text: &str) -> Money {
    Money::parse(text).expect("an amount")
}

pub fn card(card_ref: &str) -> Owner {
    Owner::card("7410", card_ref)
}

pub fn card_row(card_ref: &str, txid: &str, day: Day, amount: &str, balance: &str) -> CardTransaction<'static> {
    let noon = i64::from(day.epoch_days()) * 86_400_000_000 + 43_200_000_000;
    CardTransaction {
        acc_id: Cow::Borrowed("7410"),
        card_ref: Cow::Owned(card_ref.to_owned()),
        txid: Cow::Owned(txid.to_owned()),
        booked_at: Stamp::new(noon, 3600),
        amount: money(amount),
        currency: Some(Cow::Borrowed("EUR")),
        balance_after: Some(money(balance)),
        status: Status::Settled,
        provider_status: Some(Cow::Borrowed("Processed")),
        description: Some(Cow::Borrowed("=Café, \"du\" Coin")),
        transacted_at: None,
        amount_fx: Some(money("-3")),
        currency_fx: Some(Cow::Borrowed("JPY")),
        fx_rate: Rate::parse("1.100000").ok(),
        fx_fee: None,
        mcc: Some(Cow::Borrowed("5812")),
        vat_details: None,
        failed_code: None,
        failed_message: None,
    }
}

/// What a small run writes: each card's rows, a line of `amount`.
pub struct Run<'a> {
    pub id: &'a str,
    pub window: Window,
    pub cards: Vec<(&'a str, Vec<CardTransaction<'static>>)>,
    pub kept: Vec<Owner>,
    pub breaks: Vec<BreakRow>,
    pub formats: Formats,
}

impl<'a> Run<'a> {
    pub fn new(id: &'a str, from: &str, to: &str) -> Run<'a> {
        let window = window(from, to);
        Run { id, window, cards: Vec::new(), kept: Vec::new(), breaks: Vec::new(), formats: BOTH }
    }

    /// A card with a row a day of the window, of `amount` each.
    pub fn card(mut self, card_ref: &'a str, amount: &str) -> Run<'a> {
        let rows = self
            .window
            .iter()
            .enumerate()
            .map(|(index, day)| card_row(card_ref, &format!("{card_ref}-{index}"), day, amount, "100.00"))
            .collect();
        self.cards.push((card_ref, rows));
        self
    }

    /// A card whose rows could not be fetched.
    pub fn kept(mut self, card_ref: &str) -> Run<'a> {
        self.kept.push(card(card_ref));
        self
    }

    pub fn publish(&self, out: &OutputDir) -> tieout::Result<Committed> {
        let mut publication = Publication::begin(out, "nightly", self.window, self.id, self.formats, &DATASETS)?;
        for (card_ref, rows) in &self.cards {
            publication.append(&mut publication.encoder(&CARD_TRANSACTIONS).encode(rows))?;
            let balances: Vec<BalanceRow> = rows.iter().map(|row| balance_row(card_ref, row)).collect();
            publication.append(&mut publication.encoder(&BALANCES).encode(&balances))?;
            publication.add_closings(&balances)?;
        }
        publication.append(&mut publication.encoder(&BREAKS).encode(&self.breaks))?;
        publication.keep_owners(&CARD_TRANSACTIONS, &self.kept);
        publication.keep_owners(&BALANCES, &self.kept);
        publication.add_report_file("camt053/card-900.xml", b"<Document/>\n")?;
        publication.add_report_file("summary.json", format!("{{\"run\":\"{}\"}}\n", self.id).as_bytes())?;
        publication.commit(&self.delta())
    }

    pub fn delta(&self) -> StateDelta {
        StateDelta {
            run: RunRecord {
                run_id: self.id.to_owned(),
                job: "nightly".to_owned(),
                window_from: self.window.from,
                window_to: self.window.to,
                started_at: "2026-11-21T02:00:00Z".to_owned(),
                committed_at: "2026-11-21T02:00:09Z".to_owned(),
                exit_code: 0,
                rows: self.cards.iter().map(|(_, rows)| rows.len() as u64).sum(),
                breaks: self.breaks.len() as u64,
                shard: None,
            },
            today: day("2026-11-21"),
            covered: self
                .cards
                .iter()
                .map(|(card_ref, _)| Covered::new(&key(card_ref), ["card_transactions"]))
                .collect(),
            rules: "tieout".to_owned(),
            breaks: self.breaks.iter().map(|row| SeenBreak::new(row, self.window)).collect(),
            taken_back: Vec::new(),
        }
    }
}

pub fn key(card_ref: &str) -> OwnerKey {
    (tieout::record::OwnerKind::Card, card_ref.to_owned())
}

fn balance_row(card_ref: &str, row: &CardTransaction<'_>) -> BalanceRow {
    BalanceRow {
        owner_kind: "card",
        owner_id: card_ref.to_owned(),
        currency: Some("EUR".to_owned()),
        booking_date: row.booked_at.day(),
        opening: Some(money("100").checked_sub(row.amount).expect("small")),
        credits: Some(if row.amount.is_negative() { Money::ZERO } else { row.amount }),
        debits: Some(if row.amount.is_negative() { row.amount } else { Money::ZERO }),
        closing: Some(money("100")),
        entries: 1,
        verdict: "tied",
    }
}

/// Every file that readers see, by its path: reports and lake.
pub fn visible(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for top in ["reports", "lake"] {
        gather(&out.join(top), out, &mut files);
    }
    files
}

fn gather(folder: &Path, out: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let Ok(entries) = folder.read_dir() else { return };
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            gather(&path, out, files);
        } else {
            let name = path.strip_prefix(out).expect("below").to_owned();
            files.insert(name, std::fs::read(&path).expect("a file"));
        }
    }
}
