//! Dates of schedules are those that Prefect computes, over every change of the clocks of 50 zones.
//!
//! An ordinary run compares about 200 schedules; `FLOWKIT_SCHEDULES=all` compares more than 2 000. What differs is
//! listed here with the reason, and everything else must be equal.

mod cases;
mod oracle;
mod properties;
mod reasons;
mod texts;
mod zones;

use std::collections::BTreeMap;

use flowkit::Timestamp;
use serde_json::Value;

use cases::Case;
use reasons::Reason;

/// How many dates are compared.
const COMPARED: usize = 50;

#[test]
fn dates_are_those_of_prefect_around_every_change_of_the_clocks() {
    let zones = zones::all();
    let mut cases = cases::around(&zones, 4);
    if std::env::var_os("FLOWKIT_SCHEDULES").is_none_or(|value| value != "all") {
        cases = cases.into_iter().step_by(11).collect();
    } else {
        assert!(cases.len() >= 2000, "{} schedules", cases.len());
    }
    let questions: Vec<Value> = zones.iter().map(zones::question).chain(cases.iter().map(Case::question)).collect();
    let Some(mut answers) = oracle::ask(&questions) else { return };
    let dates = answers.split_off(zones.len());
    let (agreed, other): (Vec<_>, Vec<_>) =
        zones.iter().zip(&answers).partition(|(zone, answer)| zones::agrees(zone, answer));
    let other: Vec<_> = other.iter().map(|(zone, _)| zone.name).collect();
    println!("zones whose tables differ from Python's: {other:?}");
    assert!(agreed.len() >= 40, "the tables of only {} zones agree with Python's", agreed.len());
    compare(cases.iter().zip(&dates).filter(|(case, _)| !other.contains(&case.zone.name)));
}

fn compare<'a>(answered: impl Iterator<Item = (&'a Case, &'a Value)>) {
    let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
    let mut failures = Vec::new();
    let (mut schedules, mut slow, mut dates) = (0, 0, 0);
    for (case, answer) in answered {
        if answer.get("slow").is_some() {
            slow += 1;
            continue;
        }
        schedules += 1;
        let ours = match case.schedule().dates_from(case.start) {
            Ok(ours) => ours.take_while(is_in_tables).take(COMPARED).collect::<Vec<_>>(),
            Err(_) if answer.get("error").is_some() => continue,
            Err(error) if error.to_string().ends_with(reasons::NEVER) && given(case, answer).is_empty() => continue,
            Err(error) => {
                failures.push(format!("{case:?}\n  ours: {error}\n  theirs: {answer}"));
                continue;
            }
        };
        let theirs = given(case, answer);
        dates += ours.len();
        if ours == theirs {
            continue;
        }
        match reasons::find(case, &ours, &theirs, answer["error"].as_str()) {
            Some(reason) => *reasons.entry(reason).or_default() += 1,
            None => failures.push(describe(case, &ours, &theirs, answer)),
        }
    }
    println!(
        "{schedules} schedules, {dates} dates; differences with a reason: {reasons:?}; {slow} too slow for Python"
    );
    assert!(slow * 20 < schedules, "{slow} of {schedules} schedules could not be compared");
    let shown = failures.iter().take(12).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(failures.is_empty(), "{} differences without a reason:\n{shown}", failures.len());
}

/// Returns the dates that Prefect gives. It gives some before the start, when the clocks went back shortly before.
fn given(case: &Case, answer: &Value) -> Vec<Timestamp> {
    let micros = answer["dates"].as_array().into_iter().flatten().filter_map(Value::as_i64);
    micros
        .map(Timestamp::from_unix_micros)
        .take_while(is_in_tables)
        .filter(|date| *date >= case.start)
        .take(COMPARED)
        .collect()
}

/// Tells whether a date is before 2037, where the tables of dateutil end.
fn is_in_tables(date: &Timestamp) -> bool {
    date.unix_micros() < 2_114_380_800_000_000
}

fn describe(case: &Case, ours: &[Timestamp], theirs: &[Timestamp], answer: &Value) -> String {
    let at = ours.iter().zip(theirs).position(|(a, b)| a != b).unwrap_or(ours.len().min(theirs.len()));
    let around =
        |dates: &[Timestamp]| format!("{:?}", dates.iter().skip(at.saturating_sub(2)).take(5).collect::<Vec<_>>());
    format!(
        "{} {:?} from {}, date {at}\n  ours:   {}\n  theirs: {} {}",
        case.zone.name,
        case.rule,
        case.start,
        around(ours),
        around(theirs),
        answer.get("error").unwrap_or(&Value::Null),
    )
}
