//! What of a page cannot be taken: the page as a whole, or some of its rows.

use std::cell::OnceCell;

use sha2::{Digest, Sha256};

use super::gather::OwnerPages;
use crate::landing::mask::masked_text;
use crate::provider::anytime::decode::Rejection;
use crate::record::{Feed, RejectRow};

/// Tells what is rejected of one page. Its hash is made once, however many rows are.
pub(super) struct PageRejects<'p> {
    pages: &'p OwnerPages,
    response: &'p [u8],
    sha256: OnceCell<String>,
}

impl<'p> PageRejects<'p> {
    /// Of a page of this owner.
    pub fn of(pages: &'p OwnerPages, response: &'p [u8]) -> PageRejects<'p> {
        PageRejects { pages, response, sha256: OnceCell::new() }
    }

    /// The page, which cannot be read.
    pub fn page(&self, reason: String) -> RejectRow {
        self.reject(String::new(), None, reason, &String::from_utf8_lossy(self.response))
    }

    /// A row of it, by its place.
    pub fn row(&self, index: usize, rejection: &Rejection, raw: &str) -> RejectRow {
        let key = if self.pages.feed == Feed::CreditTransfers { "credit-transfers" } else { "transactions" };
        let field = if rejection.field.is_empty() { String::new() } else { format!("/{}", rejection.field) };
        let pointer = format!("/body/{key}/{index}{field}");
        self.reject(pointer, rejection.txid.clone(), rejection.reason.clone(), raw)
    }

    fn reject(&self, pointer: String, txid: Option<String>, reason: String, raw: &str) -> RejectRow {
        RejectRow {
            feed: self.pages.feed,
            owner_id: Some(self.pages.owner.id().to_owned()).filter(|id| !id.is_empty()),
            txid,
            page_sha256: self.sha256.get_or_init(|| sha256(self.response)).clone(),
            pointer,
            reason,
            raw: masked_text(raw).into_owned(),
        }
    }
}

/// Hex SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
