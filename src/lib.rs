//! **tieout** pulls a company's money movements from its card and bank providers every night, proves to the cent that the
//! balances tie out, and hands accounting CSV reports and the data warehouse Parquet.
//!
//! # The journey of a row
//!
//! [`job`] → plan → [`provider`] (fetch a page) → [`landing`] (its bytes, as received) → [`record`] (decode, normalise) →
//! [`reconcile`] → [`output`] (one commit). [`pipeline`] alone knows the whole of it; read it first.
//!
//! | room | holds |
//! | --- | --- |
//! | [`cli`] | the commands, one file each; `printer` is the only file that prints |
//! | [`job`] | a job file as written, and the plan that it resolves to; every problem of a file is told at once |
//! | [`provider`] | transport shared by all, and a folder per provider: routes, wire format, decoding |
//! | [`landing`] | the bytes as received, and which of them make up a listing; archives read back |
//! | [`record`] | exact money, instants, and the rows of each dataset; imports no other room |
//! | [`reconcile`] | the order of rows, the chain of balances, where it fails and why |
//! | [`breaks`] | a check that does not hold; its life over runs is in [`state`] |
//! | [`catalogue`] | checks, causes, exit codes and provider codes in words: `tieout explain` and docs |
//! | [`output`] | CSV, the Parquet lake, the manifest, and the commit that makes them visible together |
//! | [`report`] | `reconciliation.html`, the accountant's page |
//! | [`formats`] | statements for accounting programs and a workbook, each read back before it is released |
//! | [`state`] | what is remembered between runs, in SQLite |
//! | [`store`] | the committed lake, published to an object store |
//! | [`warehouse`] | what was committed, loaded into a database, and the SQL that others load it with |
//! | [`pipeline`] | from the plan to the commit |
//! | [`schedule`] | when jobs run: one process for all of them, or the units of systemd, cron and Kubernetes |
//! | [`notify`] | who is told of a run: figures for Prometheus, a healthcheck, a command, a webhook |
//! | [`sandbox`] | the provider on loopback |
//! | [`planted`] | bugs built in on purpose for the harness; none in an ordinary build |
//! | [`trace`] | the spans of a run, for who collects them |
//! | [`selftest`] | faults planted in generated books, and how many are found |
//!
//! # Glossary
//!
//! provider: who is asked. feed: one kind of row a provider gives. owner: the account or card whose rows form one chain.
//! listing: all rows of one owner in one feed, read page by page. window: whole local days, both ends included, in the
//! job's zone. booking date: the local day on which a row is booked. chain: each settled row's balance is the balance
//! before it plus its amount. seam: where a day's opening meets the closing of the day before. break: a check that does
//! not hold; breaks are data, never errors. register: the breaks of all runs, with a trail of every act on them. sealed
//! day: a committed day's rows as digests, chained to the day before. restatement: a booked row that is no longer what was
//! committed. reject: a row that cannot be held exactly or lacks what it needs; it is kept with its raw text.
//!
//! # Decisions
//!
//! - The fetch ends before the first row is looked at. Bytes land first, then a run reads its own landing as it would read
//!   an archive: a rerun without a network is the same code, and decoding is a pure function of landed bytes.
//! - Money is an integer of ten-thousandths. What does not fit is rejected, never rounded; no float comes near it.
//! - A listing counts as complete only when its pages overlap by a row, nothing comes behind its end, and the first of
//!   several pages reads the same at the end.
//! - Rows of one moment are ordered by solving for the path of their balances, so that no order has to be assumed.
//! - A break is explained, never repaired: the smallest cause is told with its evidence, and the rows stay as sent.
//! - What the provider means by a fee and by its two amounts is learnt from the balances: two rows make a habit, one is a
//!   break.
//!   Learnt per owner, and never from others: cards of one provider do differ, and a single row with a fee can be a fault.
//! - A break is told where the chain fails. What the IBAN statement or the reported balance says of the same fault is its
//!   evidence there, and no second break.
//! - A row left out and a wrong amount leave the same mark in a chain. Which it was is told by ids, VAT, `amount_fx`, the
//!   other statement and habit; where none of them tells, the sentence is the likelier one. The self-test counts apart the
//!   faults whose cause can be told at all (`selftest::visible`), and names a row right only if it is the very row.
//! - The ±1 day around the window and what lies in it beyond are asked for but not reported: whether the provider's dates
//!   are inclusive is not documented. Rows are selected by their own booking date.
//! - Days are sealed over what rows say, not over files: a file may be written anew, a row may not say something else.
//!   `tieout verify` needs nothing but the directory.
//! - Days may be committed in any order. A window that closes elsewhere than the days behind it open is a seam break, at the
//!   first row of those days: they are the ones to run again.
//! - A fault that shows in two feeds is one break, where amount and place leave no doubt. What a card or an order lacks
//!   stays a break of its own beside a torn chain: it is a fact in another list's words.
//! - An owner of more rows than are held at once is closed in parts, which know some rows around their own. What takes all
//!   rows (rejects, ids that stand twice, the meaning of fees) is learnt in passes before: its pages are read up to three
//!   times.
//! - A restatement stays open until somebody accepts it, or the row says again what it said first. That the next run
//!   compares with the new value makes it no better. breaks.csv lists what is open or accepted in its window; what went
//!   away stands in the register, with the reason.

pub mod breaks;
pub mod catalogue;
pub mod cli;
pub mod error;
pub mod formats;
pub mod job;
pub mod landing;
pub mod notify;
pub mod output;
pub mod pipeline;
pub mod planted;
pub mod provider;
pub mod reconcile;
pub mod record;
pub mod report;
pub mod sandbox;
pub mod schedule;
pub mod selftest;
pub mod state;
pub mod store;
pub mod trace;
pub mod warehouse;

pub use error::{Error, ErrorKind, Result};
