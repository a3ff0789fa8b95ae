//! How long delivery may stand still before it is given up: the more is heard of the server, the longer. Pure.

use std::time::Duration;

/// A server that can be heard gets so many times the patience, and at most that long.
const ANSWERING: u32 = 12;
const SILENT: u32 = 3;
const AT_MOST: Duration = Duration::from_secs(120);

/// What a question to a server shows of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sign {
    /// It answers, and so may be busy with what it was sent.
    Answers,
    /// It takes the question and does not answer in time.
    Silent,
    /// Nobody is there.
    Away,
}

impl Sign {
    /// Tells what an answer, or its absence, says.
    pub(super) fn of<T>(answer: &Result<T, flowkit_client::Error>) -> Self {
        match answer {
            Err(error) if error.status().is_some() => Self::Answers,
            Err(error) if error.is_timeout() => Self::Silent,
            Err(error) if error.is_connect() => Self::Away,
            _ => Self::Answers,
        }
    }
}

/// How long nothing may move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Patience {
    /// For so long, whatever the server does.
    Strict(Duration),
    /// For so long if the server is away, and for longer if it is only slow.
    Kind(Duration),
}

impl Patience {
    /// The time after which it is worth a question how the server is.
    pub(super) fn least(self) -> Duration {
        match self {
            Self::Strict(time) | Self::Kind(time) => time,
        }
    }

    /// The time after which a delivery that stands still is given up.
    pub(super) fn with(self, sign: Sign) -> Duration {
        let stretched = |time: Duration, by: u32| time.max((time * by).min(AT_MOST));
        match (self, sign) {
            (Self::Strict(time), _) | (Self::Kind(time), Sign::Away) => time,
            (Self::Kind(time), Sign::Silent) => stretched(time, SILENT),
            (Self::Kind(time), Sign::Answers) => stretched(time, ANSWERING),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_only_slow_gets_more_time_than_one_that_is_away() {
        let seconds =
            |patience: Patience| [Sign::Away, Sign::Silent, Sign::Answers].map(|sign| patience.with(sign).as_secs());
        let given = Duration::from_secs;
        assert_eq!(seconds(Patience::Kind(given(10))), [10, 30, 120], "the default");
        assert_eq!(seconds(Patience::Kind(given(1))), [1, 3, 12]);
        assert_eq!(seconds(Patience::Kind(given(60))), [60, 120, 120]);
        assert_eq!(seconds(Patience::Kind(given(600))), [600, 600, 600], "never less than what was asked for");
        assert_eq!(seconds(Patience::Strict(given(10))), [10, 10, 10]);
        assert_eq!(Patience::Kind(Duration::ZERO).with(Sign::Answers), Duration::ZERO);
    }
}
