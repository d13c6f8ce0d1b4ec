//! The days on either side of the window, as earlier runs committed them: an owner that does not have as many rows there
//! any more may have moved some into the window.

use std::collections::{HashMap, HashSet};

use super::dataset_of;
use crate::Result;
use crate::job::Plan;
use crate::output::{DaysAround, OutputDir};
use crate::record::{Day, Feed, Window};
use crate::state::OwnerKey;

/// How many rows of each owner were committed, and who has others now.
#[derive(Debug)]
pub(super) struct Beside {
    days: [Day; 2],
    /// Around the window: the days that rows are looked for.
    around: Window,
    committed: HashMap<Feed, HashMap<OwnerKey, [u64; 2]>>,
    differing: HashMap<Feed, HashSet<(OwnerKey, Day)>>,
}

impl Beside {
    pub(super) fn read(out: &OutputDir, plan: &Plan) -> Result<Beside> {
        let days = [plan.window.from.previous(), plan.window.to.next()];
        let mut committed: HashMap<Feed, HashMap<OwnerKey, [u64; 2]>> = HashMap::new();
        for feed in &plan.feeds {
            for (side, day) in days.into_iter().enumerate() {
                for sealed in out.state().sealed_rows(dataset_of(*feed), day)? {
                    committed.entry(*feed).or_default().entry((*sealed.owner).clone()).or_default()[side] = sealed.rows;
                }
            }
        }
        let far = plan.transfer_days.max(1);
        let around = Window { from: plan.window.from.plus(-far), to: plan.window.to.plus(far) };
        Ok(Beside { days, around, committed, differing: HashMap::new() })
    }

    /// Notes an owner with fewer rows than were committed.
    pub(super) fn compare(&mut self, feed: Feed, owner: &OwnerKey, now: [u64; 2]) {
        let Some(committed) = self.committed.get_mut(&feed).and_then(|owners| owners.remove(owner)) else {
            return;
        };
        for (side, day) in self.days.into_iter().enumerate() {
            if now[side] < committed[side] {
                self.differing.entry(feed).or_default().insert((owner.clone(), day));
            }
        }
    }

    /// Where rows of a feed may have come from.
    pub(super) fn around(&self, feed: Feed) -> DaysAround {
        DaysAround { days: self.around, differing: self.differing.get(&feed).cloned().unwrap_or_default() }
    }
}
