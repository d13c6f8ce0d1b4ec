//! What can be done with the page: by keys alone, on a phone, on paper, by people who see little.

use serde::Deserialize;

use super::chromium::{ask, axe};
use super::support::Place;
use super::{demo, everything};

#[derive(Debug, Deserialize)]
struct Axe {
    findings: Vec<String>,
    passes: u32,
}

#[test]
fn nobody_is_kept_out() {
    let seen: Axe = ask(&["axe", everything(), &axe()]);
    assert!(seen.passes > 50, "it looked at nothing: {}", seen.passes);
    assert!(seen.findings.is_empty(), "{:#?}", seen.findings);
}

#[derive(Debug, Deserialize)]
struct Wider {
    screen: i32,
    paper: i32,
}

#[test]
fn it_fits_a_phone_and_a_sheet_of_paper() {
    for page in [demo(), everything()] {
        let wider: Wider = ask(&["narrow", page, "360"]);
        assert!(wider.screen <= 0 && wider.paper <= 0, "{page}: {wider:?}");
    }
}

#[derive(Debug, Deserialize)]
struct Keys {
    stops: Vec<String>,
    before: Vec<Vec<String>>,
    ascending: Vec<Vec<String>>,
    aria_ascending: Vec<String>,
    descending: Vec<Vec<String>>,
    aria_descending: Vec<String>,
    found: Vec<Vec<String>>,
    found_broken: Vec<Vec<String>>,
    count: String,
    complaints: Vec<String>,
}

/// The column of closing balances.
const CLOSING: usize = 7;

#[test]
fn the_table_of_owners_is_sorted_and_filtered_by_keys_alone() {
    let keys: Keys = ask(&["keyboard", demo()]);
    assert!(keys.stops.iter().all(|stop| !stop.ends_with("(not shown)")), "focus is always seen: {:?}", keys.stops);
    assert_eq!(keys.stops[0], "Skip to the owners");
    let closings = |rows: &[Vec<String>]| -> Vec<i64> {
        let unscaled = |row: &Vec<String>| row[CLOSING].replace([',', '.'], "").parse().expect("an amount");
        rows.iter().map(unscaled).collect()
    };
    let mut sorted = closings(&keys.before);
    assert_eq!(sorted.len(), 6);
    sorted.sort_unstable();
    assert_ne!(closings(&keys.before), sorted, "there is something to sort");
    assert_eq!(closings(&keys.ascending), sorted);
    sorted.reverse();
    assert_eq!(closings(&keys.descending), sorted);
    assert_eq!(keys.aria_ascending, ["Closing ascending"]);
    assert_eq!(keys.aria_descending, ["Closing descending"]);
    assert!(keys.found.len() == 4 && keys.found.iter().all(|row| row[0].starts_with("card ")), "{:?}", keys.found);
    let broken: Vec<&str> = keys.found_broken.iter().map(|row| row[1].as_str()).collect();
    assert_eq!((broken, keys.count.as_str()), (vec!["broken", "broken"], "2 of 6 shown"));
    assert!(keys.complaints.is_empty(), "{:?}", keys.complaints);
}

#[derive(Debug, Deserialize)]
struct Compared {
    mean: f64,
    off: f64,
}

/// The pictures of the README are the baselines. After a change that is meant, `docs/screenshots/make` takes them anew.
#[test]
fn it_looks_as_the_pictures_in_the_readme() {
    let place = Place::new();
    for (name, width, height, scheme, at) in [
        ("light", "1280", "900", "light", ""),
        ("dark", "1280", "900", "dark", ""),
        ("phone", "360", "800", "light", ""),
        ("break", "1280", "1000", "light", "section-2"),
    ] {
        let picture = place.path(&format!("{name}.png"));
        let picture = picture.to_str().expect("UTF-8");
        let _: serde_json::Value = ask(&["shoot", demo(), picture, width, height, scheme, at]);
        let baseline = format!("{}/docs/screenshots/{name}.png", env!("CARGO_MANIFEST_DIR"));
        let compared: Compared = ask(&["compare", picture, &baseline]);
        assert!(compared.mean < 4.0 && compared.off < 0.01, "{name}: {compared:?}");
    }
}
