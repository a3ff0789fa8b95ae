//! Late runs of schedules at a real server: which of them are made up for.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use flowkit_tests::live::{LiveServer, Notes};
use flowkit_tests::program::{Program, Running};
use serde_json::{Value, json};

const POLICIES: [&str; 4] = ["all", "latest", "skip", "35"];

fn serve(server: &LiveServer, notes: &Notes, anchor: DateTime<Utc>) -> Running {
    let anchor = anchor.to_rfc3339();
    let common = ["in-process", "1s", "late", notes.path(), "20s", &anchor];
    Program::example("live_served").args(&common).args(&POLICIES).server(&server.api_url()).start()
}

fn due(run: &Value) -> DateTime<Utc> {
    run["expected_start_time"].as_str().and_then(|text| text.parse().ok()).expect("a time")
}

fn wait_until(moment: DateTime<Utc>) {
    std::thread::sleep((moment - Utc::now()).to_std().unwrap_or_default());
}

/// The types of the states of a deployment's runs that are due at these times.
fn fates(server: &LiveServer, policy: &str, dates: &[DateTime<Utc>]) -> Vec<String> {
    let runs = server.runs_of(&format!("ticking/late-{policy}")).unwrap_or_default();
    let at = |date: &DateTime<Utc>| {
        let at: Vec<&Value> = runs.iter().filter(|run| (due(run) - date).num_milliseconds().abs() < 500).collect();
        // Registering replaces the schedule; the server's scheduler may make runs of the one before in that very moment.
        let makers: HashSet<String> = at.iter().map(|run| run["created_by"]["id"].to_string()).collect();
        assert_eq!(makers.len(), at.len(), "a schedule has one run for one date: {at:#?}");
        let fates: HashSet<&str> = at.iter().filter_map(|run| run["state_name"].as_str()).collect();
        if fates.len() == 1 { fates.into_iter().collect() } else { String::new() }
    };
    dates.iter().map(at).collect()
}

#[test]
fn late_runs_follow_the_policy_of_their_schedule_and_two_runners_agree() {
    let Some(server) = LiveServer::start() else { return };
    let notes = Notes::new("misfire");
    let anchor = Utc::now() + Duration::from_secs(14);
    // The server makes runs for some minutes ahead, and nobody is left to start them.
    let killed = serve(&server, &notes, anchor);
    let complete = || {
        POLICIES
            .iter()
            .all(|policy| server.runs_of(&format!("ticking/late-{policy}")).is_some_and(|runs| runs.len() > 3))
    };
    server.eventually("deployments", |server| {
        let last = server.send("GET", &format!("/deployments/name/ticking/late-{}", POLICIES[3]), None).ok()?;
        (last.status == 200 && complete()).then_some(())
    });
    killed.signal("KILL");
    killed.wait();
    assert!(Utc::now() < anchor, "the machine is too slow for this test");
    let triggered = server.trigger("ticking/late-skip", &json!({}));

    let dates = [0, 20].map(|seconds| anchor + Duration::from_secs(seconds));
    wait_until(anchor + Duration::from_secs(37));
    let runners = [serve(&server, &notes, anchor), serve(&server, &notes, anchor)];
    let expected: [(&str, [&str; 2]); 4] = [
        ("all", ["Completed", "Completed"]),
        ("latest", ["Skipped", "Completed"]),
        ("skip", ["Skipped", "Skipped"]),
        ("35", ["Skipped", "Completed"]),
    ];
    for (policy, fates_of) in expected {
        server.eventually(policy, |server| (fates(server, policy, &dates) == fates_of).then_some(()));
    }
    // Registering a deployment has the server delete the runs ahead, and make new ones within five seconds: those of the
    // date at 40 s may be left out by it.
    server.eventually("the date after next", |server| {
        let next = [anchor + Duration::from_secs(60)];
        POLICIES.iter().all(|policy| fates(server, policy, &next) == ["Completed"]).then_some(())
    });
    // What a person has asked for is never left out.
    server.eventually("the triggered run", |server| {
        (server.get(&format!("/flow_runs/{triggered}"))["state_name"] == "Completed").then_some(())
    });
    let said: Vec<String> = runners
        .into_iter()
        .map(|runner| {
            runner.signal("TERM");
            runner.wait().succeeded().stderr
        })
        .collect();
    assert!(said.iter().any(|said| said.contains("late run(s)")), "{said:?}");
    let counts = notes.counts();
    assert!(counts.len() > 4 + 4 && counts.values().all(|count| *count == 1), "each ran once: {counts:?}");
    let skipped = server.eventually("the runs", |server| server.runs_of("ticking/late-skip"));
    let skipped = skipped.iter().find(|run| run["state_name"] == "Skipped").expect("a skipped run");
    assert_eq!(skipped["state_type"], "CANCELLED");
    let message = skipped["state"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("misfire policy is skip: missed dates do not run"), "{message}");
}
