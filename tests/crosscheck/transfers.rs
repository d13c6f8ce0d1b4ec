use tieout::breaks::Break;
use tieout::reconcile::facts::{LineFact, Side, TransferFact};
use tieout::reconcile::{Terms, check_transfers};
use tieout::record::TransferStatus;

use super::{account, day, iban_line, line, march, money, told};

fn transfer(id: &str, on: &str, amount: &str, iban: &str, reference: &str) -> TransferFact {
    let day = day(&format!("2026-03-{on}"));
    let some = |text: &str| (!text.is_empty()).then(|| text.into());
    TransferFact {
        internal_id: id.into(),
        day,
        amount: money(amount),
        status: TransferStatus::Executed,
        direct_debit: false,
        inside: march().window.contains(day),
        reference: some(reference),
        iban: some(iban),
    }
}

fn breaks(transfers: Vec<TransferFact>, lines: Vec<LineFact>, terms: Terms) -> Vec<Break> {
    let mut facts = account(lines);
    facts.transfers = Some(Side::of(transfers));
    check_transfers(&facts, terms)
}

fn compared(transfers: Vec<TransferFact>, lines: Vec<LineFact>) -> Vec<String> {
    told(&breaks(transfers, lines, march()))
}

const NOTHING: [String; 0] = [];
const DUPONT: &str = "FR7611111";
const MULLER: &str = "DE8922222";

#[test]
fn a_reference_or_iban_amount_and_day_are_evidence() {
    let transfers = || vec![transfer("50", "10", "-100.00", DUPONT, "CT-2026-000001")];
    for found in [
        iban_line("9", "24 10:00", "-100.00", DUPONT, "Virement ct-2026-000001"),
        line("9", "10 10:00", "-100.00", "Virement (CT2026000001)"),
        iban_line("9", "12 10:00", "-100.00", DUPONT, "Virement"),
        line("9", "11 10:00", "-100.00", "Virement Dupont"),
        LineFact { settled: false, ..iban_line("9", "12 10:00", "-100.00", DUPONT, "Virement") },
    ] {
        assert_eq!(compared(vec![transfer("50", "10", "-100.00", DUPONT, "CT2026000001")], vec![found]), NOTHING);
    }
    let missing = ["1 50 no_counterpart: credit transfer 50 of -100.00, executed on 2026-03-10 under reference \
                    CT-2026-000001, has no debit in the statement"];
    for found in [
        iban_line("9", "14 10:00", "-100.00", DUPONT, "too late"),
        iban_line("9", "10 10:00", "-100.00", MULLER, "to another"),
        iban_line("9", "10 10:00", "100.00", DUPONT, "a credit"),
    ] {
        assert_eq!(compared(transfers(), vec![found]), missing);
    }
}

#[test]
fn what_was_not_executed_or_is_a_direct_debit_needs_no_debit() {
    for status in [TransferStatus::InProgress, TransferStatus::ToExecute, TransferStatus::Cancelled] {
        let order = TransferFact { status, ..transfer("50", "10", "-100.00", DUPONT, "") };
        assert_eq!(compared(vec![order], vec![]), NOTHING);
    }
    let collected = TransferFact { direct_debit: true, ..transfer("50", "10", "-100.00", DUPONT, "R") };
    assert_eq!(compared(vec![collected], vec![]), NOTHING);
}

#[test]
fn a_direct_debit_lays_claim_to_its_debit() {
    let collected = TransferFact { direct_debit: true, ..transfer("50", "10", "-100.00", DUPONT, "R12345678901") };
    let found = compared(
        vec![collected, transfer("51", "10", "-100.00", DUPONT, "R12345678902")],
        vec![iban_line("9", "10 10:00", "-100.00", DUPONT, "R12345678901")],
    );
    assert_eq!(
        found,
        [
            "1 51 no_counterpart: credit transfer 51 of -100.00, executed on 2026-03-10 under reference R12345678902, has \
          no debit in the statement"
        ]
    );
}

#[test]
fn sums_are_exact_both_ways() {
    let split = compared(
        vec![transfer("50", "10", "-100.00", DUPONT, "")],
        vec![
            iban_line("8", "10 10:00", "-60.00", DUPONT, ""),
            iban_line("9", "11 10:00", "-40.00", DUPONT, ""),
            iban_line("10", "11 10:00", "-17.00", DUPONT, "another"),
        ],
    );
    assert_eq!(split, NOTHING);
    let batch = compared(
        vec![
            transfer("50", "10", "-60.00", DUPONT, ""),
            transfer("51", "10", "-40.00", MULLER, ""),
            transfer("52", "10", "-1.00", MULLER, ""),
        ],
        vec![line("9", "10 12:00", "-101.00", "Virements multiples")],
    );
    assert_eq!(batch, NOTHING);
    let named = compared(
        vec![transfer("50", "10", "-60.00", DUPONT, "BATCH0001"), transfer("51", "10", "-40.00", MULLER, "BATCH0001")],
        vec![line("9", "20 12:00", "-100.00", "BATCH0001")],
    );
    assert_eq!(named, NOTHING);
}

#[test]
fn another_amount_is_told_with_both() {
    let found = breaks(
        vec![transfer("50", "10", "-100.00", DUPONT, "REF00000001")],
        vec![iban_line("9", "10 10:00", "-101.50", DUPONT, "REF00000001")],
        march(),
    );
    assert_eq!(found[0].amounts, Some((money("-100.00"), money("-101.50"))));
    assert_eq!(told(&found), ["1 50 amount_differs: credit transfer 50 ordered -100.00, but debit 9 paid -101.50"]);
    let by_iban = compared(
        vec![transfer("50", "10", "-100.00", DUPONT, "")],
        vec![iban_line("9", "10 10:00", "-10.00", DUPONT, "")],
    );
    assert_eq!(by_iban, ["1 50 amount_differs: credit transfer 50 ordered -100.00, but debit 9 paid -10.00"]);
    // What a transfer pays may be a subscription; a fee for it goes to nobody's IBAN.
    let paid = iban_line("9", "10 10:00", "-101.50", DUPONT, "Subscription REF00000001");
    let for_a_service =
        told(&breaks(vec![transfer("50", "10", "-100.00", DUPONT, "REF00000001")], vec![paid], march()));
    assert_eq!(for_a_service, ["1 50 amount_differs: credit transfer 50 ordered -100.00, but debit 9 paid -101.50"]);
    let fee = compared(
        vec![transfer("50", "10", "-100.00", DUPONT, "REF00000001")],
        vec![
            iban_line("9", "10 10:00", "-100.00", DUPONT, "REF00000001"),
            iban_line("10", "10 10:00", "-0.80", "", "Frais de virement REF00000001"),
        ],
    );
    assert_eq!(fee, NOTHING);
}

#[test]
fn equal_transfers_with_as_many_debits_are_no_ambiguity() {
    let transfers = || vec![transfer("50", "10", "-100.00", DUPONT, ""), transfer("51", "10", "-100.00", DUPONT, "")];
    let debit = |txid| iban_line(txid, "10 10:00", "-100.00", DUPONT, "");
    assert_eq!(compared(transfers(), vec![debit("8"), debit("9")]), NOTHING);
    assert_eq!(
        compared(transfers(), vec![debit("8")]),
        ["1 50 ambiguous: credit transfers 50, 51 of -100.00 share one debit, txid 8, that fits them equally well"]
    );
    assert_eq!(
        compared(vec![transfer("50", "10", "-100.00", DUPONT, "")], vec![debit("8"), debit("9")]),
        ["1 50 ambiguous: credit transfer 50 of -100.00 has several debits that fit equally well: debits 8, 9"]
    );
}

#[test]
fn the_closer_of_two_gets_the_debit() {
    let found = compared(
        vec![transfer("50", "08", "-100.00", DUPONT, ""), transfer("51", "10", "-100.00", DUPONT, "")],
        vec![iban_line("9", "10 10:00", "-100.00", DUPONT, "")],
    );
    assert_eq!(
        found,
        ["1 50 no_counterpart: credit transfer 50 of -100.00, executed on 2026-03-08, has no debit in the statement"]
    );
}

#[test]
fn debits_that_name_a_transfer_must_have_it() {
    let known = || transfer("50", "10", "-100.00", DUPONT, "100000000001");
    let paid = || iban_line("8", "10 10:00", "-100.00", DUPONT, "Virement 100000000001");
    let named = |text: &str| iban_line("9", "12 10:00", "-70.00", MULLER, text);
    assert_eq!(
        compared(vec![known()], vec![paid(), named("Virement 100000000002 Müller")]),
        ["1 9 no_counterpart: debit 9 of -70.00 names reference 100000000002, which no credit transfer has"]
    );
    for text in ["Prélèvement 100000000002", "Facture 12345", "Virement"] {
        assert_eq!(compared(vec![known()], vec![paid(), named(text)]), NOTHING, "{text}");
    }
    let cancelled =
        TransferFact { status: TransferStatus::Cancelled, ..transfer("51", "12", "-70.00", MULLER, "100000000002") };
    assert_eq!(
        compared(vec![known(), cancelled], vec![paid(), named("Virement 100000000002")]),
        ["1 9 no_counterpart: debit 9 of -70.00 names credit transfer 51, which was cancelled"]
    );
    assert_eq!(
        compared(vec![known()], vec![paid(), iban_line("9", "12 10:00", "-100.00", DUPONT, "Virement 100000000001")]),
        ["1 9 no_counterpart: debit 9 of -100.00 names credit transfer 50, which another debit pays already"]
    );
    let returned = iban_line("10", "12 11:00", "100.00", DUPONT, "Retour 100000000001");
    let again = iban_line("9", "12 10:00", "-100.00", DUPONT, "Virement 100000000001");
    assert_eq!(compared(vec![known()], vec![paid(), again, returned]), NOTHING);
}

#[test]
fn a_debit_beyond_what_was_read_is_not_missing() {
    for on in ["01", "03", "29", "31"] {
        assert_eq!(compared(vec![transfer("50", on, "-100.00", DUPONT, "")], vec![]), NOTHING, "{on}");
    }
    // Where debits are booked on the day of their transfer, the last day is known as well as any other.
    let mut transfers: Vec<TransferFact> = Vec::new();
    let mut lines = Vec::new();
    for (id, on) in [("1", "05"), ("2", "06"), ("3", "07")] {
        transfers.push(transfer(id, on, "-5.00", DUPONT, ""));
        lines.push(iban_line(id, &format!("{on} 10:00"), "-5.00", DUPONT, ""));
    }
    transfers.push(transfer("50", "31", "-100.00", DUPONT, ""));
    assert_eq!(compared(transfers.clone(), lines.clone()).len(), 1);
    let on_that_day = Terms { seen_on: day("2026-03-31"), ..march() };
    assert_eq!(told(&breaks(transfers, lines, on_that_day)), NOTHING);
}

#[test]
fn a_debit_that_was_rejected_is_not_missing() {
    let mut facts = account(vec![]);
    facts.transfers = Some(Side::of(vec![transfer("50", "10", "-100.00", DUPONT, "REF00000001")]));
    let raw = r#"{"txid":9,"amount":"x","description":"Virement REF00000001"}"#;
    facts.statements.as_mut().expect("there").rejected.add(raw);
    assert_eq!(check_transfers(&facts, march()), []);
}

#[test]
fn the_iban_statement_alone_will_do_and_none_proves_nothing() {
    let mut facts = account(vec![]);
    facts.statements = None;
    facts.transfers = Some(Side::of(vec![transfer("50", "10", "-100.00", DUPONT, "")]));
    assert_eq!(check_transfers(&facts, march()), []);
    facts.iban_statements = Some(Side::of(vec![iban_line("9", "10 10:00", "-100.00", DUPONT, "")]));
    assert_eq!(check_transfers(&facts, march()), []);
}

#[test]
fn one_execution_under_two_ids_needs_one_debit() {
    let both = || {
        vec![
            transfer("50", "10", "-100.00", DUPONT, "CT2026000001"),
            transfer("97", "10", "-100.00", DUPONT, "CT2026000001"),
        ]
    };
    let debit = |txid, text: &str| iban_line(txid, "10 10:00", "-100.00", DUPONT, text);
    assert_eq!(compared(both(), vec![debit("9", "Virement CT2026000001")]), NOTHING);
    assert_eq!(compared(both(), vec![debit("9", "Virement")]), NOTHING, "by IBAN, amount and day");
    let paid_twice = vec![debit("8", "Virement CT2026000001"), debit("9", "Virement CT2026000001")];
    assert_eq!(compared(both(), paid_twice), NOTHING, "that it stands twice is told, and each has its debit");
    let missing = compared(both(), vec![]);
    assert_eq!(missing.len(), 1, "the original misses its debit: {missing:?}");
}

#[test]
fn the_same_transfer_under_another_id_is_a_duplicate() {
    use tieout::record::CreditTransfer;
    let order = |id: &'static str, reference: &'static str, iban: &'static str, status| CreditTransfer {
        acc_id: "1".into(),
        internal_id: id.into(),
        booking_date: day("2026-03-10"),
        created_at: None,
        requested_date: None,
        executed_date: None,
        amount: money("-100.00"),
        currency: Some("EUR".into()),
        status,
        provider_status: None,
        transaction_type: None,
        execution_reference: (!reference.is_empty()).then(|| reference.into()),
        beneficiary_name: None,
        beneficiary_iban: Some(iban.into()),
        beneficiary_bic: None,
        reason: None,
        source_reason: None,
    };
    let (done, due) = (TransferStatus::Executed, TransferStatus::ToExecute);
    let found = |orders: &[CreditTransfer<'_>]| {
        told(&tieout::reconcile::duplicate_transfers(&tieout::record::Owner::account("1"), orders))
    };
    let copy = "1 97 duplicate_entry: listed twice: credit transfer 50 and 97, under one execution reference";
    assert_eq!(found(&[order("97", "R1", DUPONT, done), order("50", "R1", DUPONT, done)]), [copy]);
    assert_eq!(found(&[order("50", "BATCH", DUPONT, done), order("51", "BATCH", MULLER, done)]), NOTHING);
    assert_eq!(found(&[order("50", "R1", DUPONT, done), order("51", "R2", DUPONT, done)]), NOTHING);
    assert_eq!(found(&[order("50", "", DUPONT, due), order("51", "", DUPONT, due)]), NOTHING);
    assert_eq!(found(&[order("50", "R1", DUPONT, due), order("51", "R1", DUPONT, due)]), NOTHING);
    let again = "1 50 duplicate_entry: credit transfer 50 of -100.00 is listed more than once";
    assert_eq!(found(&[order("50", "R1", DUPONT, done), order("50", "R1", DUPONT, done)]), [again]);
}
