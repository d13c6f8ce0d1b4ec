//! The lines of `raw/_runs/<run>.ndjson` beside the responses'.

use serde::{Deserialize, Serialize};

use super::{Listing, ListingPage, Proof, Subject};
use crate::record::{Owner, OwnerKind};

/// A listing, as the index spells it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListingLine {
    listing: Subject,
    owner_kind: String,
    acc_id: String,
    card_ref: String,
    pages: Vec<ListingPage>,
    #[serde(flatten)]
    proof: Proof,
}

impl From<&Listing> for ListingLine {
    fn from(listing: &Listing) -> Self {
        Self {
            listing: listing.subject,
            owner_kind: listing.owner.kind.name().to_owned(),
            acc_id: listing.owner.acc_id.clone(),
            card_ref: listing.owner.card_ref.clone(),
            pages: listing.pages.clone(),
            proof: listing.proof.clone(),
        }
    }
}

impl From<ListingLine> for Listing {
    fn from(line: ListingLine) -> Self {
        let kind = match line.owner_kind.as_str() {
            "card" => OwnerKind::Card,
            "provider" => OwnerKind::Provider,
            _ => OwnerKind::Account,
        };
        Listing {
            subject: line.listing,
            owner: Owner { kind, acc_id: line.acc_id, card_ref: line.card_ref },
            pages: line.pages,
            proof: line.proof,
        }
    }
}
