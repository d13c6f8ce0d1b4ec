//! A part of an owner's rows: read from the pages on which it lies, walked from where the part before ended, told, encoded.

use super::chained::Chained;
use super::relay::Baton;
use super::survey::{PageTimes, Survey};
use super::timeline::Span;
use super::{Last, Parted, Piece};
use crate::Result;
use crate::landing::{Archive, ListingPage};
use crate::output::Encoder;
use crate::pipeline::around::{self, PICKED_PER_OWNER_MAX, Picked, Responses, Shown, Wanted};
use crate::pipeline::gather::OwnerPages;
use crate::pipeline::owner::{self, Knowledge};
use crate::provider::anytime::decode::{Context, Decoded};
use crate::provider::anytime::page::{Page, RawRow, RowForm};
use crate::reconcile::closing::Ending;
use crate::reconcile::facts::{Facts, Side};
use crate::reconcile::part::{Beyond, WalkedPart, walk_part};
use crate::reconcile::{Entry, Link, Rejected, reconcile};
use crate::record::{Clock, Day, Row, Window};

/// The bytes of pages, and how many rows to skip on each.
type Bytes = Vec<(Vec<u8>, usize)>;

/// The pages that a part has to read. Of a page that other parts need as well, only the rows of this one are kept.
pub(super) fn responses<C: Chained>(
    pages: &OwnerPages,
    times: &[PageTimes],
    span: Span,
    archive: &Archive,
    knowledge: Knowledge<'_>,
) -> Result<(OwnerPages, Bytes)> {
    let (from, to) = (span.rows_from, span.rows_to);
    let concerned = |times: &PageTimes| times.inside.is_some_and(|(first, last)| first < to && from <= last);
    let is_whole = |times: &PageTimes| times.inside.is_some_and(|(first, last)| from <= first && last < to);
    let keep = |entry: Entry| (from..to).contains(&entry.moment_micros());
    read_some::<C>(pages, times, archive, concerned, |bytes, page, times| {
        (!is_whole(times)).then(|| compact::<C>(pages, bytes, page.skip as usize, knowledge, knowledge.window, keep))
    })
}

/// The pages with rows around the window, without the others.
fn responses_outside<C: Chained>(
    pages: &OwnerPages,
    times: &[PageTimes],
    archive: &Archive,
    knowledge: Knowledge<'_>,
) -> Result<(OwnerPages, Bytes)> {
    let Knowledge { window, around, .. } = knowledge;
    let keep = |entry: Entry| !window.contains(entry.at.day());
    read_some::<C>(
        pages,
        times,
        archive,
        |times| times.has_outside,
        |bytes, page, times| {
            times.inside.map(|_| compact::<C>(pages, bytes, page.skip as usize, knowledge, around, keep))
        },
    )
}

fn read_some<C: Chained>(
    pages: &OwnerPages,
    times: &[PageTimes],
    archive: &Archive,
    is_concerned: impl Fn(&PageTimes) -> bool,
    compacted: impl Fn(&[u8], &ListingPage, &PageTimes) -> Option<Vec<u8>>,
) -> Result<(OwnerPages, Bytes)> {
    let (mut some, mut all) = (Vec::new(), Vec::new());
    for (page, times) in pages.pages.iter().zip(times).filter(|(_, times)| is_concerned(times)) {
        let mut bytes = Vec::new();
        archive.read(page.response, &mut bytes)?;
        let skip = page.skip as usize;
        all.push(compacted(&bytes, page, times).map_or((bytes, skip), |bytes| (bytes, 0)));
        some.push(*page);
    }
    Ok((OwnerPages { pages: some, owner: pages.owner.clone(), ..*pages }, all))
}

/// A page of some of a page's rows.
fn compact<C: Chained>(
    pages: &OwnerPages,
    bytes: &[u8],
    skip: usize,
    knowledge: Knowledge<'_>,
    window: Window,
    keep: impl Fn(Entry) -> bool,
) -> Vec<u8> {
    let mut kept = br#"{"body":{"transactions":["#.to_vec();
    let mut context = context(pages, window, knowledge);
    if let Ok(page) = Page::<RawRow<'_, C::Wire<'_>>>::parse(pages.feed, bytes) {
        let bare = kept.len();
        for row in page.rows.iter().skip(skip) {
            if matches!(C::decode(row, &mut context), Decoded::Row(decoded) if keep(decoded.entry())) {
                if kept.len() > bare {
                    kept.push(b',');
                }
                kept.extend_from_slice(row.text().as_bytes());
            }
        }
    }
    kept.extend_from_slice(b"]}}");
    kept
}

fn context<'a>(pages: &'a OwnerPages, window: Window, knowledge: Knowledge<'_>) -> Context<'a> {
    let (acc_id, card_ref) = (&pages.owner.acc_id, &pages.owner.card_ref);
    Context { acc_id, card_ref, window, clock: Clock::new(knowledge.zone) }
}

/// The rows of the window on these pages. What is rejected was told in the survey.
pub(super) fn rows<'p, C: Chained>(
    pages: &'p OwnerPages,
    responses: &'p [(Vec<u8>, usize)],
    knowledge: Knowledge<'_>,
) -> Vec<C::Row<'p>> {
    rows_in::<C>(pages, responses, knowledge.window, knowledge)
}

fn rows_in<'p, C: Chained>(
    pages: &'p OwnerPages,
    responses: &'p [(Vec<u8>, usize)],
    window: Window,
    knowledge: Knowledge<'_>,
) -> Vec<C::Row<'p>> {
    let mut told = Vec::new();
    owner::read(pages, responses, window, knowledge.zone, &mut told, |row, context| C::decode(row, context))
}

/// Processes one part; behind them, what lies around the window.
pub(super) fn process<C: Chained>(
    parted: &Parted,
    number: usize,
    whole: &OwnerPages,
    archive: &Archive,
    knowledge: Knowledge<'_>,
    encoder: Encoder,
) -> Result<Piece> {
    if number == parted.survey.spans.len() {
        return process_around::<C>(parted, whole, archive, knowledge, encoder);
    }
    // Whatever happens, the next part must not wait for ever.
    let turn = parted.relay.turn(number);
    let survey = &parted.survey;
    let (pages, bytes) = responses::<C>(whole, &survey.pages, survey.spans[number], archive, knowledge)?;
    let mut rows = rows::<C>(&pages, &bytes, knowledge);
    C::settle(&mut rows, survey.currency.as_deref());
    let is_doubled = |txid: &str| survey.is_doubled(txid);
    let beyond = beyond(survey, number, whole, knowledge, &is_doubled);
    let before = turn.wait();
    let walked = walk_part(rows, survey.spans[number].stretch(), before.held, &beyond);
    turn.pass(passed_on(before, &walked));
    let sightings = walked.sightings(number, &is_doubled);
    let books = walked.close(&beyond);
    let own = &books.rows[books.own.clone()];
    let responses = Responses { pages: &pages, archive, bytes: &bytes };
    let pick = |wanted: &[Wanted]| around::pick(wanted, &books.rows, responses);
    let is_compared = knowledge.reported.is_some();
    let end = own.iter().rev().filter(|_| is_compared).find(|row| row.entry().moves).map(|row| by_id(row.id()));
    let begins_at = own.iter().find(|row| knowledge.prior.is_none() && row.entry().moves);
    let doubled: Vec<Wanted> =
        sightings.iter().take(PICKED_PER_OWNER_MAX).map(|sighting| by_id(&sighting.txid)).collect();
    Ok(Piece {
        rows: Some(encoder.encode(own)),
        facts: facts::<C>(own, Rejected::default(), whole, knowledge),
        around: pick(&Wanted::of_all(&books.breaks)),
        around_doubled: pick(&doubled),
        around_end: end.and_then(|end| pick(&[end]).pop()),
        breaks: books.breaks,
        begins_at: begins_at.map(|row| row.txid().to_owned()),
        balances: books.balances,
        sightings,
        last: None,
    })
}

/// A row, where the break that it may come to has no id yet.
fn by_id(txid: &str) -> Wanted {
    Wanted { break_id: txid.to_owned(), txid: Some(txid.to_owned()), day: None }
}

fn beyond<'b>(
    survey: &'b Survey,
    number: usize,
    pages: &'b OwnerPages,
    knowledge: Knowledge<'_>,
    is_doubled: &'b dyn Fn(&str) -> bool,
) -> Beyond<'b> {
    let is_end = number + 1 == survey.spans.len() && survey.around_is_whole && !survey.goes_on;
    let reported = knowledge.reported.filter(|reported| is_end && reported.before == reported.after);
    Beyond {
        owner: &pages.owner,
        meaning: survey.meaning,
        currency: survey.currency.as_deref(),
        is_doubled,
        prior: knowledge.prior.filter(|_| number == 0),
        reported: reported.map(|reported| reported.after),
        rejected: &survey.rejected,
    }
}

fn passed_on<R: Link + Row>(before: Baton, walked: &WalkedPart<R>) -> Baton {
    let last = walked.own().rev().find(|row| row.entry().moves);
    let (all, debits) = walked.pending();
    let mut pending = before.pending;
    pending.0.add_total(all);
    pending.1.add_total(debits);
    let currency = || walked.own().find_map(|row| row.currency().map(str::to_owned));
    Baton {
        held: walked.held_at_next(),
        closing: walked.closing().unwrap_or(before.closing),
        last: last.map(|row| (row.txid().to_owned(), row.entry().at.day())).or(before.last),
        currency: before.currency.or_else(currency),
        pending,
    }
}

/// What lies around the window, and where the owner ends: the last piece.
fn process_around<C: Chained>(
    parted: &Parted,
    whole: &OwnerPages,
    archive: &Archive,
    knowledge: Knowledge<'_>,
    encoder: Encoder,
) -> Result<Piece> {
    let Knowledge { window, around, .. } = knowledge;
    let survey = &parted.survey;
    let (pages, bytes) = responses_outside::<C>(whole, &survey.pages, archive, knowledge)?;
    let mut rows = rows_in::<C>(&pages, &bytes, around, knowledge);
    rows.retain(|row| !window.contains(row.entry().at.day()));
    let before = parted.relay.turn(survey.spans.len()).wait();
    let rows_on = |day: Day| rows.iter().filter(|row| row.day() == Some(day)).count() as u64;
    Ok(Piece {
        rows: Some(encoder.empty()),
        facts: facts::<C>(&rows, rejected(survey), whole, knowledge),
        around: Vec::new(),
        around_doubled: Vec::new(),
        around_end: None,
        breaks: Vec::new(),
        begins_at: None,
        balances: Vec::new(),
        sightings: Vec::new(),
        last: Some(Last {
            beside: [rows_on(window.from.previous()), rows_on(window.to.next())],
            ending: ending(&rows, window, before),
            rejects: survey.rejects.clone(),
        }),
    })
}

/// Where the owner's chain ends, rows after the window included.
fn ending<R: Link + Row>(around: &[R], window: Window, before: Baton) -> Option<Ending> {
    let later: Vec<&R> = around.iter().filter(|row| row.day().is_some_and(|day| day > window.to)).collect();
    let entries: Vec<Entry> = later.iter().map(|row| row.entry()).collect();
    let after = reconcile(&entries, |row| later[row as usize].txid(), before.closing);
    let (mut all, mut debits) = before.pending;
    for amount in later.iter().filter(|row| row.is_pending()).map(|row| row.entry().amount) {
        all.add(amount);
        if amount.is_negative() {
            debits.add(amount);
        }
    }
    let (txid, day) = before.last.unzip();
    Some(Ending {
        balance: after.days.last().map_or(before.closing, |day| day.closing)?,
        txid,
        day: day.unwrap_or(window.to),
        currency: before.currency,
        pending: all,
        pending_debits: debits,
    })
}

fn rejected(survey: &Survey) -> Rejected {
    survey.rejects.iter().map(|reject| reject.raw.as_str()).collect()
}

fn facts<C: Chained>(rows: &[C::Row<'_>], rejected: Rejected, pages: &OwnerPages, knowledge: Knowledge<'_>) -> Facts {
    let Knowledge { window, needs, .. } = knowledge;
    if !needs.any_of(pages.feed) {
        return Facts::None;
    }
    C::side(Side { rows: C::facts(rows, window, needs), rejected })
}

/// Reads a part once more, for the rows around breaks that were found after its books were closed.
pub(super) fn look_again<C: Chained>(
    parted: &Parted,
    number: usize,
    whole: &OwnerPages,
    archive: &Archive,
    knowledge: Knowledge<'_>,
    wanted: &[Wanted],
) -> Result<Vec<Picked>> {
    let survey = &parted.survey;
    let (pages, bytes) = responses::<C>(whole, &survey.pages, survey.spans[number], archive, knowledge)?;
    let mut rows = rows::<C>(&pages, &bytes, knowledge);
    C::settle(&mut rows, survey.currency.as_deref());
    let is_doubled = |txid: &str| survey.is_doubled(txid);
    let beyond = beyond(survey, number, whole, knowledge, &is_doubled);
    let before = parted.relay.turn(number).wait();
    let books = walk_part(rows, survey.spans[number].stretch(), before.held, &beyond).close(&beyond);
    let own = &books.rows[books.own.clone()];
    let is_here = |wanted: &&Wanted| match (&wanted.txid, wanted.day) {
        (Some(txid), _) => own.iter().any(|row| row.id() == txid),
        (None, Some(day)) => own.iter().any(|row| row.entry().at.day() <= day),
        (None, None) => false,
    };
    let here: Vec<Wanted> = wanted.iter().filter(is_here).cloned().collect();
    Ok(around::pick(&here, &books.rows, Responses { pages: &pages, archive, bytes: &bytes }))
}
