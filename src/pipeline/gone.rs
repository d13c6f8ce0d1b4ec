//! Owners that the provider no longer lists: one break each, however many rows they had. It remembers the digest of each
//! day that was committed, so that it is over when the rows are back as they were, and by nothing else.

use std::collections::BTreeMap;

use super::{dataset_of, key_of};
use crate::Result;
use crate::breaks::{Break, Cause, Check, Subject};
use crate::output::{Gone, Publication};
use crate::record::{Day, Feed, Owner, OwnerKind};
use crate::state::{Digest, KnownBreak, OwnerKey};

/// The days that are gone, with the digest of their rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct GoneDays(BTreeMap<Day, Digest>);

impl GoneDays {
    /// As a line of JSON, by which it is remembered.
    pub(super) fn to_text(&self) -> String {
        let days: Vec<(String, String)> =
            self.0.iter().map(|(day, digest)| (day.to_string(), digest.to_string())).collect();
        serde_json::to_string(&days).expect("texts are JSON")
    }

    fn from_text(text: &str) -> Option<GoneDays> {
        let days: Vec<(String, String)> = serde_json::from_str(text).ok()?;
        let parsed = |(day, digest): (String, String)| Some((Day::parse(&day)?, Digest::parse(&digest)?));
        days.into_iter().map(parsed).collect::<Option<_>>().map(GoneDays)
    }
}

/// The break of an owner that is gone, with what it remembers. `known` is the same break, when it is not over yet.
pub(super) fn tell(feed: Feed, gone: Gone, known: Option<&KnownBreak>) -> (Break, GoneDays) {
    let Gone { owner, rows, days } = gone;
    let mut all = known.and_then(|known| GoneDays::from_text(known.earlier.as_deref()?)).unwrap_or_default();
    let (first, last) = (*days.keys().next().expect("noted by day"), *days.keys().next_back().expect("noted by day"));
    for (day, digest) in days {
        all.0.entry(day).or_insert(digest);
    }
    let owner = owner_of(&owner);
    let explanation = format!(
        "the provider no longer lists {owner}: {rows} rows in {feed}, from {first} to {last}, were committed earlier"
    );
    (the_break(feed, owner, &all, Cause::Vanished, explanation), all)
}

/// The id of the break that an owner of a feed is gone.
pub(super) fn id_of(feed: Feed, owner: &OwnerKey) -> String {
    the_break(feed, owner_of(owner), &GoneDays::default(), Cause::Vanished, String::new()).id()
}

/// What became of an owner that had gone and is listed again.
#[derive(Debug)]
pub(super) enum Back {
    /// Nothing that this run could tell.
    Unknown,
    /// All its rows are as they were.
    Whole,
    /// Some of its days are not as they were.
    Otherwise(Box<Break>, GoneDays),
}

/// Compares the rows of an owner that is listed again with those that had gone.
pub(super) fn look_again(publication: &mut Publication, feed: Feed, owner: &Owner, known: &KnownBreak) -> Result<Back> {
    let Some(GoneDays(mut days)) = known.earlier.as_deref().and_then(GoneDays::from_text) else {
        return Ok(Back::Unknown);
    };
    let now = publication.digests_of(dataset_of(feed), &key_of(owner))?;
    let all = days.len();
    days.retain(|day, digest| now.get(day) != Some(digest));
    let other = days.keys().filter(|day| now.contains_key(day)).count();
    if days.is_empty() {
        return Ok(Back::Whole);
    }
    if days.len() == all && other == 0 {
        return Ok(Back::Unknown);
    }
    let explanation = format!(
        "the provider lists {owner} again, but {} of {all} days in {feed} that were committed earlier are not as they were",
        days.len(),
    );
    let days = GoneDays(days);
    let told = the_break(feed, owner_of(&key_of(owner)), &days, Cause::Changed, explanation);
    Ok(Back::Otherwise(Box::new(told), days))
}

/// Nothing tells the account of a card that is gone, and the break must stay the same one.
fn owner_of((kind, id): &OwnerKey) -> Owner {
    if *kind == OwnerKind::Card { Owner::card("", id) } else { Owner::account(id) }
}

fn the_break(feed: Feed, owner: Owner, days: &GoneDays, cause: Cause, explanation: String) -> Break {
    Break {
        check: Check::Restatement,
        cause,
        owner,
        subject: Subject::Listing(feed.name()),
        booking_date: days.0.keys().next().copied(),
        currency: None,
        amounts: None,
        explanation,
    }
}
