//! The provider's part of a check-up: token, signature, `apicheck`, and what this user may see.

use chrono::Utc;
use serde_json::value::RawValue;

use super::client::Client;
use super::wire::{self, Envelope};
use super::{auth, codes, path, route};
use crate::job::{Connection, Plan};
use crate::landing::{Shelf, Subject};
use crate::provider::Unwatched;
use crate::provider::checkup::{Outcome, Step, Tell, reach, secured, told, unanswered};
use crate::record::{Feed, Owner, OwnerKind};
use crate::{Error, Result};

/// Accounts whose rights are looked at: they are alike as a rule, and a user may have thousands.
const ACCOUNTS_LOOKED_AT: usize = 3;
/// Accounts that are named.
const ACCOUNTS_NAMED: usize = 8;
/// What to do where something answers, but not in TLS.
const NO_TLS: &str = "what answers there does not speak TLS as it should: check host and port of base_url, and any proxy \
                      between; openssl s_client -connect HOST:PORT shows what it says";
/// What to do where an answer comes that the provider does not give.
const IN_BETWEEN: &str = "run again later; if it goes on, something between here and the provider (a proxy, a firewall) may \
                          answer in its place or cut it off";
/// Up to it, clocks agree: an answer takes its time.
const CLOCK_NEAR_S: u64 = 3;
/// Beyond it, days at midnight may be asked for too early or too late.
const CLOCK_FAR_S: u64 = 120;

/// Checks everything that a run needs, and tells of each step. With `apicheck_only`, what the user may see is left out.
///
/// # Errors
/// The first step that failed; of rights, all feeds that cannot be read.
pub async fn check_up(plan: &Plan, connection: &Connection, apicheck_only: bool, tell: &mut Tell<'_>) -> Result<()> {
    let client = told(tell, "key", Client::new(connection, None, &Unwatched))?;
    tell(Step::works("key", format!("RSA, {} bits", client.key_bits())));
    reach(connection, tell).await?;
    authorise(&client, connection, tell).await?;
    apicheck(&client, connection, tell).await?;
    if apicheck_only {
        return Ok(());
    }
    let accounts = accounts(&client, connection, tell).await?;
    rights(&client, plan, &accounts, tell).await
}

async fn authorise(client: &Client<'_>, connection: &Connection, tell: &mut Tell<'_>) -> Result<()> {
    if let Err(trouble) = client.authorise().await {
        return Err(refused(trouble.error, "token", connection, tell));
    }
    tell(secured(connection));
    tell(Step::works("address", "the provider lets this machine's address in"));
    tell(Step::works("signature", "it fits the registered public key"));
    tell(Step::works("token", format!("given to '{}'", connection.username)));
    Ok(())
}

/// Tells which step failed, and of those before it that they work.
fn refused(error: Error, asked: &'static str, connection: &Connection, tell: &mut Tell<'_>) -> Error {
    let name = match error.code() {
        // A token was given, so that what it took works: the refusal is of this very request.
        _ if asked != "token" => asked,
        Some(codes::ADDRESS_NOT_ALLOWED) => "address",
        Some(codes::BAD_SIGNATURE | codes::VALIDATION_DATA_USED) => "signature",
        Some(codes::INVALID_TOKEN) => "token",
        None => unanswered(&error),
        _ => asked,
    };
    if asked == "token" && name != "tls" {
        tell(secured(connection));
        for before in ["address", "signature"].into_iter().take_while(|before| *before != name) {
            tell(Step::new(before, Outcome::Unknown, "this refusal does not tell"));
        }
    }
    let error = match error.hint_text() {
        None if name == "tls" => error.hint(NO_TLS),
        None => error.hint(format!("{IN_BETWEEN}: curl -v {} shows what comes", connection.base_url)),
        Some(_) => error,
    };
    tell(Step::failed(name, &error));
    error
}

async fn apicheck(client: &Client<'_>, connection: &Connection, tell: &mut Tell<'_>) -> Result<()> {
    let read = |_: &str, envelope: &Envelope<'_>, body: &RawValue| {
        let date_time = wire::date_time(body).ok_or("expected a date_time in the answer")?;
        Ok((date_time, envelope.timestamp.and_then(auth::timestamp_s)))
    };
    match client.get(Shelf::Other, "/v1.0/apicheck", read).await {
        Err(trouble) => Err(refused(trouble.error, "apicheck", connection, tell)),
        Ok(reply) => {
            let (date_time, timestamp_s) = reply.value;
            tell(Step::works("apicheck", format!("{}, provider's time {date_time}", connection.base_url)));
            tell(clock(timestamp_s.map(|timestamp_s| timestamp_s - Utc::now().timestamp())));
            Ok(())
        }
    }
}

fn clock(ahead_s: Option<i64>) -> Step {
    match ahead_s {
        None => Step::new("clock", Outcome::Unknown, "the provider sent no timestamp that can be read"),
        Some(ahead) if ahead.unsigned_abs() > CLOCK_FAR_S => Step {
            hint: Some(
                "timedatectl tells whether this machine's clock is kept right; it decides which day is yesterday"
                    .to_owned(),
            ),
            ..Step::new("clock", Outcome::Warning, format!("{}: is NTP running?", apart(ahead)))
        },
        Some(ahead) if ahead.unsigned_abs() > CLOCK_NEAR_S => Step::works("clock", apart(ahead)),
        Some(_) => Step::works("clock", "the provider's clock and this machine's agree"),
    }
}

fn apart(ahead_s: i64) -> String {
    let (seconds, way) = (ahead_s.unsigned_abs(), if ahead_s < 0 { "behind" } else { "ahead of" });
    format!("the provider's clock is {seconds} s {way} this machine's")
}

async fn accounts(client: &Client<'_>, connection: &Connection, tell: &mut Tell<'_>) -> Result<Vec<String>> {
    let target = format!("/v1.0/accounts?limit_start=0&limit_number={}", connection.page_size);
    let page = client.page(Shelf::Other, &target, wire::RowsKey::Accounts).await;
    let page = page.map_err(|trouble| refused(trouble.error, "accounts", connection, tell))?;
    let ids: Vec<String> = page.rows().filter_map(|row| wire::account(&String::from_utf8_lossy(row)).acc_id).collect();
    if ids.is_empty() {
        let hint = "ask the provider which accounts this API user may see";
        let error = Error::provider("the provider shows this user no account: there is nothing to fetch").hint(hint);
        return told(tell, "accounts", Err(error));
    }
    let more =
        if page.total.unwrap_or_default() > ids.len() as u64 || ids.len() > ACCOUNTS_NAMED { ", …" } else { "" };
    let count = page.total.unwrap_or(ids.len() as u64).max(ids.len() as u64);
    let named = ids.iter().take(ACCOUNTS_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    tell(Step::works("accounts", format!("{count} seen: {named}{more}")));
    Ok(ids)
}

/// Asks for a row of each feed of the first accounts.
async fn rights(client: &Client<'_>, plan: &Plan, accounts: &[String], tell: &mut Tell<'_>) -> Result<()> {
    let looked_at: Vec<Owner> = accounts.iter().take(ACCOUNTS_LOOKED_AT).map(Owner::account).collect();
    let mut failures: Vec<(Feed, Error)> = Vec::new();
    for feed in &plan.feeds {
        let outcome = match feed.owner_kind() {
            OwnerKind::Account | OwnerKind::Provider => feed_of(client, *feed, &looked_at).await,
            OwnerKind::Card => match cards_of(client, &looked_at).await {
                Ok(cards) => feed_of(client, *feed, &cards).await,
                Err(error) => Err(error),
            },
        };
        match outcome {
            Ok(step) => tell(step),
            Err(error) => {
                tell(Step { found: format!("{feed}: {}", error.one_line()), ..Step::failed("rights", &error) });
                failures.push((*feed, error));
            }
        }
    }
    let Some((_, first)) = failures.first() else { return Ok(()) };
    let names: Vec<&str> = failures.iter().map(|(feed, _)| feed.name()).collect();
    let message = format!("{} of {} feeds cannot be read: {}", failures.len(), plan.feeds.len(), names.join(", "));
    let error = Error::provider(message).coded(first.code());
    Err(match first.hint_text() {
        Some(hint) => error.hint(hint),
        None => error,
    })
}

async fn feed_of(client: &Client<'_>, feed: Feed, owners: &[Owner]) -> Result<Step> {
    if owners.is_empty() {
        return Ok(Step::new("rights", Outcome::Unknown, format!("{feed}: no card on the first accounts to ask for")));
    }
    let subject = Subject::from(feed);
    for owner in owners {
        let target = format!("{}?limit_start=0&limit_number=1", path(subject, owner)?);
        client.page(Shelf::Other, &target, route(subject).rows).await.map_err(|trouble| trouble.error)?;
    }
    let names: Vec<&str> = owners.iter().map(Owner::id).collect();
    Ok(Step::works("rights", format!("{feed} of {}", names.join(", "))))
}

/// The first card of each account that has one.
async fn cards_of(client: &Client<'_>, accounts: &[Owner]) -> Result<Vec<Owner>> {
    let mut cards = Vec::new();
    for account in accounts {
        let target = format!("{}?limit_start=0&limit_number=1", path(Subject::Cards, account)?);
        let page =
            client.page(Shelf::Other, &target, route(Subject::Cards).rows).await.map_err(|trouble| trouble.error)?;
        let card = page.rows().find_map(|row| wire::card(&String::from_utf8_lossy(row)).card_ref);
        cards.extend(card.map(|card_ref| Owner::card(&account.acc_id, &card_ref)));
    }
    Ok(cards)
}
