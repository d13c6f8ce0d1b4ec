//! The story in the words and texts of the page: every amount is written, every list is cut to what the page holds.

use std::collections::HashMap;

use super::{
    AroundView, BreakView, Cell, ChartView, Command, Line, OwnerView, RejectView, RowView, Section, Spark, View,
};
use crate::catalogue;
use crate::landing::Proof;
use crate::record::{BreakRow, Day, Money, RejectRow, Total, minor_digits};
use crate::report::chart::{self, Chart};
use crate::report::evidence::{self, Certificates, Evidence};
use crate::report::limits::{Limits, shown_in_full};
use crate::report::story::{Around, OwnerBooks, ShownRow, Story};
use crate::report::verdict;

/// Whose a break is.
type OwnerName<'a> = (&'a str, &'a str);

pub(super) struct Writer<'a> {
    story: &'a Story<'a>,
    limits: Limits,
    certificates: Certificates<'a>,
    owners: HashMap<OwnerName<'a>, &'a OwnerBooks<'a>>,
    /// Places of the breaks told in full.
    in_full: Vec<usize>,
    /// Days of each owner's breaks.
    marked: HashMap<OwnerName<'a>, Vec<Day>>,
}

fn owner_of(found: &BreakRow) -> OwnerName<'_> {
    (found.owner_kind, &found.owner_id)
}

impl<'a> Writer<'a> {
    pub(super) fn new(story: &'a Story<'a>, limits: Limits) -> Self {
        let mut in_full = shown_in_full(story.breaks);
        in_full.truncate(limits.breaks);
        in_full.sort_unstable();
        let mut marked: HashMap<OwnerName<'_>, Vec<Day>> = HashMap::new();
        for found in story.breaks {
            marked.entry(owner_of(found)).or_default().extend(found.booking_date);
        }
        for days in marked.values_mut() {
            days.sort_unstable();
            days.dedup();
        }
        let owners = story.owners.iter().map(|owner| ((owner.kind, owner.id), owner)).collect();
        Writer { story, limits, certificates: Certificates::of(story), owners, in_full, marked }
    }

    pub(super) fn view(&self) -> View {
        let story = self.story;
        let sections = self.sections();
        let (balances, balances_left_out) = self.balances(sections.len());
        let (owners, owners_left_out) = self.owners(sections.iter().chain(&balances));
        let is_counterpart = |found: &&BreakRow| matches!(found.check, "transfer" | "iban_twin" | "card_load");
        let (counterparts, counterparts_all) = self.lines(is_counterpart);
        let (restatements, restatements_all) = self.lines(|found| found.check == "restatement");
        let (further, further_all) = self.lines(|found| !self.is_in_full(found));
        let unlisted = further_all - further.len();
        let count = |number: u64| story.locale.count(number);
        View {
            job: story.job.to_owned(),
            from: story.window.from.to_string(),
            to: story.window.to.to_string(),
            timezone: story.timezone.to_owned(),
            run_id: story.run_id.to_owned(),
            as_of: story.as_of.to_string(),
            verdict: verdict::sentence(story),
            mood: self.mood(),
            owners,
            owners_all: count(story.owners.len() as u64),
            owners_left_out,
            sections,
            balances,
            balances_left_out,
            further,
            further_left_out: (unlisted > 0).then(|| format!("{} more stand in breaks.csv.", count(unlisted as u64))),
            counterparts,
            counterparts_all,
            restatements,
            restatements_all,
            late_rows: count(story.difference.late_rows),
            amended_rows: count(story.difference.amended_rows),
            expired_rows: count(story.difference.expired_rows),
            restated_rows: count(story.difference.restated_rows),
            rejects: story.rejects.iter().take(self.limits.rejects).map(|reject| self.reject(reject)).collect(),
            rejects_all: story.rejects.len(),
            notes: story.notes.iter().chain(&story.meaning).map(|note| self.limits.cut(note)).collect(),
            evidence: Evidence::of(story, self.limits),
        }
    }

    fn mood(&self) -> &'static str {
        let is_open = |proof: &Proof| matches!(proof, Proof::Unproved { .. } | Proof::Failed { .. });
        if !self.story.rejects.is_empty() || self.story.listings.iter().any(|listing| is_open(listing.proof)) {
            "partial"
        } else if self.story.breaks.iter().any(|found| found.status == "open") {
            "breaks"
        } else {
            "ties"
        }
    }

    fn is_in_full(&self, found: &BreakRow) -> bool {
        self.in_full.iter().any(|place| self.story.breaks[*place].break_id == found.break_id)
    }

    /// The table of owners: where not all can be shown, those that do not tie and those with breaks come first.
    fn owners<'s>(&self, sections: impl Iterator<Item = &'s Section>) -> (Vec<OwnerView>, Option<String>) {
        let all = &self.story.owners;
        let mut places: Vec<usize> = (0..all.len()).collect();
        if all.len() > self.limits.owners {
            let is_quiet =
                |owner: &OwnerBooks<'_>| owner.verdict == "tied" && !self.marked.contains_key(&(owner.kind, owner.id));
            places.sort_by_key(|place| is_quiet(&all[*place]));
            places.truncate(self.limits.owners);
            places.sort_unstable();
        }
        let left_out = all.len() - places.len();
        let sections: HashMap<&str, usize> = sections.map(|section| (section.owner.as_str(), section.number)).collect();
        let views = places.iter().map(|place| self.owner(&all[*place], &sections)).collect();
        let told = (left_out > 0).then(|| {
            let left_out = self.story.locale.count(left_out as u64);
            format!("{left_out} owners are not in this table, those that tie first; balances.csv holds all of them.")
        });
        (views, told)
    }

    fn owner(&self, owner: &OwnerBooks<'_>, sections: &HashMap<&str, usize>) -> OwnerView {
        let cell = |text: &str| Cell { text: self.story.locale.amount(text), key: ten_thousandths(text) };
        let missing = || Cell { text: String::new(), key: String::new() };
        OwnerView {
            kind: owner.kind.to_owned(),
            id: self.limits.cut(owner.id),
            currency: owner.currency.unwrap_or_default().to_owned(),
            verdict: owner.verdict.to_owned(),
            opening: owner.opening.map_or_else(missing, cell),
            credits: cell(owner.credits),
            debits: cell(owner.debits),
            closing: owner.closing.map_or_else(missing, cell),
            entries: owner.entries.to_string(),
            spark: self.spark(owner),
            section: sections.get(self.owner_text((owner.kind, owner.id)).as_str()).copied(),
        }
    }

    fn spark(&self, owner: &OwnerBooks<'_>) -> Option<Spark> {
        let trend = owner.trend?;
        let drawn = chart::sparkline(trend, self.story.window, self.marks_of((owner.kind, owner.id)))?;
        let (low, high) = trend.range()?;
        let label =
            format!("from {} to {}", self.money(Some(low), owner.currency), self.money(Some(high), owner.currency));
        Some(Spark { drawn, label })
    }

    fn marks_of<'s>(&'s self, owner: OwnerName<'s>) -> &'s [Day] {
        self.marked.get(&owner).map(Vec::as_slice).unwrap_or_default()
    }

    /// Owners whose breaks are told in full, in the order of the breaks.
    fn sections(&self) -> Vec<Section> {
        let mut sections: Vec<(OwnerName<'_>, Section)> = Vec::new();
        let mut places: HashMap<OwnerName<'_>, usize> = HashMap::new();
        for place in &self.in_full {
            let found = &self.story.breaks[*place];
            let owner = owner_of(found);
            let section = *places.entry(owner).or_insert_with(|| {
                sections.push((owner, self.section(sections.len() + 1, owner)));
                sections.len() - 1
            });
            sections[section].1.breaks.push(self.break_view(found));
        }
        sections.into_iter().map(|(_, section)| section).collect()
    }

    /// Owners whose balances nothing is told of but their chart, numbered behind the sections of breaks.
    fn balances(&self, sections: usize) -> (Vec<Section>, Option<String>) {
        let is_quiet = |owner: &&OwnerBooks<'_>| !self.marked.contains_key(&(owner.kind, owner.id));
        let quiet = || self.story.owners.iter().filter(is_quiet);
        let shown = quiet().take(self.limits.charts).zip(sections + 1..);
        let drawn: Vec<Section> = shown.map(|(owner, number)| self.section(number, (owner.kind, owner.id))).collect();
        let left_out = quiet().count() - drawn.len();
        let told = (left_out > 0).then(|| {
            let left_out = self.story.locale.count(left_out as u64);
            format!("{left_out} more owners have no break; balances.csv holds the balances of each of their days.")
        });
        (drawn.into_iter().filter(|section| section.chart.is_some()).collect(), told)
    }

    fn section(&self, number: usize, owner: OwnerName<'_>) -> Section {
        let books = self.owners.get(&owner);
        let currency = books.and_then(|books| books.currency);
        let chart = books.and_then(|books| self.chart(books));
        let (owner, currency) = (self.owner_text(owner), currency.unwrap_or_default().to_owned());
        Section { number, owner, currency, chart, breaks: Vec::new() }
    }

    fn chart(&self, owner: &OwnerBooks<'_>) -> Option<ChartView> {
        let trend = owner.trend?;
        let marks = self.marks_of((owner.kind, owner.id));
        let Chart { line, area, rules, zero, marks: dots, scale, days } =
            chart::chart(trend, self.story.window, marks)?;
        // A scale of whole units is written without decimals.
        let is_whole = scale.iter().all(|amount| amount % 10_000 == 0);
        let digits = if is_whole { 0 } else { minor_digits(owner.currency) };
        let scale =
            scale.into_iter().map(|amount| self.story.locale.amount(&Total::from_unscaled(amount).text(digits)));
        let money = |text: Option<&str>| text.map(|text| self.story.locale.amount(text)).unwrap_or_default();
        let marked: Vec<String> = marks.iter().take(20).map(Day::to_string).collect();
        let label = format!(
            "Balance of {}: {} at first, {} at last{}{}",
            self.owner_text((owner.kind, owner.id)),
            money(owner.opening),
            money(owner.closing),
            if marked.is_empty() { "" } else { "; breaks on " },
            marked.join(", "),
        );
        let (scale, days) = (scale.collect(), days.iter().map(Day::to_string).collect());
        Some(ChartView { line, area, rules, zero, marks: dots, scale, days, label })
    }

    fn break_view(&self, found: &BreakRow) -> BreakView {
        let currency = found.currency.as_deref();
        let around = self.story.around.get(&found.break_id).map(Vec::as_slice).unwrap_or_default();
        let cause = catalogue::of_cause(found.cause);
        let advice = catalogue::advice_on(found.cause, &found.explanation);
        BreakView {
            id: found.break_id.clone(),
            check: words(found.check),
            cause: words(found.cause),
            status: found.status.to_owned(),
            explanation: Limits { text: self.limits.text * 4, ..self.limits }.cut(&found.explanation),
            day: found.booking_date.map(|day| day.to_string()).unwrap_or_default(),
            txid: self.limits.cut(found.txid.as_deref().unwrap_or_default()),
            currency: currency.unwrap_or_default().to_owned(),
            expected: self.money(found.expected, currency),
            actual: self.money(found.actual, currency),
            difference: self.money(found.difference, currency),
            first_seen: found.first_seen.to_string(),
            age: age(found.first_seen, self.story.as_of),
            means: cause.as_ref().map(|cause| cause.means.to_owned()).unwrap_or_default(),
            advice: advice.map(|advice| advice.split('`').collect()).unwrap_or_default(),
            commands: self.commands(found),
            around: around.iter().map(|around| self.around(around)).collect(),
            certificates: self.certificates.told(owner_of(found), self.story.locale),
        }
    }

    /// What to type next.
    fn commands(&self, found: &BreakRow) -> Vec<Command> {
        let (id, out) = (&found.break_id, &self.story.out);
        let accept = if found.status == "open" {
            let text = format!("tieout breaks accept {id} --by NAME --note \"WHY\"{out}");
            Command { purpose: "accept it", text }
        } else {
            Command { purpose: "open it again", text: format!("tieout breaks reopen {id}{out}") }
        };
        let explain = Command { purpose: "read what it means", text: catalogue::command(found.cause) };
        vec![Command { purpose: "inspect it", text: format!("tieout breaks show {id}{out}") }, accept, explain]
    }

    fn around(&self, around: &Around) -> AroundView {
        let row = |row: &ShownRow| RowView {
            is_named: row.is_named,
            at: row.at.clone(),
            txid: self.limits.cut(&row.txid),
            text: self.limits.cut(&row.text),
            amount: self.money(Some(row.amount), row.currency.as_deref()),
            balance: self.money(row.balance, row.currency.as_deref()),
            status: row.status,
        };
        AroundView {
            feed: around.feed,
            source: around.source.as_ref().map(|source| evidence::source(source, self.limits)),
            rows: around.rows.iter().map(row).collect(),
        }
    }

    /// Breaks in lines, and how many there are in all.
    fn lines(&self, wanted: impl Fn(&&BreakRow) -> bool) -> (Vec<Line>, usize) {
        let all: Vec<&BreakRow> = self.story.breaks.iter().filter(&wanted).collect();
        let line = |found: &&BreakRow| Line {
            id: found.break_id.clone(),
            is_in_full: self.is_in_full(found),
            check: words(found.check),
            owner: self.owner_text(owner_of(found)),
            day: found.booking_date.map(|day| day.to_string()).unwrap_or_default(),
            difference: self.money(found.difference, found.currency.as_deref()),
            explanation: self.limits.cut(&found.explanation),
            status: found.status,
        };
        (all.iter().take(self.limits.lines).map(line).collect(), all.len())
    }

    fn reject(&self, reject: &RejectRow) -> RejectView {
        let cut = |text: &str| self.limits.cut(text);
        RejectView {
            feed: reject.feed.name(),
            owner: cut(reject.owner_id.as_deref().unwrap_or("unknown")),
            txid: cut(reject.txid.as_deref().unwrap_or_default()),
            reason: cut(&reject.reason),
            raw: cut(&reject.raw),
            place: cut(&format!("{} in the response of SHA-256 {}", reject.pointer, reject.page_sha256)),
        }
    }

    fn owner_text(&self, (kind, id): OwnerName<'_>) -> String {
        self.limits.cut(&format!("{kind} {id}"))
    }

    fn money(&self, amount: Option<Money>, currency: Option<&str>) -> String {
        let digits = minor_digits(currency);
        amount.map(|amount| self.story.locale.amount(&amount.text(digits))).unwrap_or_default()
    }
}

/// A name of the contract in words.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn age(first_seen: Day, today: Day) -> String {
    match (today.date() - first_seen.date()).num_days() {
        ..=0 => "new today".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// An exact decimal text as a whole number of ten-thousandths.
fn ten_thousandths(text: &str) -> String {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{decimals:0<4}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_sort_by_whole_numbers() {
        assert_eq!(ten_thousandths("-12.5"), "-125000");
        assert_eq!(ten_thousandths("7"), "70000");
        assert_eq!(ten_thousandths("0.0001"), "00001");
    }
}
