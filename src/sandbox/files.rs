//! Books as files. The path of a file is the path of the route that serves it, and a file holds what the provider would
//! send, one row a line: the files are samples of the provider's JSON and can be edited by hand.
//!
//! ```text
//! accounts.json                                  the list of accounts
//! accounts/<acc_id>/account.json                 the account's details
//! accounts/<acc_id>/balance.json
//! accounts/<acc_id>/cards.json                   the list of its cards
//! accounts/<acc_id>/statements.json              rows, oldest first; likewise
//! accounts/<acc_id>/iban-statements.json
//! accounts/<acc_id>/credit-transfers.json
//! cards/<card_ref>/card.json                     the card's details
//! cards/<card_ref>/transactions.json
//! ```
//!
//! Only `accounts.json` must be there: a listing without a file is empty, details without a file are the row of the
//! list, and a balance without a file is nought.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::books::{Account, Books, Card, ListedRow, member, split_rows};
use crate::{Error, Result};

/// Reads books from a folder.
///
/// # Errors
/// When `accounts.json` is not there, a file cannot be read or holds no JSON of its kind, or an id is not fit to be a
/// file name.
pub fn read(folder: &Path) -> Result<Books> {
    let list = read_text(folder, "accounts.json")?.ok_or_else(|| {
        Error::usage(format!("expected books in '{}', found no accounts.json there", folder.display()))
            .hint("`tieout sandbox` without --data serves the built-in sample; sample-data/README.md shows the layout")
    })?;
    let rows = split_rows(&list).map_err(|error| error.at(folder.join("accounts.json").display()))?;
    let accounts = rows.into_iter().map(|row| read_account(folder, row)).collect::<Result<_>>()?;
    Ok(Books { accounts })
}

/// The files that hold the books: path under the folder, and text.
pub fn to_files(books: &Books) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    files.insert("accounts.json".to_owned(), array(books.accounts.iter().map(|account| account.list_row.as_str())));
    for account in &books.accounts {
        let mut put = |name: &str, text| files.insert(format!("accounts/{}/{name}.json", account.acc_id), text);
        put("account", format!("{}\n", account.details));
        put("balance", format!("{}\n", account.balance));
        put("cards", array(account.cards.iter().map(|card| card.list_row.as_str())));
        put("statements", rows(&account.statements));
        put("iban-statements", rows(&account.iban_statements));
        put("credit-transfers", rows(&account.credit_transfers));
        for card in &account.cards {
            files.insert(format!("cards/{}/card.json", card.card_ref), format!("{}\n", card.details));
            files.insert(format!("cards/{}/transactions.json", card.card_ref), rows(&card.transactions));
        }
    }
    files
}

/// Writes the books into a folder.
///
/// # Errors
/// When the file system refuses.
pub fn write(books: &Books, folder: &Path) -> Result<()> {
    for (path, text) in to_files(books) {
        let path = folder.join(path);
        let parent = path.parent().expect("a file of the books stands in a folder");
        fs::create_dir_all(parent).and_then(|()| fs::write(&path, text)).map_err(|error| {
            Error::environment("could not write a file of the books").at(path.display()).because(error)
        })?;
    }
    Ok(())
}

fn read_account(folder: &Path, list_row: &str) -> Result<Account> {
    let acc_id = id_of(list_row, "acc_id")?;
    let file = |name: &str| format!("accounts/{acc_id}/{name}.json");
    let cards = read_rows_text(folder, &file("cards"))?;
    Ok(Account {
        details: read_object(folder, &file("account"))?.unwrap_or_else(|| list_row.to_owned()),
        balance: read_object(folder, &file("balance"))?
            .unwrap_or_else(|| format!(r#"{{"acc_id":{},"balance":0}}"#, member(list_row, "acc_id").unwrap_or("null"))),
        cards: cards.iter().map(|row| read_card(folder, row)).collect::<Result<_>>()?,
        statements: read_rows(folder, &file("statements"))?,
        iban_statements: read_rows(folder, &file("iban-statements"))?,
        credit_transfers: read_rows(folder, &file("credit-transfers"))?,
        list_row: list_row.to_owned(),
        acc_id,
    })
}

fn read_card(folder: &Path, list_row: &str) -> Result<Card> {
    let card_ref = id_of(list_row, "card_ref")?;
    Ok(Card {
        details: read_object(folder, &format!("cards/{card_ref}/card.json"))?.unwrap_or_else(|| list_row.to_owned()),
        transactions: read_rows(folder, &format!("cards/{card_ref}/transactions.json"))?,
        list_row: list_row.to_owned(),
        card_ref,
    })
}

/// The id in a row. It becomes part of a path, so only letters, digits, `-` and `_` will do.
fn id_of(row: &str, name: &str) -> Result<String> {
    let id = member(row, name).map(|text| text.trim_matches('"').to_owned()).unwrap_or_default();
    let fit = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if fit {
        return Ok(id);
    }
    Err(Error::usage(format!("expected a row with a '{name}' of letters and digits, found {row}")))
}

fn read_text(folder: &Path, name: &str) -> Result<Option<String>> {
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::environment("could not read a file of the books").at(path.display()).because(error)),
    }
}

fn read_object(folder: &Path, name: &str) -> Result<Option<String>> {
    let Some(text) = read_text(folder, name)? else {
        return Ok(None);
    };
    if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err() || !text.trim_start().starts_with('{') {
        return Err(Error::usage("expected one JSON object").at(folder.join(name).display()));
    }
    Ok(Some(text.trim().to_owned()))
}

fn read_rows_text(folder: &Path, name: &str) -> Result<Vec<String>> {
    let Some(text) = read_text(folder, name)? else {
        return Ok(Vec::new());
    };
    let rows = split_rows(&text).map_err(|error| error.at(folder.join(name).display()))?;
    Ok(rows.into_iter().map(str::to_owned).collect())
}

fn read_rows(folder: &Path, name: &str) -> Result<Vec<ListedRow>> {
    Ok(read_rows_text(folder, name)?.into_iter().map(ListedRow::read).collect())
}

fn rows(rows: &[ListedRow]) -> String {
    array(rows.iter().map(|row| row.json.as_str()))
}

fn array<'a>(rows: impl Iterator<Item = &'a str>) -> String {
    let rows: Vec<&str> = rows.collect();
    if rows.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", rows.join(",\n")) }
}
