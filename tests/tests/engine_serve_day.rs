//! A day of fifty schedules without a server: every run that is due takes place once, and memory stays flat.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{History, Runtime, Schedule, Timestamp, runtime};
use tokio::time::sleep;
use tracing_subscriber::prelude::*;

const HOUR: Duration = Duration::from_secs(3600);

/// What ran: the number of the schedule, and the date.
static RAN: Mutex<Vec<(u32, Timestamp)>> = Mutex::new(Vec::new());

#[flow]
async fn scheduled(number: u32) {
    let due = runtime::flow_run().and_then(|run| run.scheduled_start_time()).expect("it was scheduled");
    RAN.lock().expect("nobody panics").push((number, due));
    // Some overlap with the next.
    sleep(Duration::from_secs(u64::from(number % 7) * 30)).await;
    noted(number).await.expect("it succeeds");
}

#[task]
async fn noted(number: u32) -> u32 {
    tracing::info!("number {number} ran");
    number
}

fn fifty() -> Vec<Schedule> {
    (0..50u32)
        .map(|number| {
            let schedule = match number % 5 {
                0 => Schedule::cron(format!("{}-59/{} * * * *", number % 10, number % 7 + 2)),
                1 => Schedule::interval(u64::from(90 + number * 17)),
                2 => Schedule::rrule(format!("FREQ=MINUTELY;INTERVAL={}", number / 5 + 3)),
                3 => Schedule::cron(format!("{number} */{} * * *", number % 3 + 1)).timezone("Asia/Kathmandu"),
                _ => Schedule::cron(format!("*/{} 6-18 * * *", number % 9 + 4)).timezone("America/New_York"),
            };
            schedule.parameter("number", number)
        })
        .collect()
}

/// The memory of this process that is in use, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn in_a_day_of_fifty_schedules_every_due_run_takes_place_once_and_memory_stays_flat() {
    // Nothing is printed: the harness would keep it.
    tracing_subscriber::registry().with(flowkit::logging::layer()).try_init().expect("this is the only test here");
    // What the test itself notes does not count.
    RAN.lock().expect("nobody panics").resize(50_000, (0, Timestamp::from_unix_micros(0)));
    RAN.lock().expect("nobody panics").clear();
    let runtime = Runtime::builder().keep_flow_runs(300).keep_task_runs(300).keep_logs(1000).ephemeral();
    let deployments = fifty()
        .chunks(5)
        .enumerate()
        .map(|(number, five)| scheduled.deployment(format!("d{number}")).schedules(five.iter().cloned()))
        .collect::<Vec<_>>();
    let history: &dyn History = runtime.history().expect("a runtime in memory has a history");
    let (early, late) = runtime
        .run(async {
            tokio::select! {
                ended = flowkit::serve(deployments).limit(1000).into_future() => panic!("serving goes on: {ended:?}"),
                measured = async {
                    sleep(2 * HOUR).await;
                    let early = (resident(), history.flow_runs().len());
                    sleep(22 * HOUR - Duration::from_secs(1)).await;
                    (early, (resident(), history.flow_runs().len()))
                } => measured,
            }
        })
        .await;
    let begin = history.deployments()[0].created;
    let end = begin.after(24 * HOUR - Duration::from_secs(1));
    let mut ran: BTreeMap<u32, Vec<Timestamp>> = BTreeMap::new();
    for (number, due) in RAN.lock().expect("nobody panics").drain(..) {
        ran.entry(number).or_default().push(due);
    }
    let all: usize = ran.values().map(Vec::len).sum();
    for deployment in history.deployments() {
        for schedule in &deployment.schedules {
            let number = schedule.parameters["number"].as_u64().and_then(|number| u32::try_from(number).ok());
            let own = ran.remove(&number.expect("a number")).unwrap_or_default();
            let dates = schedule.schedule.next_dates(deployment.created, 2000).expect("dates");
            let expected: Vec<_> = dates.into_iter().take_while(|date| *date < end).collect();
            assert_eq!(own, expected, "{:?}", schedule.rule);
        }
    }
    println!("{all} runs; KiB resident and runs kept after 2 h: {early:?}, after 24 h: {late:?}");
    assert!(all > 8000, "{all} runs");
    assert!(late.1 <= 300 + 2 * 64 + 100, "the bounds of the history hold: {late:?}");
    assert!(late.0 <= early.0 + 1024, "memory stays flat: {early:?}, {late:?}");
}
