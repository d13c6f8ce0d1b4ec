//! Which faults hit a request.

use std::collections::HashMap;

use super::{Choice, Fault, What};
use crate::sandbox::generator::Random;

/// A fault that hits a request.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Applied {
    pub(in crate::sandbox) what: What,
    /// The fault as it was written.
    pub(in crate::sandbox) text: String,
}

/// The faults of a sandbox and how often each has been matched.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Engine {
    rules: Vec<Rule>,
    seed: u64,
}

#[derive(Debug)]
struct Rule {
    fault: Fault,
    seen: u64,
    seen_by_url: HashMap<String, u64>,
}

impl Engine {
    pub(in crate::sandbox) fn new(faults: Vec<Fault>, seed: u64) -> Self {
        let mut engine = Self { rules: Vec::new(), seed };
        for fault in faults {
            engine.add(fault);
        }
        engine
    }

    pub(in crate::sandbox) fn add(&mut self, fault: Fault) {
        self.rules.push(Rule { fault, seen: 0, seen_by_url: HashMap::new() });
    }

    pub(in crate::sandbox) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Counts the request, and tells what hits it.
    pub(in crate::sandbox) fn decide(&mut self, url: &str) -> Vec<Applied> {
        let mut applied = Vec::new();
        for (index, rule) in self.rules.iter_mut().enumerate() {
            if !rule.fault.place.matches(url) {
                continue;
            }
            let ordinal = rule.count(url);
            let hit = match rule.fault.when.choice {
                Choice::Range { first, count } => ordinal >= first && ordinal - first < count,
                Choice::Percent(percent) => {
                    Random::for_part(self.seed ^ index as u64, ordinal).below(100) < percent.into()
                }
            };
            if hit {
                applied.push(Applied { what: rule.fault.what.clone(), text: rule.fault.to_string() });
            }
        }
        applied
    }
}

impl Rule {
    fn count(&mut self, url: &str) -> u64 {
        let seen =
            if self.fault.when.by_url { self.seen_by_url.entry(url.to_owned()).or_default() } else { &mut self.seen };
        *seen += 1;
        *seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(fault: &str, urls: &[&str]) -> Vec<bool> {
        let mut engine = Engine::new(vec![fault.parse().expect("a fault")], 1);
        urls.iter().map(|url| !engine.decide(url).is_empty()).collect()
    }

    #[test]
    fn matching_requests_are_counted_from_one() {
        assert_eq!(hits("500@/a#2x2", &["/a", "/b", "/a", "/a", "/a"]), [false, false, true, true, false]);
        assert_eq!(hits("500@/a#2+", &["/a", "/a", "/a"]), [false, true, true]);
        assert_eq!(hits("500@*#1/url", &["/a", "/a", "/a?p=2", "/a"]), [true, false, true, false]);
    }

    #[test]
    fn a_share_of_requests_is_the_same_share_each_time() {
        let urls = vec!["/a"; 1000];
        let hit = hits("500@*#10%", &urls);
        assert_eq!(hit, hits("500@*#10%", &urls));
        let count = hit.iter().filter(|hit| **hit).count();
        assert!((60..140).contains(&count), "{count}");
    }
}
