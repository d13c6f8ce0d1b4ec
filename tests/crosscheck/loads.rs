use tieout::breaks::{Break, Cause, Check, Subject};
use tieout::reconcile::facts::{AccountFacts, CardFact, CardSide, LineFact, Side, of_card};
use tieout::reconcile::{Terms, Watched, WatchedBreaks, check_books_again, check_loads};
use tieout::record::{CardTransaction, Clock, Owner, OwnerKind, Status, Window, Zone};

use super::{account, at, day, line, march, money, told};

const CARD: &str = "ANY1234567890";

fn row<'a>(txid: &'a str, when: &str, amount: &str, mcc: &'a str, description: &'a str) -> CardTransaction<'a> {
    CardTransaction {
        acc_id: "1".into(),
        card_ref: CARD.into(),
        txid: txid.into(),
        booked_at: at(when),
        amount: money(amount),
        currency: Some("EUR".into()),
        balance_after: None,
        status: Status::Settled,
        provider_status: None,
        description: Some(description.into()),
        transacted_at: None,
        amount_fx: None,
        currency_fx: None,
        fx_rate: None,
        fx_fee: None,
        mcc: (!mcc.is_empty()).then(|| mcc.into()),
        vat_details: None,
        failed_code: None,
        failed_message: None,
    }
}

fn facts(lines: Vec<LineFact>, rows: &[CardTransaction<'_>]) -> AccountFacts {
    let side: Side<CardFact> = Side::of(of_card(rows, march().window));
    let mut facts = account(lines);
    facts.cards.push(CardSide { owner: Owner::card("1", CARD), side });
    facts
}

fn compared(lines: Vec<LineFact>, rows: &[CardTransaction<'_>]) -> Vec<String> {
    told(&check_loads(&facts(lines, rows), march()))
}

const NOTHING: [String; 0] = [];

fn names(text: &str) -> String {
    format!("{text} {CARD}")
}

#[test]
fn loads_and_unloads_tie_with_the_lines_that_name_their_card() {
    let lines =
        vec![line("1", "02 10:00", "-500.00", &names("Card load")), line("2", "09 10:00", "80.00", &names("carte"))];
    let rows = [row("11", "02 10:01", "500.00", "6540", "Card load"), row("12", "09 09:59", "-80.00", "", "retour")];
    assert_eq!(compared(lines, &rows), NOTHING);
}

/// The card's chain tells that it was the hour's second time; the account's only line of that hour does not.
#[test]
fn a_load_in_the_hour_that_is_lived_twice_has_its_line() {
    let printed =
        Clock::new(Zone::parse("Europe/Paris").expect("a zone")).parse("2026-10-25 02:05:00").expect("a time");
    let mut found = facts(
        vec![LineFact { at: printed, inside: true, ..line("1", "02 10:00", "-500.00", "Card load") }],
        &[row("11", "02 10:01", "500.00", "", "Card load")],
    );
    let load = &mut found.cards[0].side.rows[0];
    (load.at, load.inside) = (printed.later(), true);
    let window = Window::new(day("2026-10-01"), day("2026-10-31")).expect("a window");
    let terms = Terms { window, transfer_days: 3, seen_on: day("2026-12-01") };
    assert_eq!(told(&check_loads(&found, terms)), NOTHING);
}

#[test]
fn a_load_without_line_and_a_line_without_load_are_told() {
    assert_eq!(
        compared(vec![], &[row("11", "02 10:00", "500.00", "6540", "Card load")]),
        ["ANY1234567890 11 no_counterpart: card load 11 of 500.00 has no line in account 1"]
    );
    assert_eq!(
        compared(vec![], &[row("11", "02 10:00", "-80.00", "", "Déchargement")]),
        ["ANY1234567890 11 no_counterpart: card unload 11 of -80.00 has no line in account 1"]
    );
    assert_eq!(
        compared(vec![line("1", "02 10:00", "-500.00", &names("Rechargement"))], &[]),
        ["1 1 no_counterpart: account line 1 of -500.00 names card ANY1234567890, which has no such row"]
    );
}

#[test]
fn refunds_fees_and_lines_of_other_making_are_no_loads() {
    let rows = [
        row("11", "02 10:00", "35.00", "5941", "Remboursement Decathlon"),
        row("12", "03 10:00", "20.00", "4814", "Recharge mobile"),
        row("13", "03 10:00", "-1.00", "6540", "Card load fee"),
        row("14", "04 10:00", "20.00", "", "Remboursement"),
    ];
    let lines = vec![
        line("1", "02 10:00", "-9.99", &names("Commande de carte")),
        line("2", "02 10:00", "-1.00", &names("Frais de rechargement")),
        line("3", "02 10:00", "-12.00", &names("Assurance")),
        line("4", "02 10:00", "-500.00", "Card load ANY9999999999"),
    ];
    assert_eq!(compared(lines, &rows), NOTHING);
}

#[test]
fn what_loads_look_like_is_learned_from_those_that_tie() {
    let mut lines = Vec::new();
    let mut rows = Vec::new();
    for (txid, when) in [("1", "02 10:00"), ("2", "03 10:00"), ("3", "04 10:00")] {
        lines.push(line(txid, when, "-50.00", &names("Argent de poche")));
        rows.push(row(txid, when, "50.00", "6540", "Argent de poche"));
    }
    assert_eq!(compared(lines.clone(), &rows), NOTHING);
    assert_eq!(
        compared(lines[1..].to_vec(), &rows),
        ["ANY1234567890 1 no_counterpart: card load 1 of 50.00 has no line in account 1"]
    );
    assert_eq!(
        compared(lines, &rows[..2]),
        ["1 3 no_counterpart: account line 3 of -50.00 names card ANY1234567890, which has no such row"]
    );
}

#[test]
fn a_line_that_names_no_card_is_evidence_within_minutes() {
    let load = [row("11", "02 10:00", "500.00", "6540", "Card load")];
    assert_eq!(compared(vec![line("1", "02 10:04", "-500.00", "Avance de frais")], &load).len(), 1, "a fee's word");
    assert_eq!(compared(vec![line("1", "02 10:04", "-500.00", "Avance")], &load), NOTHING);
    assert_eq!(compared(vec![line("1", "02 12:04", "-500.00", "Avance")], &load).len(), 1);
}

#[test]
fn another_amount_at_the_same_time_is_told_once() {
    let lines = vec![line("1", "02 10:00", "-500.00", &names("Card load"))];
    let rows = [row("11", "02 10:00", "50.00", "6540", "Card load")];
    let breaks = check_loads(&facts(lines, &rows), march());
    assert_eq!(breaks[0].amounts, Some((money("500.00"), money("50.00"))));
    assert_eq!(
        told(&breaks),
        ["ANY1234567890 11 amount_differs: card ANY1234567890 books 50.00 under txid 11, but account 1 books -500.00 \
          for it under txid 1"]
    );
}

#[test]
fn which_of_two_equal_loads_lacks_its_line_cannot_be_told() {
    let rows =
        [row("11", "02 10:00", "50.00", "6540", "Card load"), row("12", "02 10:00", "50.00", "6540", "Card load")];
    assert_eq!(
        compared(vec![line("1", "02 10:00", "-50.00", &names("Card load"))], &rows),
        ["ANY1234567890 12 ambiguous: card loads 11 and 12 of 50.00 have one line only in account 1"]
    );
    let lines = vec![
        line("1", "02 10:00", "-50.00", &names("Card load")),
        line("2", "02 10:00", "-50.00", &names("Card load")),
    ];
    assert_eq!(
        compared(lines, &rows[..1]),
        ["1 2 ambiguous: account lines 1 and 2 of -50.00 name card ANY1234567890, which has one such row only"]
    );
}

#[test]
fn a_card_that_was_not_read_or_a_row_that_was_rejected_is_no_break() {
    let lines = vec![line("1", "02 10:00", "-500.00", &names("Card load"))];
    assert_eq!(check_loads(&account(lines.clone()), march()), []);
    let mut found = facts(lines, &[]);
    found.cards[0].side.rejected.add("{}");
    assert_eq!(check_loads(&found, march()), []);
}

/// The id of the break that the card's row has no line.
fn id_of(row: &str) -> String {
    let owner = Owner::card("1", CARD);
    let subject = Subject::Row(row.to_owned());
    let (check, cause, explanation) = (Check::CardLoad, Cause::NoCounterpart, String::new());
    Break { check, cause, owner, subject, booking_date: None, currency: None, amounts: None, explanation }.id()
}

/// A break that an earlier run told of a card's row, of which a narrower window can say nothing, is no break that is over.
#[test]
fn what_cannot_be_judged_any_more_is_not_over() {
    let known = |row: &str| Watched {
        break_id: id_of(row),
        check: Check::CardLoad,
        cause: Cause::NoCounterpart,
        row: row.to_owned(),
    };
    let watched = WatchedBreaks::from([((OwnerKind::Card, CARD.to_owned()), ["11", "12", "13"].map(known).to_vec())]);
    let rows = [
        // So near to the window's first moment that its line may lie before.
        row("11", "01 00:01", "500.00", "6540", "Card load"),
        // A text that told what it is only beside others that had a line.
        row("12", "05 10:00", "20.00", "", "Ref. 77"),
        row("13", "06 10:00", "30.00", "6540", "Card load"),
    ];
    let lines = vec![line("3", "06 10:01", "-30.00", &names("Card load"))];
    let checked = check_books_again(facts(lines, &rows), Vec::new(), march(), &watched);
    assert_eq!(checked.breaks, []);
    assert_eq!(checked.unjudged, ["11", "12"].map(id_of), "the third has its line now");
    let elsewhere = check_books_again(facts(Vec::new(), &rows[2..]), Vec::new(), march(), &watched);
    assert_eq!(
        (elsewhere.breaks.len(), elsewhere.unjudged),
        (1, Vec::<String>::new()),
        "rows that are gone lack nothing"
    );
}
