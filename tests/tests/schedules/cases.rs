//! Generates schedules around changes of the clocks.

use chrono::{DateTime, Utc};
use flowkit::{Schedule, Timestamp};
use serde_json::{Value, json};

use super::zones::Zone;

/// How many dates are asked for, some more than are compared: where clocks change, Python's last ones may lack some.
pub(crate) const ASKED: usize = 70;

/// Is one schedule, and the moment from which its dates are compared.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) zone: Zone,
    pub(crate) start: Timestamp,
    pub(crate) rule: Rule,
}

#[derive(Debug, Clone)]
pub(crate) enum Rule {
    Cron { text: String, day_or: bool },
    Interval { seconds: i64, anchor: Timestamp },
    Recurrence { text: String },
}

impl Case {
    pub(crate) fn schedule(&self) -> Schedule {
        let schedule = match &self.rule {
            Rule::Cron { text, day_or } => Schedule::cron(text).day_or(*day_or),
            Rule::Interval { seconds, anchor } => Schedule::interval(seconds.unsigned_abs()).anchor(*anchor),
            Rule::Recurrence { text } => Schedule::rrule(text),
        };
        schedule.timezone(self.zone.name)
    }

    pub(crate) fn question(&self) -> Value {
        let zone = self.zone.name;
        let (kind, spec) = match &self.rule {
            Rule::Cron { text, day_or } => ("cron", json!({ "cron": text, "timezone": zone, "day_or": day_or })),
            Rule::Interval { seconds, anchor } => {
                ("interval", json!({ "interval": seconds, "timezone": zone, "anchor_date": anchor.unix_micros() }))
            }
            Rule::Recurrence { text } => ("rrule", json!({ "rrule": text, "timezone": zone })),
        };
        json!({ "kind": kind, "spec": spec, "start": self.start.unix_micros(), "n": ASKED })
    }
}

/// Generates `each` schedules for each change of each zone, and as many for a zone without changes.
pub(crate) fn around(zones: &[Zone], each: usize) -> Vec<Case> {
    let mut dice = Dice(0x5EED);
    let mut cases = Vec::new();
    for zone in zones {
        let quiet = [1_767_225_600 + dice.below(1000) * 3600];
        let changes: &[i64] = if zone.changes.is_empty() { &quiet } else { &zone.changes };
        for change in changes {
            for _ in 0..each {
                let start = change + dice.pick(&[-86_400, -7200, -1800, 0, 1500, 3600]) - dice.below(3 * 86_400);
                let rule = match cases.len() % 3 {
                    0 => cron(&mut dice),
                    1 => interval(&mut dice, *change),
                    _ => recurrence(&mut dice, start),
                };
                let fraction = dice.pick(&[0, 0, 0, 1, 500_000]);
                let start = Timestamp::from_unix_micros(start * 1_000_000 + fraction);
                cases.push(Case { zone: zone.clone(), start, rule });
            }
        }
    }
    cases
}

fn cron(dice: &mut Dice) -> Rule {
    let minute = dice
        .choose(&["0", "30", "*/15", "*/20", "*/45", "5,35", "10-50/20", "*", "50-10/7", "0/25", "59/5", "15-15/20"]);
    let hour = dice.choose(&["0", "1", "2", "3", "*", "*/2", "0-4", "22-3", "1,2", "23,0,2", "*/5", "2-3", "1-23/2"]);
    let day =
        dice.choose(&["*", "*", "*", "*", "?", "l", "1", "31", "1,31", "15-l", "*/2", "28-31", "1-31", "l,15", "30,l"]);
    let month = dice.choose(&["*", "*", "*", "*", "3,10", "mar-apr", "nov-feb", "*/2", "jan-jan"]);
    let weekday = dice.choose(&[
        "*",
        "*",
        "*",
        "*",
        "?",
        "sun",
        "1-5",
        "fri-mon",
        "0-7",
        "7",
        "sun#2",
        "sun#1,sun#5",
        "l0",
        "l7,l5",
        "*/2",
        "mon-fri#3",
        "0-6",
    ]);
    let seconds = dice.choose(&["", "", "", "", "", "", "", " 30", " */30", " 0 2024-2030/2"]);
    // With six fields Sunday has one number.
    let weekday = if seconds.is_empty() { weekday.to_owned() } else { weekday.replace("0-7", "0-6").replace('7', "6") };
    let text = format!("{minute} {hour} {day} {month} {weekday}{seconds}");
    Rule::Cron { text, day_or: dice.below(3) > 0 }
}

fn interval(dice: &mut Dice, change: i64) -> Rule {
    let minute = 60;
    let hour = 60 * minute;
    let day = 24 * hour;
    let seconds = dice.pick(&[
        1,
        45,
        7 * minute,
        15 * minute,
        30 * minute,
        45 * minute,
        hour,
        90 * minute,
        6 * hour,
        8 * hour,
        23 * hour,
        day,
        day,
        2 * day,
        7 * day,
        25 * hour,
        36 * hour,
        30 * day,
    ]);
    let anchor = match dice.below(4) {
        0 => change - dice.below(4 * day),
        1 => change + dice.below(4 * day),
        2 => 1_704_067_200,
        _ => 1_577_836_800 + dice.below(3 * 365 * day),
    };
    Rule::Interval { seconds, anchor: Timestamp::from_unix_micros(anchor * 1_000_000) }
}

fn recurrence(dice: &mut Dice, start: i64) -> Rule {
    let freq = dice.choose(&["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "DAILY", "HOURLY", "MINUTELY"]);
    let mut parts = vec![format!("FREQ={freq}")];
    let mut may = |dice: &mut Dice, one_in: i64, name: &str, values: &[&str]| {
        if dice.below(one_in) == 0 {
            parts.push(format!("{name}={}", dice.choose(values)));
        }
    };
    may(dice, 3, "INTERVAL", &["1", "2", "3", "5", "10"]);
    may(dice, 2, "BYHOUR", &["1", "2", "0,2,3", "2,14", "23,0", "1,2,3,4"]);
    may(dice, 2, "BYMINUTE", &["0", "30", "0,30", "15,45", "59"]);
    may(dice, 6, "BYSECOND", &["0", "30", "0,59"]);
    may(dice, 5, "BYMONTH", &["3", "10", "3,4,10,11", "1,2,12"]);
    match freq {
        "YEARLY" => {
            may(dice, 4, "BYDAY", &["MO", "1SU", "-1SU", "20MO", "2SU,-1FR", "SA,SU", "MO(+1)"]);
            may(dice, 5, "BYMONTHDAY", &["1", "-1", "1,15,-1", "31"]);
            may(dice, 6, "BYYEARDAY", &["1", "-1", "100,200,-100", "90,91,92,300"]);
            may(dice, 5, "BYWEEKNO", &["1", "20", "-1", "13,14,43,44", "52,53", "53"]);
            may(dice, 6, "BYEASTER", &["0", "-2", "1,49"]);
        }
        "MONTHLY" => {
            may(dice, 3, "BYDAY", &["MO", "1SU", "-1SU", "2SU,-1FR", "MO,TU,WE,TH,FR", "SU(-1)"]);
            may(dice, 4, "BYMONTHDAY", &["1", "-1", "1,15,-1", "31", "-3,28"]);
        }
        _ => {
            may(dice, 3, "BYDAY", &["MO,WE", "SU", "SA,SU", "MO,TU,WE,TH,FR"]);
            may(dice, 6, "BYMONTHDAY", &["1,2,3,8,9,10,28,29,30,31", "-1,-2,-3,-4"]);
        }
    }
    may(dice, 5, "BYSETPOS", &["1", "-1", "1,-1", "2"]);
    may(dice, 4, "WKST", &["SU", "WE", "SA"]);
    let day = |at: i64| DateTime::<Utc>::from_timestamp(at, 0).expect("a moment").format("%Y%m%dT%H%M%S").to_string();
    match dice.below(6) {
        0 => parts.push(format!("COUNT={}", dice.pick(&[1, 5, 40, 3000]))),
        1 => parts.push(format!("UNTIL={}", day(start + 86_400 * dice.pick(&[2, 30, 800])))),
        _ => {}
    }
    let rule = parts.join(";");
    // What counts in short steps would keep dateutil busy for long, were it to begin in 2020.
    let short = freq == "HOURLY" || freq == "MINUTELY";
    let begin = start - if short { dice.below(3 * 86_400) } else { dice.below(600 * 86_400) };
    if !short && dice.below(2) == 0 {
        return Rule::Recurrence { text: rule };
    }
    let mut text = format!("DTSTART:{}\nRRULE:{rule}", day(begin));
    if dice.below(4) == 0 {
        text.push_str(&format!("\nRDATE:{},{}", day(start + 7200), day(start + 100_000)));
    }
    if dice.below(4) == 0 {
        text.push_str(&format!("\nEXDATE:{}", day(start + 7200)));
    }
    if dice.below(6) == 0 {
        text.push_str("\nEXRULE:FREQ=DAILY;INTERVAL=2");
    }
    Rule::Recurrence { text }
}

/// Is a source of chance that always says the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let end = i64::try_from(from.len()).expect("a short list");
        from[usize::try_from(self.below(end)).expect("not negative")]
    }

    fn choose<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.pick(from)
    }
}
