//! When it is asked again for slots that were not free. Pure.

use std::time::Duration;

use flowkit_client::model as wire;

use crate::error::Error;
use crate::slots::{Wanted, check_slots};

/// The first pause, which doubles.
const FIRST: Duration = Duration::from_millis(100);

/// The longest pause, whatever the server asks for: it guesses by how long slots were held before, and by how often it
/// was asked.
const LONGEST: Duration = Duration::from_secs(2);

/// The longest pause where slots come back with time.
const LONGEST_DECAY: Duration = Duration::from_secs(10);

/// The shortest pause.
const SHORTEST: Duration = Duration::from_millis(50);

/// What some limits lack to give the slots that are wanted.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Lack {
    /// Nothing.
    Nothing,
    /// Slots that somebody has to give back.
    Held,
    /// Slots that come back by themselves, after this time.
    Decay(Duration),
}

/// Finds out what limits lack, or that they can never give what is wanted.
pub(super) fn lack(limits: &[wire::ConcurrencyLimit], wanted: &Wanted) -> Result<Lack, Error> {
    let mut worst = Lack::Nothing;
    for limit in limits.iter().filter(|limit| limit.active) {
        let decay = limit.slot_decay_per_second;
        check_slots(&limit.name, limit.limit, decay, wanted.slots, wanted.mode)?;
        let lacking = limit.active_slots.saturating_add(wanted.slots).saturating_sub(limit.limit);
        if lacking == 0 {
            continue;
        }
        let after = Duration::try_from_secs_f64(f64::from(lacking) / decay).unwrap_or(LONGEST_DECAY);
        worst = match worst {
            Lack::Nothing if decay > 0.0 => Lack::Decay(after),
            Lack::Decay(other) if decay > 0.0 => Lack::Decay(other.max(after)),
            _ => Lack::Held,
        };
    }
    Ok(worst)
}

/// How long to wait after the `nth` look in vain; the first is 0.
pub(super) fn pause(lack: Lack, nth: u32) -> Duration {
    match lack {
        // Somebody else was faster.
        Lack::Nothing => SHORTEST,
        Lack::Held => FIRST.saturating_mul(1 << nth.min(10)).min(LONGEST),
        Lack::Decay(after) => after.clamp(SHORTEST, LONGEST_DECAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slots::{SlotMode, Taker};
    use std::sync::Arc;

    fn limit(limit: u32, taken: u32, decay: f64) -> wire::ConcurrencyLimit {
        let limit = serde_json::json!({
            "id": uuid::Uuid::nil(), "name": "db", "limit": limit, "active": true, "active_slots": taken,
            "slot_decay_per_second": decay,
        });
        serde_json::from_value(limit).expect("a limit")
    }

    fn wanted(slots: u32) -> Wanted {
        Wanted {
            names: vec!["db".to_owned()],
            slots,
            mode: SlotMode::Held,
            lease: Duration::from_secs(60),
            patience: None,
            taker: Taker::default(),
            on_loss: Arc::new(|_| {}),
        }
    }

    #[test]
    fn what_is_lacking_decides_when_it_is_asked_again() {
        let of = |limits: &[wire::ConcurrencyLimit], slots| lack(limits, &wanted(slots)).expect("there may be as many");
        assert_eq!(of(&[], 1), Lack::Nothing);
        assert_eq!(of(&[limit(5, 3, 0.0)], 2), Lack::Nothing);
        assert_eq!(of(&[limit(5, 3, 0.0)], 3), Lack::Held);
        assert_eq!(of(&[limit(5, 5, 0.5)], 2), Lack::Decay(Duration::from_secs(4)));
        assert_eq!(of(&[limit(5, 5, 0.5), limit(5, 5, 0.0)], 1), Lack::Held);
        assert_eq!(of(&[limit(5, 5, 0.0), limit(5, 5, 0.5)], 1), Lack::Held);
        let mut off = limit(1, 1, 0.0);
        off.active = false;
        assert_eq!(of(&[off], 7), Lack::Nothing);
        lack(&[limit(5, 0, 0.0)], &wanted(6)).expect_err("there are never as many");
    }

    #[test]
    fn pauses_grow_up_to_two_seconds() {
        let held: Vec<_> = (0..7).map(|nth| pause(Lack::Held, nth).as_millis()).collect();
        assert_eq!(held, [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(pause(Lack::Held, u32::MAX), LONGEST);
        assert_eq!(pause(Lack::Nothing, 9), SHORTEST);
        assert_eq!(pause(Lack::Decay(Duration::from_secs(3)), 0), Duration::from_secs(3));
        assert_eq!(pause(Lack::Decay(Duration::from_secs(300)), 0), LONGEST_DECAY);
    }
}
