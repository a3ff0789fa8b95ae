//! Time zones: moments to times on the wall, and back.
//!
//! A time on the wall may not exist, when clocks go forward, or exist twice, when they go back. Which moment is meant
//! then differs between kinds of schedules, so there are two ways back, and both are what Prefect's server does.

use chrono::{NaiveDateTime, TimeDelta};

use super::fault::Fault;
use crate::clock::Timestamp;

/// Is a time zone whose offsets are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// Coordinated universal time.
    Utc,
    /// A zone of the IANA database.
    #[cfg(feature = "timezones")]
    Named(chrono_tz::Tz),
}

/// Longer than the distance between a moment and its time on the wall, shorter than that between two changes of a clock.
const A_DAY: TimeDelta = TimeDelta::days(1);

/// Is how a time on the wall relates to moments.
enum Moments {
    One(NaiveDateTime),
    /// The clock goes back: it shows the time twice.
    Two(NaiveDateTime, NaiveDateTime),
    /// The clock goes forward: the time as read with the clock before the change, and with the one after.
    None {
        before: NaiveDateTime,
        after: NaiveDateTime,
    },
}

impl Zone {
    /// Finds a zone by its name.
    pub(super) fn find(name: &str) -> Result<Self, Fault> {
        if name == "UTC" {
            return Ok(Self::Utc);
        }
        #[cfg(feature = "timezones")]
        return name.parse().map(Self::Named).map_err(|_| unknown(name));
        #[cfg(not(feature = "timezones"))]
        {
            check_shape(name)?;
            let needs = "needs flowkit's feature `timezones` for dates that are computed in this process";
            Err(Fault::new(format!("time zone `{name}` {needs}")))
        }
    }

    /// Refuses a name that is no zone, as far as this build can tell.
    pub(super) fn check(name: &str) -> Result<(), Fault> {
        #[cfg(feature = "timezones")]
        return Self::find(name).map(drop);
        #[cfg(not(feature = "timezones"))]
        check_shape(name)
    }

    /// Returns what the wall shows at a moment.
    pub(super) fn wall(self, moment: Timestamp) -> NaiveDateTime {
        let utc = moment.to_utc().naive_utc();
        utc + self.offset(utc)
    }

    /// Returns the moment of a time on the wall, the first of two.
    ///
    /// A time that does not exist is read with the clock after the change, which gives a moment before the change.
    /// Cron and RRULE schedules have this rule.
    pub(super) fn first(self, wall: NaiveDateTime) -> Timestamp {
        match self.moments(wall) {
            Moments::One(utc) | Moments::Two(utc, _) | Moments::None { after: utc, .. } => utc.and_utc().into(),
        }
    }

    /// Returns the moment of a time on the wall, the second of two.
    ///
    /// A time that does not exist is read with the clock before the change, which gives a moment after the change.
    /// Intervals have this rule.
    pub(super) fn second(self, wall: NaiveDateTime) -> Timestamp {
        match self.moments(wall) {
            Moments::One(utc) | Moments::Two(_, utc) | Moments::None { before: utc, .. } => utc.and_utc().into(),
        }
    }

    /// Tells whether a time on the wall exists.
    pub(super) fn exists(self, wall: NaiveDateTime) -> bool {
        !matches!(self.moments(wall), Moments::None { .. })
    }

    /// Tells whether clocks go forward within `span` after a moment.
    pub(super) fn springs(self, moment: Timestamp, span: TimeDelta) -> bool {
        let utc = moment.to_utc().naive_utc();
        self.offset(utc + span) > self.offset(utc)
    }

    fn moments(self, wall: NaiveDateTime) -> Moments {
        let early = wall - self.offset(wall - A_DAY);
        let late = wall - self.offset(wall + A_DAY);
        let holds = |utc: NaiveDateTime| utc + self.offset(utc) == wall;
        match (holds(early), holds(late)) {
            (true, true) if early != late => Moments::Two(early.min(late), early.max(late)),
            (true, _) => Moments::One(early),
            (_, true) => Moments::One(late),
            (false, false) => Moments::None { before: early, after: late },
        }
    }

    /// Returns how far the wall is ahead of UTC.
    #[cfg_attr(not(feature = "timezones"), expect(unused_variables, reason = "UTC alone needs no moment"))]
    fn offset(self, utc: NaiveDateTime) -> TimeDelta {
        match self {
            Self::Utc => TimeDelta::zero(),
            #[cfg(feature = "timezones")]
            Self::Named(zone) => {
                use chrono::{Offset, TimeZone};
                TimeDelta::seconds(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc().into())
            }
        }
    }
}

fn unknown(name: &str) -> Fault {
    Fault::new(format!("`{name}` is not a time zone: write an IANA name such as \"Europe/Berlin\""))
}

/// Refuses what cannot be a zone's name.
#[cfg(not(feature = "timezones"))]
fn check_shape(name: &str) -> Result<(), Fault> {
    let letters =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-+".contains(&b));
    if name.split('/').all(letters) && name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        Ok(())
    } else {
        Err(unknown(name))
    }
}
