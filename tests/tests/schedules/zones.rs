//! Time zones and the moments at which their clocks change.

use chrono::{DateTime, Offset as _, TimeZone as _};
use chrono_tz::Tz;
use serde_json::{Value, json};

/// Zones of every kind of change: in both hemispheres, by an hour, half an hour or two, negative in winter, in Ramadan,
/// near midnight, at fractions of an hour, and some without any.
const ZONES: [&str; 52] = [
    "UTC",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Nairobi",
    "America/Adak",
    "America/Anchorage",
    "America/Asuncion",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Havana",
    "America/Los_Angeles",
    "America/Miquelon",
    "America/New_York",
    "America/Nuuk",
    "America/Port-au-Prince",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "America/St_Johns",
    "America/Tijuana",
    "America/Toronto",
    "America/Winnipeg",
    "Antarctica/Troll",
    "Asia/Almaty",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Nicosia",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Atlantic/Bermuda",
    "Atlantic/Canary",
    "Australia/Adelaide",
    "Australia/Hobart",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Chisinau",
    "Europe/Dublin",
    "Europe/Helsinki",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Warsaw",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Pacific/Norfolk",
    "US/Mountain",
];

const HOUR: i64 = 3600;

/// Is a zone and its changes, in seconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct Zone {
    pub name: &'static str,
    pub(crate) tz: Tz,
    pub(crate) changes: Vec<i64>,
}

/// Returns the zones with their changes from 2024 to 2030.
pub(crate) fn all() -> Vec<Zone> {
    ZONES.iter().map(|name| known(name)).collect()
}

fn known(name: &'static str) -> Zone {
    let tz: Tz = name.parse().expect("a zone of the table");
    let (begin, end) = (1_704_067_200, 1_924_991_999);
    let mut changes = Vec::new();
    let mut at = begin;
    while at < end {
        if offset(tz, at) != offset(tz, at + 6 * HOUR) {
            let (mut before, mut after) = (at, at + 6 * HOUR);
            while after - before > 1 {
                let middle = i64::midpoint(before, after);
                if offset(tz, middle) == offset(tz, before) { before = middle } else { after = middle }
            }
            changes.push(after);
        }
        at += 6 * HOUR;
    }
    Zone { name, tz, changes }
}

/// Returns how many seconds the wall is ahead of UTC.
pub(crate) fn offset(tz: Tz, at: i64) -> i32 {
    let at = DateTime::from_timestamp(at, 0).expect("a moment of this century").naive_utc();
    tz.offset_from_utc_datetime(&at).fix().local_minus_utc()
}

/// Returns the moments at which two tables of a zone are compared.
fn samples(zone: &Zone) -> Vec<i64> {
    let weekly = (0..400).map(|week| 1_700_000_000 + week * 7 * 24 * HOUR);
    weekly.chain(zone.changes.iter().flat_map(|at| [at - 1, *at])).collect()
}

/// Makes the question for what Python's tables say.
pub(crate) fn question(zone: &Zone) -> Value {
    let at: Vec<i64> = samples(zone).iter().map(|at| at * 1_000_000).collect();
    json!({ "kind": "offsets", "zone": zone.name, "at": at })
}

/// Tells whether Python's tables of a zone are ours. They are of another edition when a government changed its mind.
pub(crate) fn agrees(zone: &Zone, answer: &Value) -> bool {
    let ours: Vec<Value> = samples(zone).iter().map(|at| json!(offset(zone.tz, *at))).collect();
    answer["offsets"].as_array() == Some(&ours)
}
