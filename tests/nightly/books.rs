//! The books over several windows: seams between runs, and rows decoded from every spelling.

use super::support::{Place, breaks_told, csv_files, rows};

/// A page of card transactions.
pub(super) fn page(rows: &[String]) -> String {
    format!(
        r#"{{"request_id":1,"type_response":"sync","timestamp":1487588973.7973,"hash":"00","body":{{"card_ref":"ANY1","acc_id":"1","transactions":[{}]}}}}"#,
        rows.join(",")
    )
}

pub(super) fn settled(txid: u32, date: &str, amount: &str, kind: &str, balance: &str) -> String {
    format!(
        r#"{{"txid":{txid},"amount":{amount},"amount_fx":{amount},"currency":"EUR","fx":"1.000000","fx_fee":0,"status":"S","type":"{kind}","balance_after":{balance},"date":"{date}","description":"d"}}"#
    )
}

/// Runs a window over pages of one card.
pub(super) fn run(
    place: &Place,
    pages: &[String],
    from: &str,
    to: &str,
) -> (i32, std::collections::BTreeMap<String, String>) {
    place.write("archive/card_transactions/pages.ndjson", &pages.join("\n"));
    place.write(
        "job.toml",
        "[job]\nname = \"demo\"\nfeeds = [\"card_transactions\"]\n[source]\nprovider = \"anytime\"\narchive = \"archive\"\n",
    );
    let ended = place.tieout(&["run", "job.toml", "--from", from, "--to", to]);
    let reports = place.path(&format!("out/reports/demo/{from}_{to}"));
    assert!(reports.is_dir(), "{}", ended.stderr);
    (ended.code, csv_files(&reports))
}

#[test]
fn a_seam_with_an_earlier_run_is_checked() {
    let place = Place::new();
    let january = page(&[
        settled(1, "2026-01-10 10:00:00", "100", "C", "100"),
        settled(2, "2026-01-20 10:00:00", "30", "D", "70"),
    ]);
    assert_eq!(run(&place, std::slice::from_ref(&january), "2026-01-01", "2026-01-31").0, 0);
    // February goes on from 70: it ties. With another opening it does not.
    let goes_on = page(&[settled(3, "2026-02-03 10:00:00", "5", "C", "75")]);
    assert_eq!(run(&place, &[january.clone(), goes_on], "2026-02-01", "2026-02-28").0, 0);
    let jumps = page(&[settled(3, "2026-02-03 10:00:00", "5", "C", "65")]);
    let (code, reports) = run(&place, &[january, jumps], "2026-02-01", "2026-02-28");
    let found = rows(&reports["breaks.csv"]);
    let seams: Vec<_> = found.iter().filter(|row| row["check"] == "seam").collect();
    assert_eq!((code, seams.len()), (3, 1), "{found:?}");
    let cell = |name: &str| seams[0][name].as_str();
    assert_eq!((cell("txid"), cell("expected"), cell("actual"), cell("difference")), ("3", "70.00", "60.00", "-10.00"));
    assert_eq!(rows(&reports["balances.csv"])[0]["verdict"], "broken");
}

/// Days that nobody has read lie between: the next opening proves nothing.
#[test]
fn a_gap_between_windows_is_no_seam() {
    let place = Place::new();
    let pages = [
        page(&[settled(1, "2026-01-10 10:00:00", "100", "C", "100")]),
        page(&[settled(9, "2026-03-10 10:00:00", "1", "C", "500")]),
    ];
    assert_eq!(run(&place, &pages, "2026-01-01", "2026-01-31").0, 0);
    assert_eq!(run(&place, &pages, "2026-03-01", "2026-03-31").0, 0);
}

#[test]
fn a_row_listed_twice_is_one_duplicate_break() {
    let place = Place::new();
    let twice = settled(2, "2026-01-11 10:00:00", "30", "D", "70");
    let rows_of_page = [
        settled(1, "2026-01-10 10:00:00", "100", "C", "100"),
        twice.clone(),
        twice,
        settled(3, "2026-01-12 10:00:00", "1", "C", "71"),
    ];
    let (code, reports) = run(&place, &[page(&rows_of_page)], "2026-01-01", "2026-01-31");
    assert_eq!((code, breaks_told(&reports).as_str()), (3, "duplicate ANY1 2 30.00\n"));
    assert_eq!(rows(&reports["card_transactions.csv"]).len(), 4, "nothing is dropped");
}

#[test]
fn rows_of_one_second_stand_in_the_order_in_which_they_tie() {
    let place = Place::new();
    let at = "2026-01-10 10:00:00";
    let rows_of_page = [
        settled(7, at, "5", "D", "145"),
        settled(5, at, "100", "C", "100"),
        settled(6, at, "50", "C", "150"),
        settled(8, "2026-01-10 10:00:01", "45", "D", "100"),
    ];
    let (code, reports) = run(&place, &[page(&rows_of_page)], "2026-01-01", "2026-01-31");
    let order: Vec<String> = rows(&reports["card_transactions.csv"]).iter().map(|row| row["txid"].clone()).collect();
    assert_eq!((code, order), (0, ["5", "6", "7", "8"].map(str::to_owned).to_vec()));
}

/// Twelve rows of a card that tie, their ids one by one.
fn twelve() -> Vec<String> {
    let amounts = [1_000, -12, -45, 88, -9, -154, -20, -33, 250, -7, -61, -18];
    let mut balance = 0;
    let row = |(amount, number): (i32, u32)| {
        balance += amount;
        let kind = if amount < 0 { "D" } else { "C" };
        let date = format!("2026-01-{:02} 10:00:00", number + 1);
        settled(number, &date, &amount.abs().to_string(), kind, &balance.to_string())
    };
    amounts.into_iter().zip(1..).map(row).collect()
}

/// A row that came and could not be taken is no row to ask the provider for.
#[test]
fn a_missing_row_that_was_rejected_is_told_as_that() {
    let spoilt = |from: &str, to: &str| {
        let mut all = twelve();
        assert!(all[5].contains(from), "{}", all[5]);
        all[5] = all[5].replacen(from, to, 1);
        all
    };
    let cases = [
        (spoilt("\"amount\":154", "\"amount\":\"abc\""), "; txid 6, between 5 and 7, was rejected"),
        (spoilt(":868", ":\"abc\""), "; txid 6, between 5 and 7 and of that amount, was rejected"),
        (spoilt("01-07", "02-30"), "; txid 6, between 5 and 7 and of that amount, was rejected"),
        (spoilt("\"txid\":6,", ""), "; a row of that amount was rejected"),
        (spoilt("\"txid\":6,\"amount\":154", "\"amount\":\"abc\""), "; it may be the row that was rejected"),
    ];
    for (rows_of_page, told) in cases {
        let place = Place::new();
        let (code, reports) = run(&place, &[page(&rows_of_page)], "2026-01-01", "2026-01-31");
        let found = rows(&reports["breaks.csv"]);
        let cell = |name: &str| found[0][name].as_str();
        assert_eq!((code, found.len()), (4, 1), "{found:?}");
        let seen = ["check", "cause", "txid", "expected", "actual"].map(cell);
        assert_eq!(seen, ["chain", "missing_entry", "7", "1002.00", "848.00"]);
        assert!(cell("explanation").ends_with(&format!("{told}: see rejects.csv")), "{}", cell("explanation"));
    }
}

/// All places that say what to do send to the rejects, and nobody to the provider.
#[test]
fn what_to_do_about_a_rejected_row_is_told_alike_everywhere() {
    let place = Place::new();
    let mut all = twelve();
    all[5] = all[5].replacen("\"amount\":154", "\"amount\":\"abc\"", 1);
    let (_, reports) = run(&place, &[page(&all)], "2026-01-01", "2026-01-31");
    let id = rows(&reports["breaks.csv"])[0]["break_id"].clone();
    let report = |name: &str| {
        let path = place.path(&format!("out/reports/demo/2026-01-01_2026-01-31/{name}"));
        std::fs::read_to_string(path).expect("a file")
    };
    let again = ["run", "job.toml", "--from", "2026-01-01", "--to", "2026-01-31"];
    let told = [
        place.tieout(&again).stdout,
        place.tieout(&["breaks", "show", &id]).stdout,
        report("summary.json"),
        report("reconciliation.html"),
    ];
    for text in told {
        assert!(text.contains("see rejects.csv: the row seems to have come"), "{text:.2000}");
        assert!(!text.contains("ask the provider for the row"), "{text:.2000}");
    }
}

/// A window that begins with a row that was rejected; and one in which nothing that was rejected fits.
#[test]
fn a_seam_tells_of_rejected_rows_as_well() {
    let place = Place::new();
    let all = twelve();
    assert_eq!(run(&place, &[page(&all[..5])], "2026-01-01", "2026-01-06").0, 0);
    let mut later = all[5..].to_vec();
    later[0] = later[0].replacen(":868", ":\"abc\"", 1);
    let (code, reports) = run(&place, &[page(&later)], "2026-01-07", "2026-01-31");
    let found = rows(&reports["breaks.csv"]);
    assert_eq!((code, found[0]["check"].as_str()), (4, "seam"), "{found:?}");
    let explanation = &found[0]["explanation"];
    assert!(explanation.ends_with("; txid 6, of that amount, was rejected: see rejects.csv"), "{explanation}");
}

/// What was rejected elsewhere may be the row or not: both are told.
#[test]
fn rejected_rows_that_do_not_fit_are_told_beside() {
    let told = |spoilt: &[usize]| {
        let mut all = twelve();
        for row in spoilt {
            all[*row] = all[*row].replacen("\"type\":\"D\"", "\"type\":\"?\"", 1);
        }
        all.remove(8);
        let (_, reports) = run(&Place::new(), &[page(&all)], "2026-01-01", "2026-01-31");
        let told = rows(&reports["breaks.csv"]).into_iter().map(|found| found["explanation"].clone());
        told.collect::<Vec<_>>().join("\n")
    };
    let one = told(&[11]);
    let words = "; no row has the txid between 8 and 10; it may be the row that was rejected: see rejects.csv";
    assert!(one.ends_with(words), "{one}");
    let several = told(&[1, 2]);
    for words in [
        "2 rows that fit were rejected, txid 2, 3: see rejects.csv",
        "it may be among the 2 rows that were rejected: see rejects.csv",
    ] {
        assert!(several.contains(words), "{several}");
    }
}

/// Every quirk of spelling that the provider's documents show, and what becomes of it.
#[test]
fn every_spelling_is_read() {
    let place = Place::new();
    let rows_of_page = [
        // Ids and amounts as numbers or texts, the direction as a letter or a word.
        r#"{"txid":"1","mcc":5411,"amount":"9194.50","amount_fx":9194.5,"currency":"EUR","fx":1,"fx_fee":"0","status":"S","type":"Credit","balance_after":"9194.50","date":"2026-01-10 10:00:00","description":"a","vat_details":[],"failed_reason":[]}"#,
        // A debit that comes signed already; another currency; VAT; a time of use.
        r#"{"txid":2,"mcc":"5812","amount":-10,"amount_fx":-11.37,"currency":"USD","fx":"1.137","fx_fee":0.25,"status":"S","type":"D","balance_after":9184.5,"date":"2026-01-11T09:00:00","date_transaction":"2026-01-10 23:59:59","description":null,"vat_details":[{"rate":20,"amount":"1.90"}]}"#,
        // Declined, with the reason as an object; it moves nothing.
        r#"{"txid":3,"amount":5,"currency":"EUR","status":"D","type":"D","balance_after":"9184.50","date":"2026-01-12 10:00:00","failed_reason":{"code":"TRS0010","message":"Not sufficient funds"}}"#,
        // Pending without a balance; a status nobody knows.
        r#"{"txid":4,"amount":1.5,"currency":"EUR","status":"P","type":"D","date":"2026-01-12 11:00:00"}"#,
        r#"{"txid":5,"amount":1.5,"currency":"EUR","status":"X","type":"D","balance_after":1,"date":"2026-01-12 12:00:00","failed_reason":[{"code":"TRS1","message":"m"}]}"#,
    ];
    let (code, reports) = run(&place, &[page(&rows_of_page.map(str::to_owned))], "2026-01-01", "2026-01-31");
    assert_eq!(code, 0);
    insta::assert_snapshot!(reports["card_transactions.csv"]);
}

/// What was expected is told in the words of the provider's documents, not in those of the program.
#[test]
fn reasons_of_rejects_name_nothing_of_the_program() {
    let place = Place::new();
    let row = |number: u32, more: &str| {
        let date = format!("2026-01-{:02} 10:00:00", number + 9);
        settled(number, &date, "1", "C", &number.to_string()).replacen(r#","description":"d""#, more, 1)
    };
    let odd = [
        (r#","vat_details":"text""#, r#"expected a list of objects of a rate and an amount, each once, found "text""#),
        (r#","vat_details":[1]"#, "expected a list of objects of a rate and an amount, each once, found [1]"),
        (
            r#","vat_details":[{"rate":1,"rate":2}]"#,
            r#"expected a list of objects of a rate and an amount, each once, found [{"rate":1,"rate":2}]"#,
        ),
        (r#","failed_reason":[5]"#, "expected an object of a code and a message, each once, found 5"),
        (r#","fx_fee":{"a":1}"#, "each field once"),
    ];
    let rows_of_page: Vec<String> = odd.iter().zip(1..).map(|((more, _), number)| row(number, more)).collect();
    let bodies = ["[]", "5", "\"x\"", r#"{"transactions":5}"#, r#"{"transactions":{"0":1}}"#];
    let mut pages = vec![page(&rows_of_page), "5".to_owned(), "\"body\"".to_owned(), "[5]".to_owned()];
    pages.extend(bodies.map(|body| format!(r#"{{"timestamp":1,"hash":"00","body":{body}}}"#)));
    let (code, reports) = run(&place, &pages, "2026-01-01", "2026-01-31");
    let reasons: Vec<String> = rows(&reports["rejects.csv"]).into_iter().map(|row| row["reason"].clone()).collect();
    assert_eq!((code, reasons.len()), (4, odd.len() + 8), "{reasons:#?}");
    for (_, words) in odd {
        assert!(reasons.iter().any(|reason| reason.contains(words)), "expected {words} in {reasons:#?}");
    }
    for word in ["struct", "Wire", "sequence", "tuple", "Option", "newtype", "RawValue", "serde"] {
        assert!(reasons.iter().all(|reason| !reason.contains(word)), "{word} in {reasons:#?}");
    }
}

#[test]
fn what_cannot_be_held_is_rejected_with_its_raw_text() {
    let place = Place::new();
    let odd = [
        r#"{"txid":2,"amount":9194.4999999999991,"type":"C","status":"S","date":"2026-01-11 10:00:00"}"#,
        r#"{"txid":3,"amount":-5,"type":"C","status":"S","date":"2026-01-11 10:00:00"}"#,
        r#"{"txid":4,"amount":5,"type":"?","status":"S","date":"2026-01-11 10:00:00"}"#,
        r#"{"txid":5,"amount":5,"type":"C","status":"S","date":"11/01/2026"}"#,
        r#"{"amount":5,"type":"C","status":"S","date":"2026-01-11 10:00:00"}"#,
        r#"{"txid":7,"amount":"1,000.00","type":"C","status":"S","date":"2026-01-11 10:00:00"}"#,
        r#"{"txid":8,"amount":1,"amount":2,"type":"C","status":"S","date":"2026-01-11 10:00:00"}"#,
        "17",
        // Wrong, but of another month: not this window's affair.
        r#"{"txid":9,"amount":"none","type":"C","status":"S","date":"2026-02-11 10:00:00"}"#,
    ];
    let mut rows_of_page = odd.map(str::to_owned).to_vec();
    rows_of_page.push(settled(1, "2026-01-10 10:00:00", "100", "C", "100"));
    let (code, reports) = run(&place, &[page(&rows_of_page)], "2026-01-01", "2026-01-31");
    assert_eq!(code, 4);
    assert_eq!(rows(&reports["card_transactions.csv"]).len(), 1);
    let rejects = rows(&reports["rejects.csv"]);
    let told: Vec<String> =
        rejects.iter().map(|row| format!("{} {} {}", row["txid"], row["pointer"], row["reason"])).collect();
    insta::assert_snapshot!(told.join("\n"));
    let raw: Vec<&str> = rejects.iter().map(|row| row["raw"].as_str()).collect();
    assert_eq!(raw, odd[..8]);
}

/// Where a fee is, inside the amount or on top of it, is learnt from several rows; a job can say it where there is one.
#[test]
fn a_job_can_say_where_fees_are() {
    let with_fee =
        |row: String| row.replace("\"fx_fee\":0", "\"fx_fee\":1.25").replace("\"amount_fx\":10", "\"amount_fx\":11");
    let rows_of_page = [
        settled(1, "2026-01-10 10:00:00", "100", "C", "100"),
        with_fee(settled(2, "2026-01-11 10:00:00", "10", "D", "88.75")),
        settled(3, "2026-01-12 10:00:00", "5", "D", "83.75"),
    ];
    let told = |rule: &str| {
        let place = Place::new();
        place.write("archive/card_transactions/pages.ndjson", &page(&rows_of_page));
        place.write(
            "job.toml",
            &format!(
                "[job]\nname = \"demo\"\nfeeds = [\"card_transactions\"]\n\
                 [source]\nprovider = \"anytime\"\narchive = \"archive\"\nfx_fee = \"{rule}\"\n"
            ),
        );
        let ended = place.tieout(&["run", "job.toml", "--from", "2026-01-01", "--to", "2026-01-31"]);
        let reports = csv_files(&place.path("out/reports/demo/2026-01-01_2026-01-31"));
        let causes: Vec<String> = rows(&reports["breaks.csv"]).iter().map(|row| row["cause"].clone()).collect();
        (ended.code, causes)
    };
    assert_eq!(told("auto"), (3, vec!["fee_not_included".to_owned()]));
    assert_eq!(told("included"), (3, vec!["fee_not_included".to_owned()]));
    assert_eq!(told("extra"), (0, Vec::new()));
}
