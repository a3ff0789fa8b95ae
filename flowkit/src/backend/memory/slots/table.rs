//! The limits of this process, who waits for slots of them, and who holds some. Every decision is made here; waiting is not.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::{Instant, Timestamp};
use crate::error::{Error, ErrorKind};
use crate::slots::{
    ConcurrencyLimit, ExistingLimit, LimitChange, Lines, OF_TAGS, SlotHolder, SlotMode, Taker, Wanted, check_slots,
    exists,
};

/// How many limits there may be: what is in memory stays bounded, and none may be forgotten for another.
const MOST: usize = 10_000;

/// What time it is, on the clock that measures and on the one that people read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) timestamp: Timestamp,
}

/// All that is known.
#[derive(Debug, Default)]
pub(super) struct Table {
    limits: BTreeMap<String, Counted>,
    lines: Lines,
    waiting: HashMap<u64, Waiting>,
    held: HashMap<u64, Held>,
}

#[derive(Debug)]
struct Counted {
    limit: u32,
    active: bool,
    decay: f64,
    taken: u32,
    /// Until when decay has been counted.
    counted: Instant,
    created: Timestamp,
    updated: Timestamp,
}

#[derive(Debug)]
struct Waiting {
    wanted: Wanted,
    signal: Arc<Notify>,
}

#[derive(Debug)]
struct Held {
    names: Vec<String>,
    slots: u32,
    taker: Taker,
    since: Timestamp,
}

/// What there is for somebody who waits.
#[derive(Debug)]
pub(super) enum Look {
    /// They have their slots now, of these limits; the others do not exist.
    Granted { names: Vec<String>, missing: Vec<String> },
    /// They will never get them.
    Refused(Error),
    /// It is not their turn, or nothing is free; they are told when it is worth another look, which may be after a time.
    Wait(Option<Duration>),
}

impl Counted {
    /// Counts the slots that have come back by themselves. What is left of a second counts on.
    fn decay_until(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.counted);
        if self.decay <= 0.0 || self.taken == 0 {
            self.counted = now;
            return;
        }
        let back = (elapsed.as_secs_f64() * self.decay + ROUNDING).floor();
        if back >= f64::from(self.taken) {
            self.taken = 0;
            self.counted = now;
        } else if back >= 1.0 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is less than `taken`")]
            let whole = back as u32;
            self.taken -= whole;
            self.counted += Duration::from_secs_f64(back / self.decay).min(elapsed);
        }
    }

    /// How long it takes until so many slots have come back by themselves.
    fn time_until(&self, slots: u32, now: Instant) -> Option<Duration> {
        if self.decay <= 0.0 {
            return None;
        }
        let all = Duration::try_from_secs_f64(f64::from(slots) / self.decay).unwrap_or(Duration::MAX);
        Some(all.saturating_sub(now.saturating_duration_since(self.counted)).max(BREATH))
    }

    fn shown(&self, name: &str) -> ConcurrencyLimit {
        ConcurrencyLimit {
            name: name.to_owned(),
            limit: self.limit,
            active: self.active,
            slot_decay_per_second: self.decay,
            active_slots: self.taken,
            created: self.created,
            updated: self.updated,
        }
    }
}

/// What binary fractions of a second may lack.
const ROUNDING: f64 = 1e-6;

/// The shortest pause before another look.
const BREATH: Duration = Duration::from_millis(1);

impl Table {
    /// Has somebody wait in line.
    pub(super) fn enter(&mut self, wanted: Wanted) -> (u64, Arc<Notify>) {
        let number = self.lines.join(&wanted.names);
        let signal = Arc::new(Notify::new());
        self.waiting.insert(number, Waiting { wanted, signal: Arc::clone(&signal) });
        (number, signal)
    }

    /// Looks what there is for somebody who waits.
    pub(super) fn look(&mut self, number: u64, now: Now) -> Look {
        let Some(Waiting { wanted, .. }) = self.waiting.get(&number) else { return Look::Wait(None) };
        if !self.lines.is_first(number, &wanted.names) {
            return Look::Wait(None);
        }
        let (slots, mode) = (wanted.slots, wanted.mode);
        let mut wait = None;
        let mut is_full = false;
        for name in &wanted.names {
            let Some(counted) = self.limits.get_mut(name).filter(|counted| counted.active) else { continue };
            if let Err(refused) = check_slots(name, counted.limit, counted.decay, slots, mode) {
                self.leave(number);
                return Look::Refused(refused);
            }
            counted.decay_until(now.instant);
            let lacking = (counted.taken.saturating_add(slots)).saturating_sub(counted.limit);
            if lacking > 0 {
                is_full = true;
                wait = wait.max(counted.time_until(lacking, now.instant));
            }
        }
        if is_full { Look::Wait(wait) } else { self.grant(number, now) }
    }

    fn grant(&mut self, number: u64, now: Now) -> Look {
        let Some(Waiting { wanted, .. }) = self.waiting.remove(&number) else { return Look::Wait(None) };
        let (mut names, mut missing) = (Vec::new(), Vec::new());
        for name in &wanted.names {
            match self.limits.get_mut(name) {
                None => missing.push(name.clone()),
                Some(counted) if counted.active => {
                    counted.taken += wanted.slots;
                    names.push(name.clone());
                }
                Some(_) => {}
            }
        }
        if wanted.mode == SlotMode::Held && !names.is_empty() {
            let held = Held { names: names.clone(), slots: wanted.slots, taker: wanted.taker, since: now.timestamp };
            self.held.insert(number, held);
        }
        self.lines.leave(number, &wanted.names);
        self.call(&wanted.names);
        Look::Granted { names, missing }
    }

    /// Goes away: out of the line, or with the slots given back.
    pub(super) fn leave(&mut self, number: u64) {
        if let Some(Waiting { wanted, .. }) = self.waiting.remove(&number) {
            self.lines.leave(number, &wanted.names);
            self.call(&wanted.names);
        }
        if let Some(held) = self.held.remove(&number) {
            for name in &held.names {
                if let Some(counted) = self.limits.get_mut(name) {
                    counted.taken = counted.taken.saturating_sub(held.slots);
                }
            }
            self.call(&held.names);
        }
    }

    /// Has those look again who are the first in line.
    fn call(&self, names: &[String]) {
        for number in self.lines.firsts(names) {
            if let Some(waiting) = self.waiting.get(&number) {
                waiting.signal.notify_one();
            }
        }
    }

    /// Creates or changes a limit, and shows it.
    pub(super) fn set(&mut self, change: LimitChange, now: Now) -> Result<ConcurrencyLimit, Error> {
        let LimitChange { name, limit, active, slot_decay_per_second: decay, existing } = change;
        if !self.limits.contains_key(&name) {
            if self.limits.len() >= MOST {
                let why = format!("there are {MOST} concurrency limits already, and no room for `{name}`");
                return Err(Error::new(ErrorKind::Refused, why));
            }
        } else if existing == ExistingLimit::Refused {
            return Err(exists(&name));
        }
        let counted = self.limits.entry(name.clone()).or_insert_with(|| Counted {
            limit,
            active: true,
            decay: 0.0,
            taken: 0,
            counted: now.instant,
            created: now.timestamp,
            updated: now.timestamp,
        });
        counted.decay_until(now.instant);
        counted.limit = limit;
        counted.active = active.unwrap_or(counted.active);
        counted.decay = decay.unwrap_or(counted.decay);
        counted.updated = now.timestamp;
        let shown = counted.shown(&name);
        self.call(&[name]);
        Ok(shown)
    }

    /// Switches a limit on or off, and shows it, if there is one.
    pub(super) fn set_active(&mut self, name: &str, active: bool, now: Now) -> Option<ConcurrencyLimit> {
        let counted = self.limits.get_mut(name)?;
        counted.active = active;
        counted.updated = now.timestamp;
        let shown = counted.shown(name);
        self.call(&[name.to_owned()]);
        Some(shown)
    }

    /// Removes a limit; tells whether there was one.
    pub(super) fn delete(&mut self, name: &str) -> bool {
        let was_there = self.limits.remove(name).is_some();
        for held in self.held.values_mut() {
            held.names.retain(|of| of != name);
        }
        self.call(&[name.to_owned()]);
        was_there
    }

    /// Takes over what an earlier process has set. Its slots are free: whoever held them is gone.
    #[cfg(feature = "embedded")]
    pub(super) fn recall(&mut self, limit: ConcurrencyLimit, now: Now) {
        let ConcurrencyLimit { name, limit, active, slot_decay_per_second: decay, created, updated, .. } = limit;
        self.limits.insert(name, Counted { limit, active, decay, taken: 0, counted: now.instant, created, updated });
    }

    pub(super) fn read(&mut self, name: &str, now: Now) -> Option<ConcurrencyLimit> {
        let counted = self.limits.get_mut(name)?;
        counted.decay_until(now.instant);
        Some(counted.shown(name))
    }

    pub(super) fn all(&mut self, now: Now) -> Vec<ConcurrencyLimit> {
        let show = |(name, counted): (&String, &mut Counted)| {
            counted.decay_until(now.instant);
            counted.shown(name)
        };
        self.limits.iter_mut().map(show).collect()
    }

    /// Tells who holds slots of a limit, the longest first.
    pub(super) fn holders(&self, name: &str) -> Option<Vec<SlotHolder>> {
        self.limits.get(name)?;
        let mut held: Vec<_> = self.held.iter().filter(|(_, held)| held.names.iter().any(|of| of == name)).collect();
        held.sort_unstable_by_key(|(number, _)| **number);
        let show = |(_, held): (&u64, &Held)| SlotHolder {
            flow_run_id: held.taker.flow.as_ref().map(|run| run.id),
            task_run_id: held.taker.task.as_ref().map(|run| run.id),
            slots: held.slots,
            since: Some(held.since),
        };
        Some(held.into_iter().map(show).collect())
    }

    pub(super) fn of_tags(&self, tags: &[String]) -> Vec<String> {
        tags.iter().map(|tag| format!("{OF_TAGS}{tag}")).filter(|name| self.limits.contains_key(name)).collect()
    }

    /// How many limits hold for tags of task runs.
    pub(super) fn count_of_tags(&self) -> usize {
        self.limits.range(OF_TAGS.to_owned()..).take_while(|(name, _)| name.starts_with(OF_TAGS)).count()
    }
}
