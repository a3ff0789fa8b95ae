//! What people are told of a deployment that is served without a server, which has no page to see it on.

use uuid::Uuid;

use crate::backend::History;
use crate::clock::Timestamp;

/// Says when the next run of a deployment is.
pub(super) fn when(history: Option<&dyn History>, deployment: Uuid) -> String {
    let known = history.into_iter().flat_map(History::deployments).find(|known| known.id == deployment);
    let schedules = known.as_ref().map_or(0, |known| known.schedules.iter().filter(|one| one.active).count());
    let paused = known.as_ref().is_some_and(|known| known.paused);
    words(schedules, paused, known.and_then(|known| known.next_dates(1).first().copied()))
}

fn words(schedules: usize, paused: bool, next: Option<Timestamp>) -> String {
    match next {
        _ if schedules == 0 => "without a schedule: it runs when somebody starts it".to_owned(),
        _ if paused => "whose schedules are paused: it runs when somebody starts it".to_owned(),
        Some(next) => format!("next run at {}", next.to_utc().format("%Y-%m-%d %H:%M:%S UTC")),
        None => "whose schedules have no date left: it runs when somebody starts it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_when_the_next_run_is_or_why_there_is_none() {
        let next = Timestamp::from_unix_micros(1_795_248_000_000_000);
        assert_eq!(words(2, false, Some(next)), "next run at 2026-11-21 08:00:00 UTC");
        assert!(words(0, false, None).starts_with("without a schedule"));
        assert!(words(1, true, None).contains("paused"));
        assert!(words(1, false, None).contains("no date left"));
    }
}
