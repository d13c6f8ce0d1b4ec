//! Pages that are broken in every way a seed can think of: no panic, nothing told that was not sent, nothing lost in
//! silence, and no day taken as known that could not be read.

use std::collections::HashSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::Digest;
use tieout::job::Source;
use tieout::output::LocalDisk;
use tieout::pipeline;
use tieout::provider::anytime::decode::{self, Context, Decoded};
use tieout::provider::anytime::page::{Fields, Page as WirePage, RawRow};
use tieout::record::{Clock, Feed, Zone};
use tieout::sandbox::generator::Random;
use tieout::sandbox::ledger::Ledger;

use super::stories::{self, Unwatched, at_work, machine, plan_of, random, scratch_folder, visible, window};
use super::{state, truth};

/// Responses broken in one run.
pub const BROKEN_A_RUN: usize = 4;

/// The pages of a set of books.
pub struct Pages {
    ledger: Ledger,
    pages: Vec<Page>,
}

struct Page {
    feed: Feed,
    bytes: Vec<u8>,
}

impl Pages {
    pub fn new() -> Pages {
        let ledger = stories::books(1, 2);
        let folder = scratch_folder();
        stories::write_archive(&ledger, folder.path());
        let mut pages = Vec::new();
        for feed in Feed::ALL {
            for file in fs::read_dir(folder.path().join(feed.name())).expect("a folder") {
                let text = fs::read(file.expect("a file").path()).expect("a file");
                let text = zstd::decode_all(&text[..]).unwrap_or(text);
                let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                pages.extend(lines.map(|line| Page { feed, bytes: line.to_vec() }));
            }
        }
        Pages { ledger, pages }
    }
}

/// Runs over the pages with some of them broken.
pub fn check(pages: &Pages, seed: u64) -> Result<(), String> {
    let mut chance = random(seed);
    let folder = scratch_folder();
    let archive = folder.path().join("archive");
    let broken: HashSet<usize> = (0..BROKEN_A_RUN).map(|_| chance.index(pages.pages.len())).collect();
    let mut broken_pages = Vec::new();
    for (number, page) in pages.pages.iter().enumerate() {
        let mut bytes = page.bytes.clone();
        if broken.contains(&number) {
            bytes = break_page(bytes, &mut chance);
            broken_pages.push((page, bytes.clone()));
        }
        let place = archive.join(page.feed.name());
        fs::create_dir_all(&place).expect("a folder");
        fs::write(place.join(format!("{number:04}.json")), bytes).expect("a file");
    }
    let out = folder.path().join("out");
    let source = Source::Archive { directory: archive, username: Some("sandbox-user".to_owned()) };
    let plan = plan_of(window(0, 6), source, stories::output_in(&out));
    let ended = at_work(|| {
        catch_unwind(AssertUnwindSafe(|| pipeline::run_on(&plan, &Unwatched, &machine(Arc::new(LocalDisk)))))
    });
    let told = match ended {
        Err(_) => Err("a panic".to_owned()),
        Ok(Err(_)) if visible(&out).is_empty() && state::count_runs(&out) == 0 => Ok(()),
        Ok(Err(error)) => Err(format!("it ends with '{error}', but something is committed")),
        Ok(Ok(report)) => {
            let folder = PathBuf::from(format!("reports/nightly/{}", plan.window));
            judge(pages, &broken, &broken_pages, &out, &folder, report.exit.code())
        }
    };
    told.map_err(|found| format!("malformed seed {seed}: {found}"))
}

fn judge(
    pages: &Pages,
    broken: &HashSet<usize>,
    broken_pages: &[(&Page, Vec<u8>)],
    out: &Path,
    folder: &Path,
    exit: u8,
) -> Result<(), String> {
    let tree = visible(out);
    stories::whole(&tree, folder)?;
    let rejects = String::from_utf8(tree[&folder.join("rejects.csv")].clone()).map_err(|error| error.to_string())?;
    let covered = state::covered(out);
    for (page, bytes) in broken_pages {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
        let sha256 = format!("{:x}", sha2::Sha256::digest(bytes));
        if !is_json && !bytes.trim_ascii().is_empty() {
            if !rejects.contains(&sha256)
                && !rejects.contains(&format!("{:x}", sha2::Sha256::digest(bytes.trim_ascii())))
            {
                return Err(format!("a page of {} is no JSON, but is not among the rejects", page.feed));
            }
            if exit != 4 {
                return Err(format!("a page of {} is no JSON, but the run ends with {exit}", page.feed));
            }
            if let Some(owner) = owner_of(page)
                && covered.iter().any(|(id, dataset)| *id == owner && *dataset == page.feed.name())
            {
                return Err(format!("a page of {owner} in {} is no JSON, but its days are taken as known", page.feed));
            }
        }
    }
    for (page, bytes) in broken_pages {
        let sha256 = format!("{:x}", sha2::Sha256::digest(bytes.trim_ascii()));
        if rows_refused(page.feed, bytes) > 0 && !rejects.contains(&sha256) {
            return Err(format!("a row of {} cannot be read, but is not among the rejects", page.feed));
        }
    }
    for feed in [Feed::AccountStatements, Feed::IbanStatements, Feed::CardTransactions] {
        let happened = truth::expected(&pages.ledger, window(0, 6), feed);
        let csv = &tree[&folder.join(format!("{feed}.csv"))];
        let found = truth::found_loosely(csv, feed);
        let whole: String = pages
            .pages
            .iter()
            .enumerate()
            .filter(|(number, page)| page.feed == feed && !broken.contains(number))
            .map(|(_, page)| String::from_utf8_lossy(&page.bytes).into_owned())
            .collect();
        let of_broken: String =
            broken_pages.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect();
        for (owner, txid, amount) in happened.keys() {
            let is_on_whole = whole.contains(&format!("\"{txid}\"")) || whole.contains(&format!(":{txid},"));
            let is_told = found.iter().any(|(o, t, a)| (o, t) == (owner, txid) && *a == Some(*amount));
            if is_on_whole && !is_told && !rejects.contains(txid.as_str()) {
                return Err(format!("{feed}: {owner} {txid} {amount} stands on a whole page, but is not told"));
            }
            if !is_on_whole && !is_told && exit != 4 && of_broken.is_empty() {
                return Err(format!("{feed}: {owner} {txid} {amount} is lost in silence"));
            }
        }
        for (owner, txid, amount) in &found {
            let is_known = amount.is_some_and(|amount| happened.contains_key(&(owner.clone(), txid.clone(), amount)));
            if !is_known && broken_pages.iter().all(|(page, _)| page.feed != feed) {
                return Err(format!("{feed}: {owner} {txid} {amount:?} is told, but was never sent"));
            }
        }
    }
    Ok(())
}

/// Rows of the window on a page that the decoder refuses.
fn rows_refused(feed: Feed, bytes: &[u8]) -> usize {
    match feed {
        Feed::CardTransactions => refused(feed, bytes, decode::card_transaction),
        Feed::CreditTransfers => refused(feed, bytes, decode::credit_transfer),
        _ => refused(feed, bytes, |row, context| decode::statement_line(feed, row, context)),
    }
}

fn refused<'a, R, F: Fields<'a>>(
    feed: Feed,
    bytes: &'a [u8],
    mut decode: impl FnMut(&RawRow<'a, F>, &mut Context<'a>) -> Decoded<R>,
) -> usize {
    let Ok(page) = WirePage::<RawRow<'a, F>>::parse(feed, bytes) else { return 0 };
    let clock = Clock::new(Zone::parse("Europe/Paris").expect("a zone"));
    let mut context = Context { acc_id: "1", card_ref: "ANY1", window: window(0, 6), clock };
    // A page that names no owner is rejected as a whole.
    page.rows.iter().filter(|row| matches!(decode(row, &mut context), Decoded::Rejected(_))).count()
}

/// Whose page it was before it was broken; transfers do not tell.
fn owner_of(page: &Page) -> Option<String> {
    let text = std::str::from_utf8(&page.bytes).ok()?;
    let name = if page.feed == Feed::CardTransactions { "card_ref" } else { "acc_id" };
    let body = tieout::sandbox::books::member(text, "body")?;
    let owner = tieout::sandbox::books::member(body, name)?;
    Some(owner.trim_matches('"').to_owned())
}

/// Breaks a page in one way, now and then in two.
fn break_page(mut bytes: Vec<u8>, chance: &mut Random) -> Vec<u8> {
    for _ in 0..=usize::from(chance.chance(200)) {
        bytes = break_once(bytes, chance);
    }
    bytes
}

fn break_once(mut bytes: Vec<u8>, chance: &mut Random) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    let at = chance.index(bytes.len());
    match chance.index(14) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << chance.index(8),
        2 => bytes[at] = 0xff,
        3 => bytes.splice(at..at, b"\xed\xa0\x80".iter().copied()).for_each(drop),
        4 => bytes.drain(at..(at + 1 + chance.index(40)).min(bytes.len())).for_each(drop),
        5 => {
            let end = (at + 1 + chance.index(200)).min(bytes.len());
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again).for_each(drop);
        }
        6 => return nested(&bytes, *chance.pick(b"[{"), 1 + chance.index(200_000)),
        7 | 8 | 10 => {
            let value = value(chance);
            return replace_value(&bytes, chance, &value);
        }
        9 => return duplicate_key(&bytes, chance),
        11 => bytes = b"<html><body>Maintenance</body></html>".to_vec(),
        12 => bytes.splice(0..0, b"\xef\xbb\xbf".iter().copied()).for_each(drop),
        _ => {
            let other = chance.index(bytes.len());
            bytes.swap(at, other);
        }
    }
    bytes
}

/// What is no good value anywhere, or a huge one.
fn value(chance: &mut Random) -> String {
    const VALUES: [&str; 12] = [
        "null",
        "true",
        "[]",
        "{}",
        "\"\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "-0",
        "NaN",
        "[[[]]]",
        "\"=1+1\"",
        "1.00000000000000000001",
    ];
    match chance.index(3) {
        0 => "9".repeat(1 + chance.index(400)),
        1 => format!("1e{}", chance.below(u64::MAX)),
        _ => (*chance.pick(&VALUES)).to_owned(),
    }
}

/// A value somewhere becomes that text.
fn replace_value(bytes: &[u8], chance: &mut Random, value: &str) -> Vec<u8> {
    let colons: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b':').collect();
    if colons.is_empty() {
        return bytes.to_vec();
    }
    let start = *chance.pick(&colons) + 1;
    let length = bytes[start..].iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(0);
    [&bytes[..start], value.as_bytes(), &bytes[start + length..]].concat()
}

fn duplicate_key(bytes: &[u8], chance: &mut Random) -> Vec<u8> {
    let commas: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b',').collect();
    if commas.len() < 2 {
        return bytes.to_vec();
    }
    let at = chance.index(commas.len() - 1);
    let member = bytes[commas[at]..commas[at + 1]].to_vec();
    [&bytes[..commas[at]], &member, &bytes[commas[at]..]].concat()
}

fn nested(bytes: &[u8], with: u8, depth: usize) -> Vec<u8> {
    let middle = bytes.iter().position(|byte| *byte == b':').map_or(0, |at| at + 1);
    let open: Vec<u8> = if with == b'{' { b"{\"a\":".repeat(depth) } else { vec![b'['; depth] };
    [&bytes[..middle], &open[..], &bytes[middle..]].concat()
}
