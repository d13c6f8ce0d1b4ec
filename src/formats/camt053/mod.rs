//! ISO 20022 `camt.053.001.08` or `.02`, Bank to Customer Statement: a file an owner, a `Stmt` a period.
//!
//! - `CreDtTm` is the last second of the period by the clock of the job's zone, not the moment of the run: the same rows
//!   give the same bytes. `MsgId` and `Stmt/Id` are made of owner and period; `ElctrncSeqNb` is the last day as YYYYMMDD.
//! - `OPBD` and `CLBD` are the balances that the provider states. Where the chain is broken they do not meet: every break
//!   stands in `AddtlNtryInf` of the entry at which it was found and in `AddtlStmtInf`.
//! - Settled rows are `BOOK` entries; pending rows are `PDNG` entries and in no sum. Rows that were cancelled or refused
//!   are no entries.
//! - `AcctSvcrRef` is the txid. One of more than 35 characters keeps its first 26 and a hash; the whole stands in `AddtlTxInf`.
//! - `Acct/Id` is the provider's own id of the account or card (`Othr`): no response that tieout asks for tells an account's
//!   IBAN. The provider tells it once, when an IBAN is made; `iban` of a row is the other side's, `virtual_iban` the one
//!   through which a movement came. IBANs of the other side stand in `RltdPties`.
//! - Texts are cut into as many `Ustrd` of 140 characters as they need. A character that XML does not allow is U+FFFD.

mod read;
mod write;

use std::io::BufRead;

use super::StatementFormat;
use super::control::{Listener, Spelling};
use super::pen::Pen;
use super::statement::{Per, Statement};
use super::text::{allowed_in_xml, short_id};

/// Characters of a reference.
const ID_CHARS_MAX: usize = 35;

/// The message's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// camt.053.001.02, of 2009.
    V02,
    /// camt.053.001.08, of 2019.
    #[default]
    V08,
}

impl Version {
    /// As a job file names them.
    pub const NAMES: [(&'static str, Version); 2] = [("001.02", Version::V02), ("001.08", Version::V08)];

    fn namespace(self) -> &'static str {
        match self {
            Version::V02 => "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02",
            Version::V08 => "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08",
        }
    }
}

/// The format, as a job chose it.
#[derive(Debug, Clone, Copy)]
pub struct Camt053 {
    /// The message's version.
    pub version: Version,
    /// What a `Stmt` covers.
    pub per: Per,
}

impl Spelling for Camt053 {
    fn per(&self) -> Per {
        self.per
    }

    fn lists_pending(&self) -> bool {
        true
    }

    fn id(&self, id: &str) -> String {
        short_id(&allowed_in_xml(id), ID_CHARS_MAX)
    }

    fn text(&self, _id: &str, text: &str) -> String {
        allowed_in_xml(text).into_owned()
    }
}

impl StatementFormat for Camt053 {
    fn name(&self) -> &'static str {
        "camt053"
    }

    fn extension(&self) -> &'static str {
        "xml"
    }

    fn write(&self, statements: &[Statement<'_>], pen: &mut Pen<'_>) -> Result<(), String> {
        write::write(*self, statements, pen)
    }

    fn read(&self, file: &mut dyn BufRead, listener: &mut dyn Listener) -> Result<(), String> {
        read::read(file, listener)
    }

    fn spelling(&self) -> &dyn Spelling {
        self
    }
}
