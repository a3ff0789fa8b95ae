//! Strings that Prefect refuses are refused, and those that it accepts are accepted.

use flowkit::Schedule;
use serde_json::{Value, json};

use super::oracle;

const CRONS: [&str; 62] = [
    "* * * * *",
    "*/5 * * * *",
    "0 8 * * mon-fri",
    "0 8 * * MON",
    "@daily",
    "@hourly",
    "@weekly",
    "@yearly",
    "@annually",
    "@midnight",
    "@monthly",
    "@reboot",
    "@Daily",
    "",
    "0",
    "0 0 * *",
    "0 0 * * * * * *",
    "60 * * * *",
    "0 24 * * *",
    "0 0 0 * *",
    "0 0 32 * *",
    "0 0 * 0 *",
    "0 0 * 13 *",
    "0 0 * * 8",
    "0 0 * * 7",
    "0 0 * * 7 0",
    "0 0 * * sun#6",
    "0 0 * * sun#0",
    "0 0 * * sun#2",
    "0 0 * * 5#2",
    "0 0 * * 1-5#2",
    "0 0 * * mon-fri#2",
    "0 0 * * l5",
    "0 0 * * l",
    "0 0 l * *",
    "0 0 l-3 * *",
    "0 0 15-l * *",
    "0 0 w * *",
    "0 0 15w * *",
    "0 0 ? * ?",
    "0 ? * * *",
    "0 0 ?,1 * *",
    "-5 * * * *",
    "5- * * * *",
    "1-2-3 * * * *",
    "*/0 * * * *",
    "*/x * * * *",
    "1/2/3 * * * *",
    "1.5 * * * *",
    "a * * * *",
    ", * * * *",
    "1, * * * *",
    "0 0 * jan-mar *",
    "0 0 * foo *",
    "0 0 * * 1,fri#2",
    "50-10 * * * *",
    "0 0 * * fri-mon",
    "H * * * *",
    "h/5 * * * *",
    "0 0 1 1 * 0 1969",
    "0 0 1 1 * 0 2099",
    "0 0 1 1 * 60",
];

const RULES: [&str; 45] = [
    "FREQ=DAILY",
    "RRULE:FREQ=DAILY",
    "freq=daily;interval=2",
    "DTSTART:20240101T090000\nRRULE:FREQ=DAILY;COUNT=3",
    "DTSTART:20240101T090000Z\nFREQ=DAILY;UNTIL=20240201T000000Z",
    "DTSTART:20240101T090000\nFREQ=DAILY;UNTIL=20240201T000000Z",
    "DTSTART:20240101T090000Z\nFREQ=DAILY;UNTIL=20240201T000000",
    "DTSTART;TZID=Europe/Berlin:20240101T090000\nRRULE:FREQ=DAILY",
    "DTSTART;VALUE=DATE:20240101\nRRULE:FREQ=DAILY",
    "DTSTART;FOO=1:20240101\nRRULE:FREQ=DAILY",
    "DTSTART:20240101,20240102\nRRULE:FREQ=DAILY",
    "FREQ=DAILY;UNTIL=20240201",
    "FREQ=DAILY;UNTIL=tomorrowish",
    "FREQ=SOMETIMES",
    "",
    "INTERVAL=2",
    "FREQ",
    "FREQ=DAILY;",
    "FREQ=DAILY;FOO=1",
    "FREQ=DAILY;INTERVAL=x",
    "FREQ=DAILY;COUNT=x",
    "FREQ=WEEKLY;BYDAY=XX",
    "FREQ=WEEKLY;BYDAY=",
    "FREQ=MONTHLY;BYDAY=1MO,-1FR",
    "FREQ=MONTHLY;BYDAY=MO(+1)",
    "FREQ=MONTHLY;BYDAY=0MO",
    "FREQ=WEEKLY;BYWEEKDAY=MO",
    "FREQ=DAILY;WKST=SU",
    "FREQ=DAILY;WKST=1",
    "FREQ=DAILY;BYSETPOS=0",
    "FREQ=DAILY;BYSETPOS=367",
    "FREQ=DAILY;BYHOUR=9,17",
    "FREQ=DAILY;BYHOUR=24",
    "FREQ=DAILY;BYMINUTE=60",
    "FREQ=YEARLY;BYEASTER=-2",
    "FREQ=YEARLY;BYWEEKNO=53",
    "RDATE:20240101T090000,20240102T090000",
    "RDATE;VALUE=DATE-TIME:20240101T090000",
    "RRULE:FREQ=DAILY\nEXDATE:20240101T000000",
    "RRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY",
    "RRULE;X=1:FREQ=DAILY",
    "FOO:FREQ=DAILY",
    "FREQ=HOURLY;INTERVAL=2;BYHOUR=1,2",
    "DTSTART:20240101T000000\nFREQ=HOURLY;INTERVAL=2;BYHOUR=1",
    "FREQ=DAILY INTERVAL=2",
];

/// Strings that Prefect accepts and we refuse, with the reason.
const STRICTER: [(&str, &str); 0] = [];

#[test]
fn what_prefect_refuses_is_refused_and_nothing_else() {
    let crons = CRONS.iter().map(|text| (*text, json!({ "kind": "cron", "spec": { "cron": text } })));
    let rules = RULES.iter().map(|text| (*text, json!({ "kind": "rrule", "spec": { "rrule": text } })));
    let schedules = CRONS.iter().map(Schedule::cron_of).chain(RULES.iter().map(Schedule::rule_of));
    let (texts, questions): (Vec<&str>, Vec<Value>) = crons.chain(rules).unzip();
    let Some(answers) = oracle::ask(&questions) else { return };
    let mut differences = Vec::new();
    for ((text, schedule), answer) in texts.iter().zip(schedules).zip(&answers) {
        let ours = schedule.check();
        if ours.is_ok() != answer.get("error").is_none() && !STRICTER.iter().any(|(known, _)| known == text) {
            differences.push(format!("`{text}`: ours {ours:?}, theirs {answer}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

trait Texts {
    fn cron_of(text: &&str) -> Self;
    fn rule_of(text: &&str) -> Self;
}

impl Texts for Schedule {
    fn cron_of(text: &&str) -> Self {
        Self::cron(*text)
    }

    fn rule_of(text: &&str) -> Self {
        Self::rrule(*text)
    }
}
