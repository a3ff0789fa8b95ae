//! A set of rules and dates, less other rules and dates.

use std::collections::VecDeque;

use chrono::{NaiveDateTime, TimeDelta};

use super::rule::{Freq, Rule};
use super::walk::Walk;

/// Is what the text of a recurrence says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::schedule) struct RuleSet {
    pub(super) rules: Vec<Rule>,
    pub(super) exrules: Vec<Rule>,
    /// Ascending, as are those below.
    pub(super) dates: Vec<NaiveDateTime>,
    pub(super) exdates: Vec<NaiveDateTime>,
}

impl RuleSet {
    /// Walks the times on the wall from `from` on.
    pub(in crate::schedule) fn walk(&self, from: NaiveDateTime) -> SetWalk {
        let merge = |rules: &[Rule], dates: &[NaiveDateTime]| {
            let rules = rules.iter().map(|rule| Source::Rule(Box::new(Walk::new(rule, from))));
            Merge::new(rules.chain([Source::Dates(dates.iter().copied().collect())]), from)
        };
        SetWalk { with: merge(&self.rules, &self.dates), without: merge(&self.exrules, &self.exdates) }
    }

    /// Returns the period of a rule that counts in minutes or seconds and neither ends nor is part of a set.
    ///
    /// Such a rule can start at any multiple of its period without a change of its times.
    pub(in crate::schedule) fn short_period(&self) -> Option<TimeDelta> {
        let [rule] = self.rules.as_slice() else { return None };
        let alone = self.exrules.is_empty() && self.dates.is_empty() && self.exdates.is_empty();
        let unit = match rule.parts.freq {
            Freq::Minutely => 60,
            Freq::Secondly => 1,
            _ => return None,
        };
        (alone && rule.parts.count.is_none()).then(|| TimeDelta::seconds(unit * rule.parts.interval))
    }
}

/// Is a walk along the times of a set, ascending and each once.
#[derive(Debug, Clone)]
pub(in crate::schedule) struct SetWalk {
    with: Merge,
    without: Merge,
}

impl Iterator for SetWalk {
    type Item = NaiveDateTime;

    fn next(&mut self) -> Option<NaiveDateTime> {
        loop {
            let wall = self.with.next()?;
            while self.without.head().is_some_and(|without| without < wall) {
                self.without.next();
            }
            if self.without.head() != Some(wall) {
                return Some(wall);
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Source {
    Rule(Box<Walk>),
    Dates(VecDeque<NaiveDateTime>),
}

impl Iterator for Source {
    type Item = NaiveDateTime;

    fn next(&mut self) -> Option<NaiveDateTime> {
        match self {
            Self::Rule(walk) => walk.next(),
            Self::Dates(dates) => dates.pop_front(),
        }
    }
}

/// Merges sources that ascend.
#[derive(Debug, Clone)]
struct Merge {
    sources: Vec<(NaiveDateTime, Source)>,
}

impl Merge {
    fn new(sources: impl Iterator<Item = Source>, from: NaiveDateTime) -> Self {
        let begin = |mut source: Source| source.find(|wall| *wall >= from).map(|head| (head, source));
        Self { sources: sources.filter_map(begin).collect() }
    }

    fn head(&self) -> Option<NaiveDateTime> {
        self.sources.iter().map(|(head, _)| *head).min()
    }
}

impl Iterator for Merge {
    type Item = NaiveDateTime;

    fn next(&mut self) -> Option<NaiveDateTime> {
        let first = self.head()?;
        self.sources.retain_mut(|(head, source)| {
            while *head == first {
                match source.next() {
                    Some(next) => *head = next,
                    None => return false,
                }
            }
            true
        });
        Some(first)
    }
}
