//! Books as an archive (the contract's section "Archive") and back: responses in a folder per feed, for runs without a
//! network, for benchmarks, and to serve what a provider once sent.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::books::{Account, Books, Card, ListedRow, member, plain_text, split_rows};
use super::envelope;
use crate::landing::Shelf;
use crate::record::Feed;
use crate::{Error, Result};

/// The timestamp of the first response, in ten-thousandths of a second: the same books make the same archive.
const TIMESTAMP_FIRST: u128 = 17_934_084_001_234;

/// Writes accounts one after the other, as pages of NDJSON.
#[derive(Debug)]
pub struct ArchiveWriter {
    folder: PathBuf,
    files: HashMap<&'static str, BufWriter<File>>,
    page_rows: usize,
    username: String,
    responses: u64,
    echo: bool,
}

impl ArchiveWriter {
    /// An archive in a folder, with pages of so many rows, answered to that API user.
    pub fn new(folder: impl Into<PathBuf>, page_rows: usize, username: impl Into<String>) -> Self {
        let page_rows = page_rows.max(1);
        let username = username.into();
        Self { folder: folder.into(), files: HashMap::new(), page_rows, username, responses: 0, echo: false }
    }

    /// Pages tell their position, as those of a provider that echoes its limits do.
    #[must_use]
    pub fn echoing_limits(self) -> Self {
        Self { echo: true, ..self }
    }

    /// Adds an account, its cards and all their rows.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn account(&mut self, account: &Account) -> Result<()> {
        let acc_id = member(&account.list_row, "acc_id").unwrap_or("null");
        self.response(Shelf::Accounts, &format!(r#"{{"accounts":[{}]}}"#, account.list_row))?;
        self.response(Shelf::Account, &account.details)?;
        self.response(Shelf::Balance, &account.balance)?;
        let cards: Vec<&str> = account.cards.iter().map(|card| card.list_row.as_str()).collect();
        self.response(Shelf::Cards, &format!(r#"{{"acc_id":{acc_id},"cards":[{}]}}"#, cards.join(",")))?;
        let owner = format!(r#""acc_id":{acc_id},"#);
        self.pages(Feed::AccountStatements, &owner, "transactions", &account.statements)?;
        self.pages(Feed::IbanStatements, &owner, "transactions", &account.iban_statements)?;
        self.pages(Feed::CreditTransfers, "", "credit-transfers", &account.credit_transfers)?;
        for card in &account.cards {
            let owner = format!(r#""card_ref":"{}","acc_id":{acc_id},"#, card.card_ref);
            self.pages(Feed::CardTransactions, &owner, "transactions", &card.transactions)?;
        }
        Ok(())
    }

    /// Writes what is still in memory.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn finish(mut self) -> Result<()> {
        let folder = self.folder.clone();
        self.files.values_mut().try_for_each(BufWriter::flush).map_err(|error| unable(&folder, error))
    }

    fn pages(&mut self, feed: Feed, owner: &str, rows_key: &str, rows: &[ListedRow]) -> Result<()> {
        // A listing without rows is a page too: it says that there are none.
        let pages = rows.chunks(self.page_rows).chain(rows.is_empty().then_some(&[][..]));
        for (number, page) in pages.enumerate() {
            let rows: Vec<&str> = page.iter().map(|row| row.json.as_str()).collect();
            let filters = if self.echo {
                format!(r#"{{"limit_start":{},"limit_number":{}}}"#, number * self.page_rows, self.page_rows)
            } else {
                "[]".to_owned()
            };
            let body = format!(r#"{{{owner}"filters":{filters},"{rows_key}":[{}]}}"#, rows.join(","));
            self.response(Shelf::Feed(feed), &body)?;
        }
        Ok(())
    }

    fn response(&mut self, shelf: Shelf, body: &str) -> Result<()> {
        self.responses += 1;
        let timestamp = envelope::php_float(TIMESTAMP_FIRST + u128::from(self.responses) * 137);
        let line = envelope::wrap_at(body, self.responses, &timestamp, &self.username);
        let folder = self.folder.join(shelf.folder());
        let file = match self.files.entry(shelf.folder()) {
            std::collections::hash_map::Entry::Occupied(file) => file.into_mut(),
            std::collections::hash_map::Entry::Vacant(vacant) => {
                let made = fs::create_dir_all(&folder).and_then(|()| File::create(folder.join("pages.ndjson")));
                vacant.insert(BufWriter::with_capacity(1 << 20, made.map_err(|error| unable(&folder, error))?))
            }
        };
        writeln!(file, "{line}").map_err(|error| unable(&folder, error))
    }
}

/// Whether a folder holds an archive: a folder of a feed.
pub fn is_archive(folder: &Path) -> bool {
    Feed::ALL.iter().any(|feed| folder.join(feed.name()).is_dir())
}

/// Reads an archive of plain pages (`*.json`, `*.ndjson`) as books. Rows stay in the order of the files and pages, and
/// pages that overlap give rows twice.
///
/// # Errors
/// When a file cannot be read, or a response is no envelope with a body.
pub fn read(folder: &Path) -> Result<Books> {
    let mut books = Books::default();
    for shelf in Shelf::ALL {
        for (path, response) in responses(&folder.join(shelf.folder()))? {
            take_in(&mut books, shelf, &response).ok_or_else(|| {
                Error::usage(format!("expected a response of the kind '{}'", shelf.folder())).at(path.display())
            })?;
        }
    }
    Ok(books)
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    body: &'a RawValue,
}

/// The files of a folder by name, and the responses in them.
fn responses(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unable(folder, error)),
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(|error| unable(folder, error))?;
    paths.sort();
    let mut responses = Vec::new();
    for path in paths {
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !matches!(extension, Some("json" | "ndjson")) {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|error| unable(&path, error))?;
        if extension == Some("json") {
            responses.push((path, text));
        } else {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            responses.extend(lines.map(|line| (path.clone(), line.to_owned())));
        }
    }
    Ok(responses)
}

/// Puts what a response says into the books; `None` when it is not of its kind.
fn take_in(books: &mut Books, shelf: Shelf, response: &str) -> Option<()> {
    let body = serde_json::from_str::<Envelope<'_>>(response).ok()?.body.get();
    let members = serde_json::from_str::<HashMap<String, &RawValue>>(body).ok()?;
    let text = |name: &str| members.get(name).map(|value| plain_text(value));
    let rows = |name: &str| split_rows(members.get(name)?.get()).ok();
    let listed = |name: &str| Some(rows(name)?.into_iter().map(ListedRow::read));
    match shelf {
        Shelf::Accounts => {
            for row in rows("accounts")? {
                row.clone_into(&mut account_of(books, &id_in(row, "acc_id")?).list_row);
            }
        }
        Shelf::Account => body.clone_into(&mut account_of(books, &text("acc_id")?).details),
        Shelf::Balance => body.clone_into(&mut account_of(books, &text("acc_id")?).balance),
        Shelf::Cards => {
            let account = account_of(books, &text("acc_id")?);
            for row in rows("cards")? {
                row.clone_into(&mut card_of(account, &id_in(row, "card_ref")?).list_row);
            }
        }
        Shelf::Feed(Feed::AccountStatements) => {
            account_of(books, &text("acc_id")?).statements.extend(listed("transactions")?);
        }
        Shelf::Feed(Feed::IbanStatements) => {
            account_of(books, &text("acc_id")?).iban_statements.extend(listed("transactions")?);
        }
        Shelf::Feed(Feed::CreditTransfers) => {
            for row in rows("credit-transfers")? {
                let account = account_of(books, &id_in(row, "sender_account_id")?);
                account.credit_transfers.push(ListedRow::read(row));
            }
        }
        Shelf::Feed(Feed::CardTransactions) => {
            let account = account_of(books, &text("acc_id")?);
            card_of(account, &text("card_ref")?).transactions.extend(listed("transactions")?);
        }
        Shelf::Other => {}
    }
    Some(())
}

fn id_in(row: &str, name: &str) -> Option<String> {
    let members = serde_json::from_str::<HashMap<String, &RawValue>>(row).ok()?;
    members.get(name).map(|value| plain_text(value))
}

/// The account of that id; made, with what a list would say at least, when the archive did not list it before.
fn account_of<'a>(books: &'a mut Books, acc_id: &str) -> &'a mut Account {
    let at = books.accounts.iter().position(|account| account.acc_id == acc_id).unwrap_or_else(|| {
        let row = format!(r#"{{"acc_id":"{acc_id}","acc_type":"business"}}"#);
        books.accounts.push(Account {
            acc_id: acc_id.to_owned(),
            details: row.clone(),
            balance: format!(r#"{{"acc_id":"{acc_id}","balance":0}}"#),
            list_row: row,
            ..Account::default()
        });
        books.accounts.len() - 1
    });
    &mut books.accounts[at]
}

fn card_of<'a>(account: &'a mut Account, card_ref: &str) -> &'a mut Card {
    let at = account.cards.iter().position(|card| card.card_ref == card_ref).unwrap_or_else(|| {
        let row = format!(r#"{{"card_ref":"{card_ref}","status":"1"}}"#);
        let details = format!(r#"{{"acc_id":"{}","card_ref":"{card_ref}","status":"1"}}"#, account.acc_id);
        let card = Card { card_ref: card_ref.to_owned(), list_row: row, details, transactions: Vec::new() };
        account.cards.push(card);
        account.cards.len() - 1
    });
    &mut account.cards[at]
}

fn unable(path: &Path, error: io::Error) -> Error {
    Error::environment("could not read or write an archive").at(path.display()).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::sample;

    #[test]
    fn an_archive_reads_back_as_the_same_rows() {
        let folder = tempfile::tempdir().expect("a folder");
        let books = sample::books();
        let mut writer = ArchiveWriter::new(folder.path(), 50, "me");
        for account in &books.accounts {
            writer.account(account).expect("written");
        }
        writer.finish().expect("written");
        assert!(is_archive(folder.path()));
        let read = read(folder.path()).expect("readable");
        for (read, written) in read.accounts.iter().zip(&books.accounts) {
            assert_eq!(
                (&read.list_row, &read.details, &read.balance),
                (&written.list_row, &written.details, &written.balance)
            );
            assert_eq!(read.statements, written.statements);
            assert_eq!(read.iban_statements, written.iban_statements);
            assert_eq!(read.credit_transfers, written.credit_transfers);
            assert_eq!(read.cards.len(), written.cards.len());
            for (read, written) in read.cards.iter().zip(&written.cards) {
                assert_eq!((&read.list_row, &read.transactions), (&written.list_row, &written.transactions));
            }
        }
    }

    #[test]
    fn the_cookbook_can_be_served() {
        let books = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/cookbook")).expect("readable");
        assert_eq!(books.counts(), (2, 3, 2));
        let (account, card) = books.card("ANY7622465500").expect("its transactions tell of it");
        assert_eq!(account.acc_id, "1");
        assert!(account.details.contains("\"The corp name\""));
        let ids: Vec<&str> = card.transactions.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["8", "9"]);
        assert!(card.transactions[0].json.contains("9194.50"));
    }

    #[test]
    fn what_is_no_response_is_told_with_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let feed = folder.path().join("card_transactions");
        fs::create_dir(&feed).expect("made");
        fs::write(feed.join("1.json"), r#"{"body":{"error":{}}}"#).expect("written");
        let error = read(folder.path()).expect_err("an error is no page").to_string();
        assert!(error.contains("1.json"), "{error}");
    }
}
