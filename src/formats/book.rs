//! The files of a run on their way into its report folder.

use std::collections::HashSet;

use super::xlsx::{SheetRows, Workbook, sheet_rows};
use super::{Accounting, OwnerFile, OwnerFiles, hledger, text};
use crate::Result;
use crate::output::{FileFacts, Publication, Totals};
use crate::record::{BreakRow, Dataset, RejectRow, dataset};

/// The name of the workbook in the report folder.
const WORKBOOK: &str = "tieout.xlsx";

/// Takes what the owners' threads made, in the order of owners.
#[derive(Debug)]
pub struct Book {
    accounting: Accounting,
    workbook: Option<Workbook>,
    /// Names given away: two cards of one reference must not share a file.
    names: HashSet<String>,
    journals: Vec<String>,
}

impl Book {
    /// Nothing yet; the workbook will have sheets of these datasets, breaks first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn begin(accounting: Accounting, publication: &Publication, datasets: &[&'static Dataset]) -> Result<Book> {
        let mut ordered = datasets.to_vec();
        let first = [dataset::BREAKS.name, dataset::BALANCES.name];
        ordered.sort_by_key(|dataset| first.iter().position(|name| *name == dataset.name).unwrap_or(first.len()));
        let workbook = accounting.xlsx.then(|| Workbook::begin(&ordered, || publication.scratch_file())).transpose()?;
        Ok(Book { accounting, workbook, names: HashSet::new(), journals: Vec::new() })
    }

    /// Adds an owner's files; what is to be said of the owner is appended to `notes`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn take(&mut self, publication: &mut Publication, files: OwnerFiles, notes: &mut Vec<String>) -> Result<()> {
        notes.extend(files.notes);
        files.files.into_iter().try_for_each(|file| self.add(publication, file))
    }

    fn add(&mut self, publication: &mut Publication, mut file: OwnerFile) -> Result<()> {
        let plain = format!("{}-{}", file.owner.kind.name(), text::file_name(file.owner.id()));
        let candidates = (1..).map(|number| match number {
            1 => format!("{plain}.{}", file.extension),
            number => format!("{plain}~{number}.{}", file.extension),
        });
        let mut names = candidates.map(|name| (format!("{}/{name}", file.format), name));
        let (path, name) = names.find(|(path, _)| self.names.insert(path.clone())).expect("numbers do not end");
        if file.format == hledger::FOLDER {
            self.journals.push(name);
        }
        publication.add_report_stream(&path, &mut file.content, file.facts)
    }

    /// Appends rows to their sheet.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&mut self, rows: Option<SheetRows>) -> Result<()> {
        match (&mut self.workbook, rows) {
            (Some(workbook), Some(rows)) => workbook.append(&rows),
            _ => Ok(()),
        }
    }

    /// Writes what speaks of all owners.
    ///
    /// # Errors
    /// When the disk refuses, or the workbook does not read back as its rows.
    pub fn finish(
        mut self,
        publication: &mut Publication,
        job: &str,
        breaks: &[BreakRow],
        rejects: &[RejectRow],
    ) -> Result<()> {
        if self.accounting.hledger {
            let name = format!("{}/{job}.journal", hledger::FOLDER);
            publication.add_report_file(&name, &hledger::index(job, &self.journals))?;
        }
        self.append(Some(sheet_rows(&dataset::BREAKS, breaks)))?;
        self.append(Some(sheet_rows(&dataset::REJECTS, rejects)))?;
        let Some(workbook) = self.workbook else { return Ok(()) };
        let totals = Totals::of_rows(workbook.rows());
        let mut file = workbook.finish(publication.scratch_file()?)?;
        publication.add_report_stream(WORKBOOK, &mut file, FileFacts { totals: Some(totals), ..FileFacts::default() })
    }
}
