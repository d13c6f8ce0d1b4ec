//! Feeds and owners.

use std::cmp::Ordering;
use std::fmt;

/// One kind of row a provider gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feed {
    /// Lines of an account's statement. They form the account's balance chain.
    AccountStatements,
    /// Lines of an account's IBAN statement: the subset of its lines that came or went by bank transfer.
    IbanStatements,
    /// A card's transactions. They form the card's balance chain.
    CardTransactions,
    /// Orders to pay out of an account; they carry no balance.
    CreditTransfers,
}

impl Feed {
    /// All feeds, in the order in which the contract names them.
    pub const ALL: [Feed; 4] =
        [Feed::AccountStatements, Feed::IbanStatements, Feed::CardTransactions, Feed::CreditTransfers];

    /// The name in job files, folders and reports.
    pub fn name(self) -> &'static str {
        match self {
            Feed::AccountStatements => "account_statements",
            Feed::IbanStatements => "iban_statements",
            Feed::CardTransactions => "card_transactions",
            Feed::CreditTransfers => "credit_transfers",
        }
    }

    /// The feed of that name.
    pub fn from_name(name: &str) -> Option<Feed> {
        Feed::ALL.into_iter().find(|feed| feed.name() == name)
    }

    /// Whose rows form one listing of this feed.
    pub fn owner_kind(self) -> OwnerKind {
        match self {
            Feed::CardTransactions => OwnerKind::Card,
            _ => OwnerKind::Account,
        }
    }

    /// Whether the rows of one owner form a balance chain. IBAN statements carry balances too, but of a chain whose
    /// other links stand only in the account statement.
    pub fn is_chain(self) -> bool {
        matches!(self, Feed::AccountStatements | Feed::CardTransactions)
    }
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an owner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OwnerKind {
    /// The provider itself: owner of the listing of accounts.
    Provider,
    /// An account.
    Account,
    /// A payment card.
    Card,
}

impl OwnerKind {
    /// The name in reports (`owner_kind`).
    pub fn name(self) -> &'static str {
        match self {
            OwnerKind::Provider => "provider",
            OwnerKind::Account => "account",
            OwnerKind::Card => "card",
        }
    }
}

/// The account or card whose rows form one chain. Ids are the provider's, as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Account or card.
    pub kind: OwnerKind,
    /// The account; for a card the account behind it, empty when nobody told.
    pub acc_id: String,
    /// The card's reference, empty for an account.
    pub card_ref: String,
}

impl Owner {
    /// An account.
    pub fn account(acc_id: impl Into<String>) -> Self {
        Self { kind: OwnerKind::Account, acc_id: acc_id.into(), card_ref: String::new() }
    }

    /// A card of an account.
    pub fn card(acc_id: impl Into<String>, card_ref: impl Into<String>) -> Self {
        Self { kind: OwnerKind::Card, acc_id: acc_id.into(), card_ref: card_ref.into() }
    }

    /// The provider as owner of its list of accounts.
    pub fn provider(name: impl Into<String>) -> Self {
        Self { kind: OwnerKind::Provider, acc_id: name.into(), card_ref: String::new() }
    }

    /// The id that names this owner in `owner_id`.
    pub fn id(&self) -> &str {
        if self.kind == OwnerKind::Card { &self.card_ref } else { &self.acc_id }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.id())
    }
}

impl Ord for Owner {
    fn cmp(&self, other: &Self) -> Ordering {
        self.kind
            .cmp(&other.kind)
            .then_with(|| natural_cmp(&self.acc_id, &other.acc_id))
            .then_with(|| natural_cmp(&self.card_ref, &other.card_ref))
    }
}

impl PartialOrd for Owner {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Orders ids as a person would: 2 before 10 when both are digits, by bytes otherwise. A total order.
pub fn natural_cmp(a: &str, b: &str) -> Ordering {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|c| c.is_ascii_digit());
    match (digits(a), digits(b)) {
        (true, true) => {
            let (x, y) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y)).then_with(|| a.cmp(b))
        }
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}
