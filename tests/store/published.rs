//! What stands in the store after runs that nothing disturbed.

use crate::bench::{Bench, lines, python};
use crate::proxy::{Proxy, Step};
use crate::server::{delete_object, put_object, server};

#[test]
fn a_run_publishes_and_others_read_the_same_sums() {
    let bench = Bench::new();
    let told = bench.run(&lines());
    assert!(told.contains("publication 1 with 8 partitions; 8 changed, 0 removed, 8 put in place"), "{told}");
    bench.assert_published();
    python("read.py", &[server(), &format!("{}/bank", bench.bucket)]);
}

#[test]
fn what_did_not_change_is_not_sent_again() {
    let bench = Bench::new();
    let proxy = Proxy::start(|_, _| Step::GoesOn);
    assert_eq!(bench.run_by(&proxy.address, &lines()).code, 0);
    assert_eq!(proxy.count("PUT "), 8 + 1 + 8 + 1, "staged, the manifest, in place, what is in place");
    let names = bench.names("");
    let ended = bench.run_by(&proxy.address, &lines());
    assert!(
        ended.stderr.contains("publication 1 with 8 partitions; 0 changed, 0 removed, 0 put in"),
        "{}",
        ended.stderr
    );
    assert_eq!(proxy.count("PUT "), 18);
    assert_eq!(bench.names(""), names);
}

#[test]
fn a_changed_day_is_replaced_and_a_lost_one_goes() {
    let bench = Bench::new();
    bench.run(&lines());
    let first = bench.manifest();
    let mut changed = lines();
    changed[4].1 = -34;
    let ended = bench.run_by(server(), &changed);
    // A booked row says something else: a restatement.
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("publication 2 with 8 partitions; 2 changed, 0 removed, 2 put"), "{}", ended.stderr);
    bench.assert_published();
    let ended = bench.run_by(server(), &lines()[..4]);
    assert!(ended.stderr.contains("publication 3 with 6 partitions; 0 changed, 2 removed, 0 put"), "{}", ended.stderr);
    bench.assert_published();
    // Whoever reads the first publication still can.
    for partition in first["partitions"].as_array().expect("a list") {
        let bytes = bench.object(partition["object"].as_str().expect("a name"));
        assert_eq!(bytes.len() as u64, partition["bytes"]);
    }
}

#[test]
fn old_publications_go_and_what_is_still_named_stays() {
    let bench = Bench::new();
    for cents in 1..=11 {
        bench.run_by(server(), &[(1, 1_000_000), (2, -cents)]);
    }
    let manifests = bench.names("_tieout/manifests/");
    assert_eq!(manifests.len(), 8);
    assert_eq!(manifests[0], "_tieout/manifests/0000000004.json");
    let data = bench.names("_tieout/data/");
    // The first day was staged once, the second day eight times.
    assert_eq!(data.len(), 2 + 2 * 8, "{data:?}");
    assert_eq!(data.iter().filter(|name| name.starts_with("_tieout/data/0000000001/")).count(), 2);
    bench.assert_published();
}

#[test]
fn what_somebody_changed_in_the_store_is_put_right() {
    let bench = Bench::new();
    bench.run(&lines());
    let lake = bench.names("lake/");
    put_object(&bench.bucket, &format!("bank/{}", lake[0]), b"scribble");
    delete_object(&bench.bucket, &format!("bank/{}", lake[1]));
    let stray = "bank/lake/balances/booking_date=2020-01-01/balances.parquet";
    put_object(&bench.bucket, stray, b"a day that nobody committed");
    put_object(&bench.bucket, "bank/notes.txt", b"somebody else's");
    let told = bench.publish();
    assert_eq!((&told["sequence"], &told["changed"], &told["placed"]), (&1.into(), &0.into(), &2.into()));
    bench.assert_published();
    assert_eq!(bench.object("notes.txt"), b"somebody else's");
    delete_object(&bench.bucket, "bank/_tieout/placed.json");
    assert_eq!(bench.publish()["placed"], 8, "what is not known to be in place is put there");
}

#[test]
fn a_backfill_publishes_once_and_out_keeps_a_run_at_home() {
    let bench = Bench::new();
    bench.prepare(&lines());
    let ended = bench.tieout_by(server(), &["run", "job.toml", "--out", "trial"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(bench.names("").is_empty() && bench.path("trial/lake").is_dir());
    let backfill = ["backfill", "job.toml", "--from", "2026-03-01", "--to", "2026-03-07", "--chunk", "day"];
    let ended = bench.tieout_by(server(), &backfill);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(bench.manifest()["sequence"], 1);
    bench.assert_published();
    delete_object(&bench.bucket, "bank/_tieout/manifests/0000000001.json");
    delete_object(&bench.bucket, "bank/_tieout/placed.json");
    assert_eq!(bench.tieout_by(server(), &backfill).code, 4, "a lake without a manifest is somebody else's");
}
