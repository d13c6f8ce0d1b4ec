//! The check `transfer`: an executed credit transfer has exactly one statement debit, and a debit that names a transfer
//! has that transfer.
//!
//! Evidence, the strongest first, each on what the one before left over:
//! 1. a line names the execution reference in its description, remittance text or txid, whatever the days between;
//! 2. the IBAN that is paid, the exact amount, and days no further apart than `transfer_days`;
//! 3. the amount and the days, where one side tells no IBAN;
//! 4. sums of amounts to one IBAN within those days: one transfer paid by several debits, or several by one. Subsets of
//!    at most [`SUMMANDS_MAX`] candidates, the nearest by day, are tried.
//!
//! Transfers that differ in nothing are interchangeable; one that could be paid by several debits with equal right, while
//! not all of them are needed, is `ambiguous` and told once. A transfer listed under two ids needs one debit. Direct debits
//! (`sdd`) need no debit but lay claim to theirs: all that the provider documents of them is that word, so that nothing
//! tells on which day one is collected, or whether the row is of the side that pays. What a debit names is looked for
//! among them all the same, and a debit whose text says direct debit may name what is not listed. Whatever is not
//! executed lays claim to the debit that names it, too. Pending debits count as debits: they are booked
//! later. A transfer so near to either end of what was read that its debit may lie beyond is not missed; how near that is,
//! is learned from the account's own pairs, and `transfer_days` while there are few.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;
use std::ops::RangeInclusive;

use super::by_day::ByDay;
use super::cross::{Terms, Watched};
use super::facts::{AccountFacts, LineFact, Side, TransferFact};
use super::listed::listed;
use super::pairing::{pair, rivals};
use super::references::{Groups, References, names};
use super::subset::{SUMMANDS_MAX, Subset, subset};
use super::transfer_copies;
use super::words;
use crate::breaks::{Break, Cause, Check, Subject};
use crate::record::feed::natural_cmp;
use crate::record::{Day, Money, OwnerKind, Total, TransferStatus};

/// Pairs from which it is learned how far a debit lies from its transfer.
const PAIRS_MIN: usize = 3;

/// Compares the account's credit transfers with its debits; nothing where either is not there.
pub fn check_transfers(facts: &AccountFacts, terms: Terms) -> Vec<Break> {
    judge_transfers(facts, terms, &[], &mut Vec::new())
}

/// As [`check_transfers`]; notes the watched breaks of which nothing can be said.
pub(super) fn judge_transfers(
    facts: &AccountFacts,
    terms: Terms,
    watched: &[(OwnerKind, &str, &Watched)],
    unjudged: &mut Vec<String>,
) -> Vec<Break> {
    let Some(transfers) = &facts.transfers else {
        return Vec::new();
    };
    let sides: Vec<&Side<LineFact>> = [&facts.statements, &facts.iban_statements].into_iter().flatten().collect();
    if sides.is_empty() {
        return Vec::new();
    }
    let mut books = Matcher::new(facts, terms, transfers, &sides);
    books.by_reference();
    books.by_key(|transfer| transfer.iban.clone(), |line| line.iban.clone());
    books.by_key(|_| Some("".into()), |line| (line.iban.is_none() && !is_other(line)).then(|| "".into()));
    books.by_key(|transfer| transfer.iban.is_none().then(|| "".into()), |_| Some("".into()));
    books.by_sums();
    books.by_iban_alone();
    books.transfers_left();
    books.debits_left();
    let of_check: Vec<&Watched> =
        watched.iter().map(|(_, _, known)| *known).filter(|known| known.check == Check::Transfer).collect();
    if of_check.is_empty() {
        return books.breaks;
    }
    let places = Places::of(&books);
    unjudged.extend(
        of_check.into_iter().filter(|known| !books.is_judged(known, &places)).map(|known| known.break_id.clone()),
    );
    books.breaks
}

/// A line without IBAN that is something else than a transfer's debit.
fn is_other(line: &LineFact) -> bool {
    words::is_fee(&line.text) || words::card_word(&line.text).is_some()
}

struct Matcher<'a> {
    facts: &'a AccountFacts,
    terms: Terms,
    sides: Vec<&'a Side<LineFact>>,
    /// All transfers, by day and id.
    transfers: Vec<&'a TransferFact>,
    /// All lines, by time and id.
    lines: Vec<&'a LineFact>,
    /// The transfers that each line names.
    named: Vec<Vec<usize>>,
    transfer_taken: Vec<bool>,
    line_taken: Vec<bool>,
    /// Days from execution to debit of the pairs made.
    lags: Vec<i64>,
    breaks: Vec<Break>,
}

/// Where rows stand by their ids, and the days of transfers that can be judged.
struct Places<'a> {
    judged: RangeInclusive<i64>,
    transfers: HashMap<&'a str, usize>,
    lines: HashMap<&'a str, usize>,
}

impl<'a> Places<'a> {
    fn of(books: &Matcher<'a>) -> Places<'a> {
        let transfers = books.transfers.iter().map(|transfer| &*transfer.internal_id);
        let lines = books.lines.iter().map(|line| &*line.txid);
        Places { judged: books.days_judged(), transfers: transfers.zip(0..).collect(), lines: lines.zip(0..).collect() }
    }
}

impl<'a> Matcher<'a> {
    fn new(
        facts: &'a AccountFacts,
        terms: Terms,
        transfers: &'a Side<TransferFact>,
        sides: &[&'a Side<LineFact>],
    ) -> Self {
        let mut sorted: Vec<&TransferFact> = transfers.rows.iter().collect();
        sorted.sort_by(|a, b| {
            a.day.cmp(&b.day).then_with(|| natural_cmp(&a.internal_id, &b.internal_id)).then(a.amount.cmp(&b.amount))
        });
        let mut ids = HashSet::with_capacity(sorted.len());
        sorted.retain(|transfer| ids.insert(&*transfer.internal_id));
        let mut lines: Vec<&LineFact> = Vec::new();
        for side in sides {
            let known: HashSet<&str> = lines.iter().map(|line| &*line.txid).collect();
            let new: Vec<&LineFact> = side.rows.iter().filter(|line| !known.contains(&*line.txid)).collect();
            lines.extend(new);
        }
        lines.sort_by_key(|line| (line.at.utc_micros(), &line.txid, line.amount));
        let mut ids = HashSet::with_capacity(lines.len());
        lines.retain(|line| ids.insert(&*line.txid));
        transfer_copies::take_out(&mut sorted, &lines);
        let named = names(&sorted, &lines);
        Self {
            facts,
            terms,
            sides: sides.to_vec(),
            transfer_taken: vec![false; sorted.len()],
            line_taken: vec![false; lines.len()],
            transfers: sorted,
            lines,
            named,
            lags: Vec::new(),
            breaks: Vec::new(),
        }
    }

    /// Transfers whose debit is looked for.
    fn is_open_transfer(&self, transfer: usize) -> bool {
        !self.transfer_taken[transfer] && self.transfers[transfer].status == TransferStatus::Executed
    }

    fn is_open_debit(&self, line: usize) -> bool {
        !self.line_taken[line] && self.lines[line].amount.is_negative()
    }

    fn take(&mut self, transfer: usize, line: usize) {
        (self.transfer_taken[transfer], self.line_taken[line]) = (true, true);
        self.lags.push(self.apart(transfer, line));
    }

    /// Days from a transfer's execution to a line.
    fn apart(&self, transfer: usize, line: usize) -> i64 {
        day(self.lines[line].at.day()) - day(self.transfers[transfer].day)
    }

    /// Groups of transfers and lines that name each other.
    fn by_reference(&mut self) {
        let mut groups = Groups::new(self.transfers.len());
        for named in &self.named {
            named.windows(2).for_each(|two| groups.join(two[0], two[1]));
        }
        let mut members: BTreeMap<usize, (BTreeSet<usize>, Vec<usize>)> = BTreeMap::new();
        for (line, named) in self.named.iter().enumerate() {
            for transfer in
                named.iter().filter(|transfer| self.transfers[**transfer].status == TransferStatus::Executed)
            {
                let (transfers, lines) = members.entry(groups.root(*transfer)).or_default();
                transfers.insert(*transfer);
                if lines.last() != Some(&line) {
                    lines.push(line);
                }
            }
        }
        for (transfers, lines) in members.into_values() {
            self.settle_named(&transfers.into_iter().collect::<Vec<_>>(), &lines);
        }
    }

    /// Transfers and the lines that name them.
    fn settle_named(&mut self, transfers: &[usize], lines: &[usize]) {
        for transfer in transfers {
            let amount = self.transfers[*transfer].amount;
            let fits = |line: &&usize| {
                self.is_open_debit(**line)
                    && self.lines[**line].amount == amount
                    && self.named[**line].contains(transfer)
            };
            let nearest = lines.iter().filter(fits).min_by_key(|line| self.apart(*transfer, **line).abs()).copied();
            if let Some(line) = nearest {
                self.take(*transfer, line);
            }
        }
        let left: Vec<usize> = transfers.iter().copied().filter(|transfer| self.is_open_transfer(*transfer)).collect();
        // A fee names the transfer for which it is taken, but goes to nobody's IBAN.
        let is_paid_to =
            |iban: &str| left.iter().any(|transfer| self.transfers[*transfer].iban.as_deref() == Some(iban));
        let is_payment = |line: &LineFact| line.iban.as_deref().is_some_and(is_paid_to) || !words::is_fee(&line.text);
        let payments = |line: &usize| self.is_open_debit(*line) && is_payment(self.lines[*line]);
        let debits: Vec<usize> = lines.iter().copied().filter(payments).collect();
        let (paid, ordered) = (self.sum_of_lines(&debits), self.sum_of_transfers(&left));
        match (left.as_slice(), debits.as_slice()) {
            (_, []) => {}
            ([], _) => self.tell_extra(transfers, lines, &debits),
            _ if paid == ordered => self.take_all(&left, &debits),
            ([transfer, ..], _) => self.tell_difference(*transfer, &left, &debits),
        }
    }

    fn take_all(&mut self, transfers: &[usize], lines: &[usize]) {
        for transfer in transfers {
            self.transfer_taken[*transfer] = true;
        }
        for line in lines {
            self.line_taken[*line] = true;
        }
    }

    fn sum_of_lines(&self, lines: &[usize]) -> Total {
        sum(lines.iter().map(|line| self.lines[*line].amount))
    }

    fn sum_of_transfers(&self, transfers: &[usize]) -> Total {
        sum(transfers.iter().map(|transfer| self.transfers[*transfer].amount))
    }

    /// Debits that name transfers which others pay already. One that a credit gives back is no second payment.
    fn tell_extra(&mut self, transfers: &[usize], lines: &[usize], debits: &[usize]) {
        let mut returned: Vec<Money> =
            lines.iter().map(|line| self.lines[*line].amount).filter(|amount| !amount.is_negative()).collect();
        for debit in debits {
            self.line_taken[*debit] = true;
            let line = self.lines[*debit];
            if let Some(back) = returned.iter().position(|amount| *amount == -line.amount) {
                returned.swap_remove(back);
                continue;
            }
            if !self.is_told_debit(line) {
                continue;
            }
            let named: Vec<&str> = transfers
                .iter()
                .filter(|transfer| self.named[*debit].contains(transfer))
                .map(|transfer| &*self.transfers[*transfer].internal_id)
                .collect();
            let explanation = format!(
                "debit {} of {} names credit transfer {}, which another debit pays already",
                line.txid,
                self.facts.money(line.amount),
                named.join(" and "),
            );
            self.tell_line(line, explanation);
        }
    }

    /// Whether a debit without transfer is a break at all.
    fn is_told_debit(&self, line: &LineFact) -> bool {
        line.settled
            && line.inside
            && line.iban.is_some()
            && line.at.day() < self.terms.seen_on
            && !words::is_direct_debit(&line.text)
    }

    fn tell_difference(&mut self, first: usize, transfers: &[usize], debits: &[usize]) {
        self.take_all(transfers, debits);
        let transfer = self.transfers[first];
        let is_told = transfers.iter().any(|transfer| self.needs_debit(*transfer));
        if !is_told {
            return;
        }
        let (ordered, paid) = (self.sum_of_transfers(transfers), self.sum_of_lines(debits));
        let digits = crate::record::minor_digits(self.facts.currency.as_deref());
        let explanation = format!(
            "credit {} ordered {}, but {} paid {}",
            self.transfer_names(transfers),
            ordered.text(digits),
            self.line_names(debits),
            paid.text(digits),
        );
        let amounts = ordered.to_money().zip(paid.to_money());
        self.tell_transfer(transfer, Cause::AmountDiffers, amounts, explanation);
    }

    /// Transfers and debits that share a key and the amount, the closest by day.
    fn by_key(
        &mut self,
        transfer_key: impl Fn(&TransferFact) -> Option<Box<str>>,
        line_key: impl Fn(&LineFact) -> Option<Box<str>>,
    ) {
        let mut groups: BTreeMap<(Box<str>, Money), Equal> = BTreeMap::new();
        for index in (0..self.transfers.len()).filter(|index| self.is_open_transfer(*index)) {
            if let Some(key) = transfer_key(self.transfers[index]) {
                groups.entry((key, self.transfers[index].amount)).or_default().0.push(index);
            }
        }
        for index in (0..self.lines.len()).filter(|index| self.is_open_debit(*index) && self.named[*index].is_empty()) {
            if let Some(key) = line_key(self.lines[index])
                && let Some(group) = groups.get_mut(&(key, self.lines[index].amount))
            {
                group.1.push(index);
            }
        }
        for (transfers, lines) in groups.into_values() {
            self.settle_equal(&transfers, &lines);
        }
    }

    fn settle_equal(&mut self, transfers: &[usize], lines: &[usize]) {
        let days: Vec<i64> = transfers.iter().map(|index| day(self.transfers[*index].day)).collect();
        let line_days: Vec<i64> = lines.iter().map(|index| day(self.lines[*index].at.day())).collect();
        let apart_max = i64::from(self.terms.transfer_days);
        let pairs = pair(&days, &line_days, apart_max);
        for (transfer, line) in &pairs {
            self.take(transfers[*transfer], lines[*line]);
        }
        let without_debit = rivals(&days, &line_days, &pairs, apart_max);
        for (chosen, over) in by_chosen(&without_debit) {
            let all: Vec<usize> = over.into_iter().chain([chosen]).map(|index| transfers[index]).collect();
            self.tell_fewer(&all, lines[paired_with(&pairs, chosen)]);
        }
        let turned: Vec<(usize, usize)> = pairs.iter().map(|(transfer, line)| (*line, *transfer)).collect();
        let without_transfer = rivals(&line_days, &days, &turned, apart_max);
        for (chosen, over) in by_chosen(&without_transfer) {
            let all: Vec<usize> = over.into_iter().chain([chosen]).map(|index| lines[index]).collect();
            self.tell_more(transfers[paired_with(&turned, chosen)], &all);
        }
    }

    /// Several transfers that one debit could pay.
    fn tell_fewer(&mut self, transfers: &[usize], line: usize) {
        let due: Vec<usize> = transfers.iter().copied().filter(|transfer| self.needs_debit(*transfer)).collect();
        self.take_all(transfers, &[]);
        let Some(first) = due.iter().copied().min() else { return };
        let mut all = transfers.to_vec();
        all.sort_unstable();
        let amount = self.facts.money(self.transfers[first].amount);
        let explanation = format!(
            "credit {} of {amount} share one debit, txid {}, that fits them equally well",
            self.transfer_names(&all),
            self.lines[line].txid,
        );
        self.tell_transfer(self.transfers[first], Cause::Ambiguous, None, explanation);
    }

    /// Several debits that could pay one transfer.
    fn tell_more(&mut self, transfer: usize, lines: &[usize]) {
        self.take_all(&[], lines);
        let is_told =
            lines.iter().all(|line| self.lines[*line].settled && !words::is_direct_debit(&self.lines[*line].text));
        if !self.needs_debit(transfer) || !is_told {
            return;
        }
        let mut all = lines.to_vec();
        all.sort_unstable();
        let found = self.transfers[transfer];
        let explanation = format!(
            "credit transfer {} of {} has several debits that fit equally well: {}",
            found.internal_id,
            self.facts.money(found.amount),
            self.line_names(&all),
        );
        self.tell_transfer(found, Cause::Ambiguous, None, explanation);
    }

    /// One transfer paid by several debits, and several transfers paid by one.
    fn by_sums(&mut self) {
        let debits = self.debits_by_iban(|line| self.named[line].is_empty());
        for transfer in 0..self.transfers.len() {
            if self.is_open_transfer(transfer) {
                self.split(transfer, &debits);
            }
        }
        let open = || (0..self.transfers.len()).filter(|transfer| self.is_open_transfer(*transfer));
        let by_iban = self.transfers_by_iban(open());
        let by_day = ByDay::of(open().map(|transfer| ((), self.transfers[transfer].day, transfer)));
        for line in 0..self.lines.len() {
            if self.is_open_debit(line) && self.named[line].is_empty() && !is_other(self.lines[line]) {
                self.batch(line, &by_iban, &by_day);
            }
        }
    }

    /// Open debits that name an IBAN, as far as they are asked for.
    fn debits_by_iban(&self, is_asked: impl Fn(usize) -> bool) -> ByDay<&'a str> {
        let open = (0..self.lines.len()).filter(|line| self.is_open_debit(*line) && is_asked(*line));
        ByDay::of(open.filter_map(|line| {
            let found: &'a LineFact = self.lines[line];
            Some((found.iban.as_deref()?, found.at.day(), line))
        }))
    }

    fn transfers_by_iban(&self, transfers: impl Iterator<Item = usize>) -> ByDay<&'a str> {
        ByDay::of(transfers.filter_map(|transfer| {
            let found: &'a TransferFact = self.transfers[transfer];
            Some((found.iban.as_deref()?, found.day, transfer))
        }))
    }

    fn split(&mut self, transfer: usize, by_iban: &ByDay<&str>) {
        let found = self.transfers[transfer];
        let Some(iban) = found.iban.as_deref() else { return };
        let near = by_iban.nearest(iban, found.day, self.terms.transfer_days);
        let fits = |line: &usize| self.is_open_debit(*line) && self.lines[*line].amount > found.amount;
        let debits: Vec<usize> = near.filter(fits).take(SUMMANDS_MAX).collect();
        let summands: Vec<(Money, i64)> =
            debits.iter().map(|line| (self.lines[*line].amount, self.apart(transfer, *line))).collect();
        match subset(found.amount, &summands) {
            Subset::None => {}
            Subset::One(chosen) => {
                let chosen: Vec<usize> = chosen.into_iter().map(|index| debits[index]).collect();
                self.take_all(&[transfer], &chosen);
            }
            Subset::Several(all) => {
                let all: Vec<usize> = all.into_iter().map(|index| debits[index]).collect();
                self.transfer_taken[transfer] = true;
                self.tell_more(transfer, &all);
            }
        }
    }

    fn batch(&mut self, line: usize, by_iban: &ByDay<&str>, by_day: &ByDay<()>) {
        let (found, days) = (self.lines[line], self.terms.transfer_days);
        let fits =
            |transfer: &usize| self.is_open_transfer(*transfer) && self.transfers[*transfer].amount > found.amount;
        let transfers: Vec<usize> = match found.iban.as_deref() {
            Some(iban) => by_iban.nearest(iban, found.at.day(), days).filter(fits).take(SUMMANDS_MAX).collect(),
            None => by_day.nearest((), found.at.day(), days).filter(fits).take(SUMMANDS_MAX).collect(),
        };
        let summands: Vec<(Money, i64)> =
            transfers.iter().map(|transfer| (self.transfers[*transfer].amount, self.apart(*transfer, line))).collect();
        match subset(found.amount, &summands) {
            Subset::None => {}
            Subset::One(chosen) => {
                let chosen: Vec<usize> = chosen.into_iter().map(|index| transfers[index]).collect();
                self.take_all(&chosen, &[line]);
            }
            Subset::Several(all) => {
                let all: Vec<usize> = all.into_iter().map(|index| transfers[index]).collect();
                self.line_taken[line] = true;
                self.tell_fewer(&all, line);
            }
        }
    }

    /// A transfer and a debit to one IBAN within the days, neither of which has another: only the amount differs.
    fn by_iban_alone(&mut self) {
        let due = || {
            let all = 0..self.transfers.len();
            all.filter(|transfer| self.is_open_transfer(*transfer) && self.needs_debit(*transfer))
        };
        let is_payment = |line: usize| {
            let found = self.lines[line];
            self.named[line].is_empty() && found.settled && !words::is_direct_debit(&found.text)
        };
        let (transfers, debits) = (self.transfers_by_iban(due()), self.debits_by_iban(is_payment));
        let days = self.terms.transfer_days;
        let only = |transfer: usize| {
            let found = self.transfers[transfer];
            let iban = found.iban.as_deref()?;
            let mut near = debits.nearest(iban, found.day, days);
            let (Some(line), None) = (near.next(), near.next()) else { return None };
            let is_only = transfers.nearest(iban, self.lines[line].at.day(), days).nth(1).is_none();
            is_only.then_some((transfer, line))
        };
        let found: Vec<(usize, usize)> = due().filter_map(only).collect();
        for (transfer, line) in found {
            self.tell_difference(transfer, &[transfer], &[line]);
        }
    }

    /// Whether it is a break when a transfer has no debit.
    fn needs_debit(&self, transfer: usize) -> bool {
        let found = self.transfers[transfer];
        found.status == TransferStatus::Executed && !found.direct_debit && found.inside
    }

    /// How far before and after its transfer a debit may lie, in days.
    fn reach(&self) -> (i64, i64) {
        let days = i64::from(self.terms.transfer_days);
        if self.lags.len() < PAIRS_MIN {
            return (days, days);
        }
        let (least, most) =
            self.lags.iter().fold((0, 0), |(least, most), lag| (lag.min(&least).to_owned(), *lag.max(&most)));
        ((-least).min(days), most.min(days))
    }

    /// The days of transfers whose debit, if there is one, was read.
    fn days_judged(&self) -> RangeInclusive<i64> {
        let (before, after) = self.reach();
        let lines = || self.lines.iter().map(|line| line.at.day());
        let from = lines().min().unwrap_or(self.terms.window.from).min(self.terms.window.from);
        let to = lines().max().unwrap_or(self.terms.window.to).max(self.terms.window.to);
        let (to, after) = if to < self.terms.seen_on { (to, after) } else { (self.terms.seen_on, after.max(1)) };
        day(from) + before..=day(to) - after
    }

    fn transfers_left(&mut self) {
        let judged = self.days_judged();
        for index in 0..self.transfers.len() {
            let found = self.transfers[index];
            let is_read = judged.contains(&day(found.day));
            if self.transfer_taken[index] || !self.needs_debit(index) || !is_read || self.is_rejected(found) {
                continue;
            }
            let mut explanation = format!(
                "credit transfer {} of {}, executed on {}",
                found.internal_id,
                self.facts.money(found.amount),
                found.day
            );
            if let Some(reference) = &found.reference {
                write!(explanation, " under reference {reference}").expect("a text can grow");
            }
            explanation.push_str(", has no debit in the statement");
            self.tell_transfer(found, Cause::NoCounterpart, None, explanation);
        }
    }

    /// Whether a line that could not be taken names the transfer.
    fn is_rejected(&self, transfer: &TransferFact) -> bool {
        let names = |id: &Option<Box<str>>| {
            id.as_deref().is_some_and(|id| self.sides.iter().any(|side| side.rejected.names(id)))
        };
        names(&transfer.reference) || names(&transfer.iban)
    }

    /// Whether a break that an earlier run told, and this one did not, is over: its row found what it lacked, or is no row
    /// any more that lacks anything. The id may be that of a transfer, of a debit, or of both.
    fn is_judged(&self, known: &Watched, places: &Places<'_>) -> bool {
        let Places { judged, transfers, lines } = places;
        let is_read = |transfer: usize| judged.contains(&day(self.transfers[transfer].day));
        let of_transfer = transfers.get(known.row.as_str()).is_none_or(|&index| {
            // One that other debits would fit as well may have lost them out of sight.
            let is_answered = self.transfer_taken[index] && (known.cause == Cause::NoCounterpart || is_read(index));
            !self.needs_debit(index) || is_answered
        });
        let of_line = lines.get(known.row.as_str()).is_none_or(|&index| {
            // The debit that pays the same transfer may be the one out of sight.
            let sees_all = self.named[index].iter().all(|transfer| is_read(*transfer));
            !self.is_told_debit(self.lines[index]) || !self.line_taken[index] || sees_all
        });
        of_transfer && of_line
    }

    /// Debits that name a transfer which was called off, or one that is not listed.
    fn debits_left(&mut self) {
        let known = References::of(&self.transfers);
        let mut told = Vec::new();
        for index in (0..self.lines.len()).filter(|index| self.is_open_debit(*index)) {
            let line = self.lines[index];
            if !self.is_told_debit(line) {
                continue;
            }
            let amount = self.facts.money(line.amount);
            let off = self.named[index].iter().map(|transfer| self.transfers[*transfer]);
            if let Some(transfer) = off.into_iter().find(|transfer| transfer.status == TransferStatus::Cancelled) {
                let id = &transfer.internal_id;
                told.push((
                    line,
                    format!("debit {} of {amount} names credit transfer {id}, which was cancelled", line.txid),
                ));
            } else if self.named[index].is_empty()
                && let Some(id) = known.lacking(line)
                && !self.facts.transfers.as_ref().is_some_and(|side| side.rejected.names(&id))
            {
                told.push((
                    line,
                    format!("debit {} of {amount} names reference {id}, which no credit transfer has", line.txid),
                ));
            }
        }
        for (line, explanation) in told {
            self.tell_line(line, explanation);
        }
    }

    fn transfer_names(&self, transfers: &[usize]) -> String {
        let ids = transfers.iter().map(|transfer| self.transfers[*transfer].internal_id.to_string());
        format!("transfer{} {}", if ids.len() > 1 { "s" } else { "" }, listed(ids))
    }

    fn line_names(&self, lines: &[usize]) -> String {
        let ids = lines.iter().map(|line| self.lines[*line].txid.to_string());
        format!("debit{} {}", if ids.len() > 1 { "s" } else { "" }, listed(ids))
    }

    fn tell_transfer(
        &mut self,
        transfer: &TransferFact,
        cause: Cause,
        amounts: Option<(Money, Money)>,
        explanation: String,
    ) {
        self.tell(&transfer.internal_id, transfer.day, cause, amounts, explanation);
    }

    fn tell_line(&mut self, line: &LineFact, explanation: String) {
        self.tell(&line.txid, line.at.day(), Cause::NoCounterpart, None, explanation);
    }

    fn tell(&mut self, id: &str, day: Day, cause: Cause, amounts: Option<(Money, Money)>, explanation: String) {
        self.breaks.push(Break {
            check: Check::Transfer,
            cause,
            owner: self.facts.owner.clone(),
            subject: Subject::Row(id.to_owned()),
            booking_date: Some(day),
            currency: self.facts.currency.clone(),
            amounts,
            explanation,
        });
    }
}

/// Transfers and lines that share a key and the amount.
type Equal = (Vec<usize>, Vec<usize>);

/// What was left over, by what was chosen in its place.
fn by_chosen(rivals: &[(usize, usize)]) -> BTreeMap<usize, Vec<usize>> {
    let mut by_chosen: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (over, chosen) in rivals {
        by_chosen.entry(*chosen).or_default().push(*over);
    }
    by_chosen
}

fn day(day: Day) -> i64 {
    i64::from(day.epoch_days())
}

fn sum(amounts: impl Iterator<Item = Money>) -> Total {
    let mut total = Total::default();
    amounts.for_each(|amount| total.add(amount));
    total
}

/// The other one of a pair; pairs come in order.
fn paired_with(pairs: &[(usize, usize)], chosen: usize) -> usize {
    let place = pairs.binary_search_by_key(&chosen, |(one, _)| *one).expect("the chosen one was paired");
    pairs[place].1
}
