//! Where a run's files wait for the commit.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use crate::Result;
use crate::output::commit::{Journal, LAKE_FOLDER, Outcome, REPORT_FOLDER};
use crate::output::directory::Shared;
use crate::output::disk::{Access, Refused};
use crate::output::staged::{Digested, StagedFile};

/// The folder in which a run is staged. It goes when the run does, unless a commit needs it.
#[derive(Debug)]
pub(in crate::output) struct Staging {
    pub(in crate::output) shared: Arc<Shared>,
    pub(super) folder: PathBuf,
    needed: bool,
}

impl Staging {
    pub(super) fn begin(shared: &Arc<Shared>, run_id: &str) -> Result<Staging> {
        let folder = shared.committer().transaction(run_id);
        let staging = Staging { shared: Arc::clone(shared), folder, needed: false };
        for (name, access) in [("", Access::Private), (REPORT_FOLDER, Access::Shared), (LAKE_FOLDER, Access::Private)] {
            let path = staging.folder.join(name);
            shared.machine.disk.create_folder(&path, access).or_refused("make a folder", &path)?;
        }
        Ok(staging)
    }

    pub(super) fn create(&self, name: &str, access: Access) -> Result<StagedFile> {
        StagedFile::create(&*self.shared.machine.disk, self.folder.join(name), access)
    }

    pub(super) fn write_whole(&self, name: &str, access: Access, bytes: &[u8]) -> Result<Digested> {
        StagedFile::write_whole(&*self.shared.machine.disk, self.folder.join(name), access, bytes)
    }

    pub(super) fn commit(&mut self, journal: &Journal) -> Result<()> {
        let _alone = self.shared.committing.lock().unwrap_or_else(PoisonError::into_inner);
        self.needed = true;
        let outcome = self.shared.committer().commit(journal);
        self.needed = matches!(outcome, Outcome::Unfinished(_));
        outcome.into()
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.needed {
            // What cannot be removed now is removed when the directory is opened next.
            let _ = self.shared.machine.disk.remove_folder(&self.folder);
        }
    }
}
