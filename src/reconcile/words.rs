//! Words in the provider's free texts: references that a line names, and what tells a card's load, a fee or a direct
//! debit. Texts are compared without case, accents and punctuation.

/// Words of a load: money from the account to the card.
const LOAD: &[&str] = &[
    "load",
    "loading",
    "reload",
    "topup",
    "top up",
    "chargement",
    "rechargement",
    "recharge",
    "alimentation",
    "approvisionnement",
    "aufladung",
    "aufladen",
    "opladen",
    "oplading",
    "carga",
    "recarga",
    "carregamento",
    "ricarica",
];
/// Words of an unload: money from the card back to the account.
const UNLOAD: &[&str] = &[
    "unload",
    "unloading",
    "dechargement",
    "entladung",
    "entladen",
    "ontladen",
    "ontlading",
    "descarga",
    "descarregamento",
    "scarico",
];
/// Words of a fee: a line for itself, whatever else its text names.
const FEE: &[&str] = &[
    "fee",
    "fees",
    "frais",
    "commission",
    "commissions",
    "commande",
    "cotisation",
    "abonnement",
    "subscription",
    "gebuhr",
    "gebuhren",
    "kosten",
    "comision",
    "commissione",
    "comissao",
    "charge",
    "charges",
];
/// Words of a direct debit: the other side asked for it, no transfer of ours did.
const DIRECT_DEBIT: &[&str] = &[
    "prelevement",
    "prelevements",
    "prlv",
    "sdd",
    "direct debit",
    "lastschrift",
    "domiciliation",
    "domiciliering",
    "incasso",
    "adeudo",
    "addebito",
    "mandat",
    "mandate",
    "rum",
];

/// What a text says of a card's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CardWord {
    /// A load.
    Load,
    /// An unload.
    Unload,
}

/// Whether a text speaks of a load or an unload. A fee for one is neither.
pub fn card_word(text: &str) -> Option<CardWord> {
    let words = plain(text);
    if has_any(&words, FEE) {
        None
    } else if has_any(&words, UNLOAD) {
        Some(CardWord::Unload)
    } else {
        has_any(&words, LOAD).then_some(CardWord::Load)
    }
}

/// Whether a text speaks of a fee.
pub fn is_fee(text: &str) -> bool {
    has_any(&plain(text), FEE)
}

/// Whether a text speaks of a direct debit.
pub fn is_direct_debit(text: &str) -> bool {
    has_any(&plain(text), DIRECT_DEBIT)
}

/// A text's shape: its words without digits, so that two lines of one making are the same.
pub fn pattern(text: &str) -> String {
    plain(text).split(' ').filter(|word| !word.bytes().any(|byte| byte.is_ascii_digit())).collect::<Vec<_>>().join(" ")
}

/// An id as it is compared: its letters and digits in upper case.
pub fn id(text: &str) -> String {
    let mut id = String::with_capacity(text.len());
    push_id(text, &mut id);
    id
}

fn push_id(text: &str, id: &mut String) {
    if text.is_ascii() {
        id.extend(text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()));
    } else {
        id.extend(text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase));
    }
}

/// Calls `found` with all that could be an id in a text, with some of it more than once: each run between blanks with its
/// punctuation left out, and each run of letters and digits.
pub fn for_each_id(text: &str, mut found: impl FnMut(&str)) {
    let mut id = String::new();
    let mut give = |run: &str| {
        id.clear();
        push_id(run, &mut id);
        if !id.is_empty() {
            found(&id);
        }
    };
    let is_mark = |c: char| !c.is_alphanumeric();
    for word in text.split_whitespace() {
        give(word);
        if word.contains(is_mark) {
            word.split(is_mark).for_each(&mut give);
        }
    }
}

/// Whether a text names `id`, which is spelled as [`id`] does.
pub fn names(text: &str, id: &str) -> bool {
    let mut is_named = false;
    for_each_id(text, |found| is_named |= found == id);
    is_named
}

/// What ids of one making have in common: where digits and where letters stand.
pub fn shape(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_digit() { '9' } else { 'A' }).collect()
}

/// Lower case, no accents, single blanks for whatever is neither letter nor digit; a blank at both ends.
fn plain(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + 2);
    words.push(' ');
    let mut push = |c: char| match c {
        '\0' => {}
        c if c.is_alphanumeric() => words.push(c),
        _ if words.ends_with(' ') => {}
        _ => words.push(' '),
    };
    for c in text.chars() {
        if c.is_ascii() {
            push(c.to_ascii_lowercase());
        } else {
            c.to_lowercase().map(unaccented).for_each(&mut push);
        }
    }
    if !words.ends_with(' ') {
        words.push(' ');
    }
    words
}

/// The letter below an accent; a combining accent is nothing.
fn unaccented(c: char) -> char {
    match c {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        '\u{300}'..='\u{36f}' => '\0',
        c => c,
    }
}

/// Whether one of the words stands in a plain text, alone: between blanks.
fn has_any(plain: &str, words: &[&str]) -> bool {
    let begins = |rest: &str, word: &str| rest.starts_with(word) && rest.as_bytes().get(word.len()) == Some(&b' ');
    memchr::memchr_iter(b' ', plain.as_bytes()).any(|blank| {
        let rest = &plain[blank + 1..];
        words.iter().any(|word| begins(rest, word))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn ids(text: &str) -> HashSet<String> {
        let mut ids = HashSet::new();
        for_each_id(text, |id| ids.extend([id.to_owned()]));
        ids
    }

    proptest! {
        #[test]
        fn ids_are_runs_between_blanks_and_runs_of_letters_and_digits(text in "[a-zA-Z0-9éßＡ .,/'\u{300}\u{a0}-]{0,24}") {
            let runs = text.split(|c: char| !c.is_alphanumeric()).map(id);
            let words = text.split(char::is_whitespace).map(id);
            let expected: HashSet<String> = runs.chain(words).filter(|found| !found.is_empty()).collect();
            let named = expected.iter().all(|id| names(&text, id));
            prop_assert!(named && !names(&text, "") && !names(&text, "absent"));
            prop_assert_eq!(ids(&text), expected);
        }

        #[test]
        fn words_stand_between_blanks(text in "[ -]{0,2}(top|up|topup|fee|fees|load|é|[ -]){0,9}") {
            const WORDS: &[&str] = &["fee", "topup", "top up"];
            let plain = plain(&text);
            let spelled = |word: &&str| plain.contains(&format!(" {word} "));
            prop_assert_eq!(has_any(&plain, WORDS), WORDS.iter().any(spelled), "{:?}", plain);
        }
    }

    #[test]
    fn loads_are_told_in_several_languages_and_fees_are_none() {
        for text in ["Card load ANY1", "TOP-UP", "Rechargement carte", "Aufladung", "CARD LOAD"] {
            assert_eq!(card_word(text), Some(CardWord::Load), "{text}");
        }
        for text in ["Card unload", "Déchargement de la carte ANY1", "De\u{301}chargement"] {
            assert_eq!(card_word(text), Some(CardWord::Unload), "{text}");
        }
        for text in ["Download shop", "Frais de rechargement", "Commande de carte", "Loadstar", "Remboursement FNAC"] {
            assert_eq!(card_word(text), None, "{text}");
        }
    }

    #[test]
    fn ids_are_found_whatever_stands_around_them() {
        assert!(ids("Virement (123456789012), Dupont").contains("123456789012"));
        assert!(ids("réf: ct-2026-001.").contains("CT2026001"));
        assert!(!ids("9123456789012").contains("123456789012"));
        assert_eq!((shape("CT2026001"), id("fr76 3000")), ("AA9999999".to_owned(), "FR763000".to_owned()));
        assert_eq!(pattern("Card load ANY123"), pattern("card LOAD ANY9"));
    }
}
