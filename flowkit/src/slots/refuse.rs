//! What is refused about limits and slots, in the same words on every backend. Pure.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::slots::SlotMode;

/// The shortest and the longest lease, as in Prefect.
pub(crate) mod bounds {
    use std::time::Duration;

    pub(crate) const SHORTEST_LEASE: Duration = Duration::from_secs(60);
    pub(crate) const LONGEST_LEASE: Duration = Duration::from_secs(86_400);
}

/// What no name may hold, as in Prefect.
const BANNED: &str = "/%&><";

/// Refuses what Prefect refuses as a name.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let accepted = "any characters but `/`, `%`, `&`, `>` and `<` are accepted";
    if name.is_empty() {
        return Err(Error::new(ErrorKind::Input, format!("a concurrency limit has no name: {accepted}")));
    }
    match name.chars().find(|letter| BANNED.contains(*letter)) {
        None => Ok(()),
        Some(odd) => {
            let name = name.escape_debug();
            let why = format!("`{name}` cannot be the name of a concurrency limit because of {odd:?}: {accepted}");
            Err(Error::new(ErrorKind::Input, why))
        }
    }
}

/// Refuses what is no rate.
pub(crate) fn check_decay(name: &str, decay: f64) -> Result<(), Error> {
    if decay.is_finite() && decay >= 0.0 {
        return Ok(());
    }
    let why = format!("the slot decay of concurrency limit `{name}` is {decay}: 0 and more per second are accepted");
    Err(Error::new(ErrorKind::Input, why))
}

/// Refuses slots that an active limit can never give.
pub(crate) fn check_slots(name: &str, limit: u32, decay: f64, slots: u32, mode: SlotMode) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::new(ErrorKind::Refused, why));
    if limit == 0 {
        return refuse(format!("concurrency limit `{name}` is 0: nobody gets a slot of it"));
    }
    if slots > limit {
        return refuse(format!("{slots} slots of concurrency limit `{name}` are wanted, and there are only {limit}"));
    }
    if mode == SlotMode::Spent && decay <= 0.0 {
        let how = format!("`limit::set(\"{name}\", {limit}).slot_decay_per_second(..)` sets one");
        return refuse(format!("concurrency limit `{name}` has no slot decay, which a rate limit needs: {how}"));
    }
    Ok(())
}

/// There are no such limits.
pub(crate) fn missing(names: &[String]) -> Error {
    let (listed, example) = (listed(names), names.first().map_or("", String::as_str));
    let what = if names.len() == 1 { "there is no concurrency limit" } else { "there are no concurrency limits" };
    Error::new(ErrorKind::NotFound, format!("{what} {listed}: `limit::set(\"{example}\", ..)` makes one"))
}

/// There is such a limit already.
pub(crate) fn exists(name: &str) -> Error {
    let why = format!("concurrency limit `{name}` exists already: `limit::set` changes it");
    Error::new(ErrorKind::AlreadyExists, why)
}

/// Slots were not free in time.
pub(crate) fn late(names: &[String], slots: u32, patience: Duration) -> Error {
    let (slots, verb) = if slots == 1 { ("1 slot".to_owned(), "was") } else { (format!("{slots} slots"), "were") };
    let limits = if names.len() == 1 { "concurrency limit" } else { "concurrency limits" };
    let why = format!("{slots} of {limits} {} {verb} not free within {patience:?}", listed(names));
    Error::new(ErrorKind::TimedOut, why)
}

fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(result: Result<(), Error>) -> String {
        result.expect_err("it is refused").to_string()
    }

    #[test]
    fn names_are_those_that_prefect_accepts() {
        for name in ["db", "tag:net", "größe", "a b", ".", &"x".repeat(1000)] {
            check_name(name).expect(name);
        }
        let accepted = "any characters but `/`, `%`, `&`, `>` and `<` are accepted";
        assert_eq!(said(check_name("")), format!("a concurrency limit has no name: {accepted}"));
        let odd = "`a/b` cannot be the name of a concurrency limit because of '/'";
        assert_eq!(said(check_name("a/b")), format!("{odd}: {accepted}"));
        for name in ["a%", "&", "a>b", "<"] {
            check_name(name).expect_err(name);
        }
    }

    #[test]
    fn what_can_never_be_had_is_refused() {
        let held = |limit, slots| check_slots("db", limit, 0.0, slots, SlotMode::Held);
        held(5, 5).expect("there are as many");
        assert_eq!(said(held(5, 6)), "6 slots of concurrency limit `db` are wanted, and there are only 5");
        assert_eq!(said(held(0, 1)), "concurrency limit `db` is 0: nobody gets a slot of it");
        let why = "concurrency limit `db` has no slot decay, which a rate limit needs: \
                   `limit::set(\"db\", 5).slot_decay_per_second(..)` sets one";
        assert_eq!(said(check_slots("db", 5, 0.0, 1, SlotMode::Spent)), why);
        check_slots("db", 5, 0.5, 1, SlotMode::Spent).expect("it decays");
        for decay in [-1.0, f64::NAN, f64::INFINITY] {
            check_decay("db", decay).expect_err("it is no rate");
        }
    }

    #[test]
    fn what_is_missing_or_late_is_named() {
        let names = ["a".to_owned(), "b".to_owned()];
        assert_eq!(
            missing(&names[..1]).to_string(),
            "there is no concurrency limit `a`: `limit::set(\"a\", ..)` makes one"
        );
        assert_eq!(
            missing(&names).to_string(),
            "there are no concurrency limits `a`, `b`: `limit::set(\"a\", ..)` makes one"
        );
        let patience = Duration::from_secs(30);
        assert_eq!(
            late(&names[..1], 1, patience).to_string(),
            "1 slot of concurrency limit `a` was not free within 30s"
        );
        assert_eq!(
            late(&names, 2, patience).to_string(),
            "2 slots of concurrency limits `a`, `b` were not free within 30s"
        );
    }
}
