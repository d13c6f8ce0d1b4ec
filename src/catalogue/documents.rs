//! The catalogue as documents: `docs/breaks.md` and `docs/provider-anytime.md`.

use std::fmt::Write;

use super::{Entry, Kind, all};

/// What a reader of the provider's documents is not told, or is told wrongly.
const PROVIDER_NOTES: &[(&str, &str)] = &[
    (
        "Setting up",
        "Requests are signed with an RSA key (RSA PKCS#1 v1.5 over SHA-1, base64). The public half is registered in the provider's developer zone, \
         where the addresses (IPv4, IPv6 or subnets) that may ask are listed too. `tieout init` makes the key, `tieout check` tells what is still missing.",
    ),
    (
        "Tokens",
        "A new token makes the one before obsolete at once. There is one refresher for a whole run; another program with the same API user takes the token away.",
    ),
    ("Validation data", "`X-Validation-Data` may be used once. Every attempt is signed anew, the token request too."),
    (
        "The envelope's hash",
        "`hash` is the SHA-256 of `timestamp|username`, over the timestamp as it is printed. It shows who answered, not that the body is whole.",
    ),
    (
        "Paging",
        "`limit_number` may be clamped; `body.filters` echoes what was applied, but can be absent or `[]`. No order of rows is promised. `total_results` counts the listing \
         for accounts, cards and statements, but for card transactions it leaves the date filter out of account. Pages are therefore read with a row of overlap, the end is asked for, and the first of several is read twice.",
    ),
    ("Credit transfers", "Documented without limits and dates: the whole list may be sent each time."),
    (
        "Dates",
        "Local time of Europe/Paris, without an offset. Whether `date_start` and `date_end` include their days, and whether they filter card transactions on `date` or \
         `date_transaction`, is not documented: a day more is asked for at both ends, and rows are selected by their own booking date.",
    ),
    (
        "Too many requests",
        "429 is a rate (wait, then ask again) or a business limit (asking again is of no use): the code tells which.",
    ),
    (
        "Spelling",
        "Ids and counts come as numbers or texts, an empty object as `[]`. Amounts are read as their text, never as a float.",
    ),
    (
        "Rights",
        "A refusal for one account or card does not end a run: the others are whole, and the owner is a `completeness` break (exit code 4).",
    ),
];

const MADE: &str = "<!-- Made from src/catalogue: TIEOUT_REWRITE_SCHEMAS=1 cargo test --lib catalogue -->";

/// Checks, causes and exit codes.
pub fn breaks_document() -> String {
    let mut text = format!(
        "{MADE}\n# Breaks and exit codes\n\nA break is a check that does not hold. It names its check, its row, what was expected and what was found, and the smallest\n\
         explanation of it: its cause. `tieout explain NAME` prints any entry of this page.\n\n\
         One fault keeps one id, made of its check, its owner and its row: a row that a later window tells as a `seam` break and an\n\
         earlier one as a `chain` break (or the reverse), and a `closing_balance` break at a newer last row, are the break that was told\n\
         first, as long as the difference is the same. A break goes away only by a run that could have told it: one that did not read\n\
         all days in which a row's counterpart may lie, or that begins at the row without knowing the balance before it, leaves it\n\
         as it is.\n"
    );
    for kind in [Kind::Check, Kind::Cause, Kind::Exit] {
        write!(text, "\n## {}\n", kind.title()).expect("a text takes any text");
        for entry in all().iter().filter(|entry| entry.kind == kind) {
            text.push_str(&chapter(entry));
        }
    }
    text
}

/// Notes on the provider, and its codes.
pub fn provider_document() -> String {
    let mut text = format!(
        "{MADE}\n# anytime\n\nOnly GETs are sent, and the token's POST: nothing is ever written to the provider's books.\n\n## Notes\n\n"
    );
    for (topic, note) in PROVIDER_NOTES {
        writeln!(text, "- **{topic}.** {note}").expect("a text takes any text");
    }
    write!(
        text,
        "\n## {}\n\n| code | exception | meaning | what to do | tried again |\n| --- | --- | --- | --- | --- |\n",
        Kind::Provider.title()
    )
    .expect("a text takes any text");
    for entry in all().iter().filter(|entry| entry.kind == Kind::Provider) {
        let again = if entry.example.is_empty() { "no" } else { "yes" };
        writeln!(text, "| {} | {} | {} | {} | {again} |", entry.name, entry.alias, entry.means, entry.advice)
            .expect("a text takes any text");
    }
    text
}

fn chapter(entry: &Entry) -> String {
    let example = if entry.example.is_empty() { String::new() } else { format!("  \n  *Example:* {}", entry.example) };
    let means = if entry.kind == Kind::Check { "Holds when " } else { "" };
    format!("\n- **`{}`** {means}{}.{example}  \n  *What to do:* {}.\n", entry.name, entry.means, entry.advice)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::output::assert_checked_in;

    #[test]
    fn the_checked_in_documents_are_those_of_the_catalogue() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        assert_checked_in(&docs.join("breaks.md"), &breaks_document());
        assert_checked_in(&docs.join("provider-anytime.md"), &provider_document());
    }
}
