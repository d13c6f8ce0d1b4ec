//! A fetch as its landing sees it, on the simulated disk: pages land, the power is cut or the disk refuses, the next process
//! goes on with what is whole, until one is done. Every answer is unlike every other, so that one in the place of another
//! shows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tieout::landing::{
    self, Archive, Certificate, Found, Landing, Listing, ListingPage, Masked, Proof, Replay, ResponseId, RunLine,
    Shelf, Told,
};
use tieout::output::Machine;
use tieout::record::{Feed, Owner};
use tieout::sandbox::generator::Random;

use super::disk::{Fault, SimDisk};
use super::model::Loss;
use super::simulation::Disturbance;
use super::stories::{machine_at, random, scratch_folder, window};

/// Pages of each listing.
const PAGES: [usize; 4] = [3, 1, 4, 2];

/// A listing at the provider.
struct List {
    feed: Feed,
    owner: Owner,
    asked: String,
    pages: usize,
}

fn lists() -> Vec<List> {
    let list = |(number, pages): (usize, usize)| {
        let feed = [Feed::AccountStatements, Feed::IbanStatements][number % 2];
        let owner = Owner::account((number / 2).to_string());
        List { feed, asked: format!("/v1.0/accounts/{}/{feed}?", owner.acc_id), owner, pages }
    };
    PAGES.into_iter().enumerate().map(list).collect()
}

fn target(list: &List, page: usize) -> String {
    format!("{}limit_start={page}", list.asked)
}

/// The provider: it remembers what it answered to what.
#[derive(Default)]
struct Provider {
    answers: BTreeMap<Vec<u8>, String>,
    /// What was asked by each process.
    asked: Vec<Vec<String>>,
    /// What had landed when each process began.
    there: Vec<BTreeSet<String>>,
    landed: BTreeSet<String>,
}

impl Provider {
    fn answer(&mut self, target: &str) -> Bytes {
        let number = self.answers.len();
        // Now and then one that spans lines, and gets a file of its own.
        let blank = if number % 5 == 3 { "\n" } else { " " };
        let body = format!("{{\"answer\":{number},{blank}\"to\":\"{target}\"}}").into_bytes();
        self.answers.insert(body.clone(), target.to_owned());
        self.asked.last_mut().expect("somebody asks").push(target.to_owned());
        Bytes::from(body)
    }
}

/// What happened, the same each time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub steps: Vec<String>,
    pub cuts: usize,
    pub failures: usize,
    /// Answers that had landed and were asked for again.
    pub again: usize,
    /// Listings that a later process did not ask for.
    pub spared: usize,
}

fn run_line(life: usize) -> RunLine {
    let window = window(0, 2);
    RunLine {
        run: format!("20261123T0000000{life:02}-00000007"),
        job: "nightly".to_owned(),
        provider: "anytime".to_owned(),
        from: window.from.to_string(),
        to: window.to.to_string(),
        username: "sandbox-user".to_owned(),
        day: "2026-11-23".to_owned(),
        base_url: "http://127.0.0.1:1".to_owned(),
        feeds: vec![Feed::AccountStatements.name().to_owned(), Feed::IbanStatements.name().to_owned()],
        shard: String::new(),
    }
}

/// A process that fetches: it goes on where the one before it was.
fn fetch(root: &Path, machine: &Machine, life: usize, provider: &mut Provider) -> tieout::Result<usize> {
    let found = landing::find(root, &run_line(life), machine, |_| Ok(false))?;
    let landing = match found {
        Some(Found::Fetched(_)) => return Ok(PAGES.len()),
        Some(Found::Interrupted(interrupted)) => Landing::reopen(root, *interrupted, machine),
        None => Landing::create(root, &run_line(life), machine)?,
    };
    let mut spared = 0;
    let mut open: Vec<(List, Replay, Vec<ListingPage>)> = Vec::new();
    for list in lists() {
        let resumed = landing.resumed();
        if resumed.is_some_and(|resumed| resumed.listing(list.feed.into(), &list.asked).is_some()) {
            spared += 1;
            continue;
        }
        let (replay, last) = resumed.map(|resumed| resumed.replay(&[&list.asked])).unwrap_or_default();
        last.map_or(Ok(()), |last| landing.note_set_aside(last))?;
        open.push((list, replay, Vec::new()));
    }
    // A page of each in turn, as requests in flight bring it about.
    while !open.is_empty() {
        for (list, replay, pages) in &mut open {
            let target = target(list, pages.len());
            let response = match replay.next(&target) {
                Some(landed) => landed,
                None => ask(&landing, list, &target, provider)?,
            };
            pages.push(ListingPage { response, skip: 0 });
        }
        for (list, _, pages) in open.extract_if(.., |(list, _, pages)| pages.len() == list.pages) {
            let proof = Proof::Proved(Certificate::default());
            let listing = Listing { subject: list.feed.into(), owner: list.owner, pages, proof };
            landing.note_listing(&listing, &list.asked)?;
        }
    }
    landing.finish(Told::default())?;
    Ok(spared)
}

fn ask(landing: &Landing, list: &List, target: &str, provider: &mut Provider) -> tieout::Result<ResponseId> {
    let body = provider.answer(target);
    let landed = landing.append(Shelf::Feed(list.feed), &format!("GET {target}"), 200, &Masked::of(body))?;
    provider.landed.insert(target.to_owned());
    Ok(landed)
}

/// Lives through disturbances, then undisturbed to the end, then through one more power cut.
pub fn live(disturbances: &[Disturbance], chance: &mut Random) -> Result<Trace, String> {
    let ground = scratch_folder();
    let mut place = ground.path().join("0");
    std::fs::create_dir_all(place.join("out")).expect("a folder");
    let mut disk = SimDisk::new(&place);
    let (mut provider, mut trace, mut is_sync_refused, mut is_power_lost) =
        (Provider::default(), Trace::default(), false, false);
    let last = Disturbance { fault: None, loss: *chance.pick(&Loss::ALL) };
    for (life, disturbance) in disturbances.iter().chain([&last]).enumerate() {
        disk.arm(disturbance.fault);
        provider.asked.push(Vec::new());
        provider.there.push(provider.landed.clone());
        let machine = machine_at(u32::try_from(life).expect("few"), Arc::new(disk.clone()));
        let ended = fetch(&place.join("out/raw"), &machine, life, &mut provider);
        trace.steps.extend(disk.steps());
        is_sync_refused |=
            ended.is_err() && !disk.is_dead() && disk.steps().iter().any(|step| step.starts_with("sync"));
        match &ended {
            Ok(spared) => trace.spared += if life == 0 { 0 } else { *spared },
            Err(_) if disk.is_dead() => trace.cuts += 1,
            Err(_) if disturbance.fault.is_some() => trace.failures += 1,
            Err(error) => return Err(format!("life {life}: nothing disturbs it, but it ends with {error}")),
        }
        if disk.is_dead() || ended.is_ok() {
            is_power_lost |= disturbance.loss != Loss::Nothing;
            place = ground.path().join((life + 1).to_string());
            disk = disk.reboot(disturbance.loss, chance, &place);
        }
        if ended.is_ok() {
            return judge(&place.join("out/raw"), &disk, &mut provider, life, is_sync_refused, is_power_lost, trace)
                .map_err(|found| format!("life {life}: {found}"));
        }
    }
    unreachable!("an undisturbed fetch ends")
}

/// What must hold of a fetch that was told as done, after a power cut.
fn judge(
    root: &Path,
    disk: &SimDisk,
    provider: &mut Provider,
    life: usize,
    is_sync_refused: bool,
    is_power_lost: bool,
    mut trace: Trace,
) -> Result<Trace, String> {
    for (asked, there) in provider.asked.iter().zip(&provider.there) {
        let again = asked.iter().filter(|target| there.contains(*target));
        let mut by_list: BTreeMap<&str, usize> = BTreeMap::new();
        again.for_each(|target| *by_list.entry(target.split("limit").next().unwrap_or_default()).or_default() += 1);
        trace.again += by_list.values().sum::<usize>();
        if !is_power_lost && let Some((list, pages)) = by_list.into_iter().find(|(_, pages)| *pages > 1) {
            return Err(format!("{pages} pages of {list} are asked for again, though nothing was lost"));
        }
    }
    disk.arm(None);
    // A disk that has refused to sync once holds what it holds: what is not there is fetched again.
    if is_sync_refused {
        provider.asked.push(Vec::new());
        let machine = machine_at(90, Arc::new(disk.clone()));
        fetch(root, &machine, life + 1, provider).map_err(|error| format!("afterwards: {error}"))?;
    }
    let landed = landing::read_back(root, window(0, 2), &[Feed::AccountStatements, Feed::IbanStatements])
        .map_err(|error| format!("it was told as done, but {error}"))?
        .ok_or("it was told as done, but there is no landing")?;
    whole(&landed.archive, &landed.listings, provider)?;
    Ok(trace)
}

/// Whether every page of every listing is there, once, and is what was answered to its request.
fn whole(archive: &Archive, listings: &[Listing], provider: &Provider) -> Result<(), String> {
    for list in lists() {
        let of_it = |listing: &&Listing| listing.subject.feed() == Some(list.feed) && listing.owner == list.owner;
        let found: Vec<&Listing> = listings.iter().filter(of_it).collect();
        let [listing] = found[..] else {
            return Err(format!("{} stands there {} times", list.asked, found.len()));
        };
        let mut body = Vec::new();
        for (number, page) in listing.pages.iter().enumerate() {
            archive.read(page.response, &mut body).map_err(|error| error.to_string())?;
            let expected = target(&list, number);
            if provider.answers.get(&body) != Some(&expected) {
                return Err(format!("{expected} holds {}", String::from_utf8_lossy(&body)));
            }
        }
        if listing.pages.len() != list.pages {
            return Err(format!("{} has {} pages of {}", list.asked, listing.pages.len(), list.pages));
        }
    }
    Ok(())
}

/// Does what a seed says.
pub fn simulate(seed: u64) -> Result<Trace, String> {
    let mut chance = random(seed);
    let lives = 1 + chance.index(4);
    let disturbances: Vec<Disturbance> = (0..lives)
        .map(|_| {
            let kind = *chance.pick(&[ErrorKind::StorageFull, ErrorKind::Other]);
            let fault = match chance.index(8) {
                0 => Fault::Once(kind),
                1 => Fault::Onward(kind),
                2 => Fault::Short,
                _ => Fault::Death,
            };
            Disturbance { fault: Some((chance.index(60), fault)), loss: *chance.pick(&Loss::ALL) }
        })
        .collect();
    live(&disturbances, &mut chance).map_err(|found| format!("landing, seed {seed}: {found}"))
}

/// Disturbs a fetch at every one of its steps; how many that were.
pub fn at_every_step(disturbances: &[(Fault, Loss)]) -> Result<usize, String> {
    let calm = live(&[], &mut random(0))?;
    for step in 0..calm.steps.len() {
        for (fault, loss) in disturbances {
            let disturbance = Disturbance { fault: Some((step, *fault)), loss: *loss };
            live(&[disturbance], &mut random(step as u64))
                .map_err(|found| format!("landing: {fault:?} at step {step}, {loss:?} lost: {found}"))?;
        }
    }
    Ok(calm.steps.len() * disturbances.len())
}
