//! Who waits for slots of which limits, in the order in which they came.

use std::collections::{BTreeSet, HashMap};

/// One line for each limit. Whoever wants slots of several stands in all of their lines, and it is their turn when they
/// are the first in each: so nobody holds some slots while they wait for others, and nobody is overtaken.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    by_name: HashMap<String, BTreeSet<u64>>,
    last: u64,
}

impl Lines {
    /// Stands at the end of the lines of some limits, and gives the number to be known by.
    pub(crate) fn join(&mut self, names: &[String]) -> u64 {
        self.last += 1;
        for name in names {
            self.by_name.entry(name.clone()).or_default().insert(self.last);
        }
        self.last
    }

    /// Goes away.
    pub(crate) fn leave(&mut self, number: u64, names: &[String]) {
        for name in names {
            if let Some(line) = self.by_name.get_mut(name) {
                line.remove(&number);
                if line.is_empty() {
                    self.by_name.remove(name);
                }
            }
        }
    }

    /// Tells whether it is somebody's turn.
    pub(crate) fn is_first(&self, number: u64, names: &[String]) -> bool {
        names.iter().all(|name| self.first(name) == Some(number))
    }

    /// Who is the first in a line.
    pub(crate) fn first(&self, name: &str) -> Option<u64> {
        self.by_name.get(name)?.first().copied()
    }

    /// Who are the first in some lines, each of them once.
    pub(crate) fn firsts(&self, names: &[String]) -> Vec<u64> {
        let mut firsts: Vec<u64> = names.iter().filter_map(|name| self.first(name)).collect();
        firsts.sort_unstable();
        firsts.dedup();
        firsts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_turn_of_whoever_is_first_in_all_their_lines() {
        let name = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let (a, b, both) = (name(&["a"]), name(&["b"]), name(&["a", "b"]));
        let mut lines = Lines::default();
        let (first, second, third) = (lines.join(&a), lines.join(&both), lines.join(&b));
        assert!(lines.is_first(first, &a));
        assert!(!lines.is_first(second, &both), "it is the second for a");
        assert!(!lines.is_first(third, &b), "nobody is overtaken");
        lines.leave(first, &a);
        assert!(lines.is_first(second, &both));
        assert_eq!(lines.firsts(&both), [second]);
        lines.leave(second, &both);
        assert!(lines.is_first(third, &b));
        lines.leave(third, &b);
        assert!(lines.by_name.is_empty());
    }
}
