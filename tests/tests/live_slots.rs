//! Concurrency and rate limits at a real server: shared with Python and other processes, never exceeded, and given back.

#[path = "things/limits.rs"]
mod limits;

use std::time::{Duration, Instant};

use flowkit::prelude::*;
use flowkit::{Runtime, concurrency, limit, rate_limit, runtime};
use flowkit_tests::ledger::{Ledger, note};
use flowkit_tests::live::{self, LiveServer, at};
use flowkit_tests::program::{Program, Running};
use serde_json::json;

fn full() -> bool {
    std::env::var("FLOWKIT_FULL").is_ok_and(|value| value == "1")
}

/// How many slots are taken, as the server says.
fn taken(server: &LiveServer, name: &str) -> u64 {
    server.get(&format!("/v2/concurrency_limits/{name}"))["active_slots"].as_u64().expect("a number")
}

fn all_are_given_back(server: &LiveServer, name: &str) {
    server.eventually("free slots", |server| (taken(server, name) == 0).then_some(()));
}

fn share(
    server: &LiveServer,
    ledger: &Ledger,
    limit: &str,
    process: &str,
    how: &str,
    runs: [u32; 2],
    seconds: f64,
) -> Running {
    let [file, from, upto] = [ledger.path().display().to_string(), runs[0].to_string(), runs[1].to_string()];
    let said = [
        ("limit", limit),
        ("process", process),
        ("how", how),
        ("file", &file),
        ("from", &from),
        ("upto", &upto),
        ("seconds", &seconds.to_string()),
    ];
    let args: Vec<String> = said.map(|(name, value)| format!("{name}={value}")).to_vec();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    Program::example("live_slots").args(&args).server(&server.api_url()).start()
}

#[test]
fn limits_at_the_server() {
    let Some(server) = live::server() else { return };
    at(&server.api_url(), limits::hold("rust"));
}

#[test]
fn limits_go_both_ways() {
    let Some(server) = live::server() else { return };
    server.python(
        "from prefect.client.orchestration import get_client\n\
         from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate\n\
         with get_client(sync_client=True) as client:\n    \
             client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name='py limit', limit=3, slot_decay_per_second=0.5))\n    \
             client.create_concurrency_limit(tag='py-tag', concurrency_limit=4)\n",
    );
    at(&server.api_url(), async {
        let read = limit::read("py limit").await.expect("Python has made it");
        assert_eq!((read.limit, read.active, read.slot_decay_per_second), (3, true, 0.5));
        assert_eq!(limit::read("tag:py-tag").await.expect("Python has made it").limit, 4);
        limit::set("py limit", 9).await.expect("it is changed");
        limit::set("rs-limit", 7).slot_decay_per_second(0.25).active(false).await.expect("it is set");
        limit::set("tag:rs-tag", 2).await.expect("it is set");
        assert!(limit::delete("tag:py-tag").await.expect("it is removed"));
    });
    let seen = server.python_json("import json\n\
         from prefect.client.orchestration import get_client\n\
         with get_client(sync_client=True) as client:\n    \
             known = {one.name: one for one in client.read_global_concurrency_limits(limit=200, offset=0)}\n    \
             tag = client.read_concurrency_limit_by_tag('rs-tag')\n\
         mine, other = known['rs-limit'], known['py limit']\n\
         print(json.dumps([mine.limit, mine.active, mine.slot_decay_per_second, other.limit, other.slot_decay_per_second,\n    \
             tag.concurrency_limit, 'tag:py-tag' in known]))\n",
    );
    assert_eq!(seen, json!([7, false, 0.25, 9, 0.5, 2, false]));
}

#[test]
fn python_accepts_the_same_names() {
    let Some(server) = live::server() else { return };
    let names = ["a", "tag:x", "größe", "a b", "a/b", "a%", "a&b", "<", ">", "", "."];
    let script = format!(
        "import json\n\
         from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate\n\
         def accepts(name):\n    \
             try:\n        \
                 GlobalConcurrencyLimitCreate(name=name, limit=1)\n        \
                 return True\n    \
             except ValueError:\n        \
                 return False\n\
         print(json.dumps([accepts(name) for name in json.loads('''{}''')]))\n",
        json!(names)
    );
    let runtime = Runtime::ephemeral();
    let ours = runtime.run(async {
        let mut of_names = vec![];
        for name in names {
            of_names.push(limit::set(name, 1).await.is_ok());
        }
        json!(of_names)
    });
    let ours = tokio::runtime::Runtime::new().expect("a runtime starts").block_on(ours);
    assert_eq!(server.python_json(&script), ours);
}

const PYTHON_WAITS: &str = "import json, sys, time\n\
     from prefect.concurrency.sync import concurrency\n\
     begun = time.time()\n\
     with concurrency('both-wait', occupy=2):\n    \
         got = time.time()\n    \
         time.sleep(1.5)\n\
     print(json.dumps([begun, got, time.time()]))\n";

fn unix() -> f64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64()
}

#[test]
fn python_waits_for_rust_and_rust_for_python() {
    let Some(server) = live::server() else { return };
    at(&server.api_url(), async {
        limit::set("both-wait", 2).await.expect("it is set");
        let held = concurrency("both-wait", 1).await.expect("there is one");
        let url = server.api_url();
        let waits = tokio::task::spawn_blocking(move || {
            let _ = url;
            server.python_json(PYTHON_WAITS)
        });
        // It has been refused at least once.
        let denied = async || {
            while !waits.is_finished() && limit::read("both-wait").await.expect("it is there").active_slots < 2 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(!waits.is_finished());
        let freed = unix();
        held.release().await.expect("it is given back");
        denied().await;
        let guard = concurrency("both-wait", 1).timeout("60s").await.expect("Python gives it back");
        let got = unix();
        let times: [f64; 3] = serde_json::from_value(waits.await.expect("it ends")).expect("times");
        assert!(times[1] >= freed, "Python got its slots at {}, and Rust gave its slot back at {freed}", times[1]);
        assert!(
            got + 0.05 >= times[1] + 1.5,
            "Rust got its slot at {got}, and Python's were taken from {} on",
            times[1]
        );
        guard.release().await.expect("it is given back");
    });
    all_are_given_back(server, "both-wait");
}

#[task(tags = ["of-one"])]
async fn one_at_a_time() -> f64 {
    tokio::time::sleep(Duration::from_millis(300)).await;
    unix()
}

#[flow]
async fn three_of_one() -> flowkit::Result<(String, Vec<f64>)> {
    let holders = async {
        loop {
            let holders = limit::holders("tag:of-one").await?;
            if !holders.is_empty() {
                return Ok::<_, flowkit::Error>(holders);
            }
        }
    };
    let tasks: Vec<_> = (0..3).map(|_| one_at_a_time().submit()).collect();
    let holders = holders.await?;
    let runs: Vec<_> = tasks.iter().filter_map(|task| task.run().map(|run| Some(run.id()))).collect();
    assert!(runs.contains(&holders[0].task_run_id), "{holders:?}");
    let flow_run = runtime::flow_run().expect("a run").id().to_string();
    let mut ends = Vec::new();
    for task in tasks {
        ends.push(task.await?);
    }
    Ok((flow_run, ends))
}

#[test]
fn a_tagged_task_is_pending_until_it_has_a_slot_and_the_server_hears_who_holds_it() {
    let Some(server) = live::server() else { return };
    let (_, mut ends) = at(&server.api_url(), async {
        limit::set("tag:of-one", 1).await.expect("it is set");
        three_of_one().await
    })
    .expect("it ends");
    ends.sort_by(f64::total_cmp);
    assert!(ends.windows(2).all(|pair| pair[1] - pair[0] >= 0.29), "{ends:?}");
    all_are_given_back(server, "tag:of-one");
    let limit = server.get("/v2/concurrency_limits/tag:of-one");
    let resource = format!("prefect.concurrency-limit.{}", limit["id"].as_str().expect("an id"));
    let told = server.eventually("events of slots", |server| {
        let names = ["prefect.concurrency-limit.acquired", "prefect.concurrency-limit.released"];
        let filter = json!({"filter": {"event": {"name": names}, "resource": {"id": [resource]}}, "limit": 50});
        let events = server.post("/events/filter", &filter)["events"].as_array().cloned().unwrap_or_default();
        let of = |name: &str| events.iter().filter(|event| event["event"] == name).count();
        names.into_iter().all(|name| of(name) == 3).then_some(events)
    });
    let roles: Vec<_> =
        told[0]["related"].as_array().expect("resources").iter().map(|one| &one["prefect.resource.role"]).collect();
    assert!(roles.contains(&&json!("task-run")) && roles.contains(&&json!("flow-run")), "{roles:?}");
    assert!(
        told.iter()
            .filter(|event| event["event"] == "prefect.concurrency-limit.released")
            .all(|event| !event["follows"].is_null())
    );
}

#[test]
fn whoever_gives_up_takes_nothing_and_a_freed_slot_is_taken_at_once() {
    let Some(server) = live::server() else { return };
    at(&server.api_url(), async {
        limit::set("rs-line", 1).await.expect("it is set");
        let held = concurrency("rs-line", 1).await.expect("there is one");
        let error = concurrency("rs-line", 1).timeout("500ms").await.expect_err("it is held");
        assert!(error.is_timeout(), "{error}");
        let first = tokio::spawn(runtime::in_current_run(async { concurrency("rs-line", 1).await }));
        tokio::time::sleep(Duration::from_millis(300)).await;
        let second = tokio::spawn(runtime::in_current_run(async { concurrency("rs-line", 1).await }));
        tokio::time::sleep(Duration::from_secs(4)).await;
        first.abort();
        // The server has told others to wait for seconds by now.
        let begun = Instant::now();
        drop(held);
        let guard = second.await.expect("it ends").expect("it is free");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        drop(guard);
    });
    assert_eq!(taken(server, "rs-line"), 0, "what is dropped is given back before a flush ends");
}

#[test]
fn a_rate_limit_at_the_server_lets_so_many_pass() {
    let Some(server) = live::server() else { return };
    at(&server.api_url(), async {
        limit::set("rs-rate", 2).slot_decay_per_second(1.0).await.expect("it is set");
        let begun = Instant::now();
        futures::future::join_all((0..5).map(|_| rate_limit("rs-rate", 1).into_future()))
            .await
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
            .expect("all of them pass");
        // Three had to come back, and what is left of a second may count for the first.
        assert!(begun.elapsed() > Duration::from_secs(2), "{:?}", begun.elapsed());
    });
}

#[test]
fn no_more_run_at_once_than_a_limit_says_in_three_processes_of_which_one_is_killed() {
    let Some(server) = live::server() else { return };
    let (ledger, name) = (Ledger::new(), "of-processes");
    let seconds = if full() { 1.0 } else { 0.2 };
    at(&server.api_url(), async { limit::set(name, 5).await.expect("it is set") });
    if full() {
        let mut third = share(server, &ledger, name, "third", "ask", [34, 50], seconds);
        let others = [[0, 17], [17, 34]]
            .map(|runs| share(server, &ledger, name, &format!("p{}", runs[0]), "ask", runs, seconds));
        (0..8).for_each(|_| third.until("working on"));
        kill(&ledger, third);
        let begun = Instant::now();
        let open: Vec<u32> = (34..50).filter(|nth| !has_ended(&ledger, &format!("third-{nth}"))).collect();
        let again = [*open.first().expect("it was killed half way"), 50];
        let again = share(server, &ledger, name, "again", "ask", again, seconds);
        others.into_iter().chain([again]).for_each(|program| drop(program.wait().succeeded()));
        eprintln!("all have ended {:?} after the kill, with {} slots lost", begun.elapsed(), taken(server, name));
        server.eventually("the end of the lease", |server| (taken(server, name) == 0).then_some(()));
        eprintln!("all slots are back {:?} after the kill", begun.elapsed());
        let ended = ledger.executions().iter().filter(|one| one.end.is_finite()).count();
        assert!(ended >= 50, "{ended}");
    } else {
        // It holds a slot when it dies, until its lease ends.
        let mut killed = share(server, &ledger, name, "killed", "ask", [0, 1], 60.0);
        killed.until("working on");
        let others = [[0, 10], [10, 20]]
            .map(|runs| share(server, &ledger, name, &format!("p{}", runs[0]), "ask", runs, seconds));
        kill(&ledger, killed);
        others.into_iter().for_each(|program| drop(program.wait().succeeded()));
        assert_eq!(taken(server, name), 1, "only what was killed is left");
        assert_eq!(ledger.executions().iter().filter(|one| one.end.is_finite()).count(), 21);
    }
    assert!((2..=5).contains(&ledger.most_at_once()), "{} at once", ledger.most_at_once());
}

fn kill(ledger: &Ledger, program: Running) {
    program.signal("KILL");
    assert_eq!(program.wait().code, None);
    // What it was at has ended with it.
    for open in ledger.executions().iter().filter(|one| one.end.is_infinite()) {
        if open.run.starts_with("killed") || open.run.starts_with("third") {
            note(ledger.path(), "end", &open.run);
        }
    }
}

fn has_ended(ledger: &Ledger, run: &str) -> bool {
    ledger.executions().iter().any(|one| one.run == run && one.end.is_finite())
}

#[test]
fn tagged_tasks_of_two_processes_share_a_limit() {
    let Some(server) = live::server() else { return };
    let ledger = Ledger::new();
    at(&server.api_url(), async { limit::set("tag:of-two", 2).await.expect("it is set") });
    let programs = ["a", "b"]
        .map(|process| share(server, &ledger, "of-two", process, "tag", [0, if full() { 20 } else { 5 }], 0.2));
    programs.into_iter().for_each(|program| drop(program.wait().succeeded()));
    assert!((1..=2).contains(&ledger.most_at_once()), "{} at once", ledger.most_at_once());
    all_are_given_back(server, "tag:of-two");
}

/// The lease of 60 seconds is renewed while the only thread of the runtime is blocked for longer than that.
#[test]
fn a_blocked_runtime_does_not_lose_its_slot() {
    let Some(server) = live::server().filter(|_| full()) else { return };
    let ledger = Ledger::new();
    at(&server.api_url(), async { limit::set("blocked", 1).await.expect("it is set") });
    share(server, &ledger, "blocked", "one", "block", [0, 0], 100.0).wait().succeeded();
    all_are_given_back(server, "blocked");
}
