//! A run of some of the accounts: what is not theirs is left out before the first row is looked at.

use std::path::Path;

use super::gather::Gathered;
use crate::job::Shard;
use crate::landing::Subject;
use crate::state::State;
use crate::{Error, Result};

/// What was gathered of the shard's accounts. The list of accounts and pages that cannot be read may be anybody's:
/// every shard tells of them.
pub(super) fn of(mut gathered: Gathered, shard: Shard) -> Gathered {
    gathered.owners.retain(|pages| shard.holds(&pages.owner.acc_id));
    gathered.listings.retain(|listing| listing.subject == Subject::Accounts || shard.holds(&listing.owner.acc_id));
    gathered.currencies.retain(|acc_id, _| shard.holds(acc_id));
    gathered.notes.push(format!("shard {shard}: the other accounts are in the output directories of the other shards"));
    gathered
}

/// A directory holds one share of the accounts: a run of another one would take the rows of a day's other accounts out.
///
/// # Errors
/// Of kind usage when the directory holds another share; when the state cannot be read.
pub fn refuse_another_share(directory: &Path, wanted: Option<Shard>, state: &State) -> Result<()> {
    match state.shard()? {
        Some(there) if there != text(wanted) => {
            let (wanted, there) = (named(text(wanted)), named(there));
            Err(Error::usage(format!("expected an output directory of {wanted}, found one of {there}"))
                .at(directory.display())
                .hint("give each shard an output directory of its own with --out, and keep to one number of shards"))
        }
        _ => Ok(()),
    }
}

/// What a shard's run landed is not everybody's, nor another shard's.
///
/// # Errors
/// Of kind usage when the landing is of another share than wanted.
pub(super) fn refuse_landing(directory: &Path, wanted: Option<Shard>, there: &str) -> Result<()> {
    if there.is_empty() || text(wanted).as_deref() == Some(there) {
        return Ok(());
    }
    let wanted = named(text(wanted));
    Err(Error::usage(format!("expected an archive of {wanted}, found what a run of shard {there} landed"))
        .at(directory.display())
        .hint(format!("read it back with --shard {there}")))
}

fn text(shard: Option<Shard>) -> Option<String> {
    shard.map(|shard| shard.to_string())
}

fn named(shard: Option<String>) -> String {
    shard.map_or_else(|| "all accounts".to_owned(), |shard| format!("shard {shard}"))
}
