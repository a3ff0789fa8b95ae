//! Whose word counts: call, value, definition. Names and tags.

use std::time::Duration;

use flowkit::ErrorKind;
use flowkit::prelude::*;
use flowkit_tests::lab::{Lab, path};
use tokio::time::sleep;

#[task(retries = 1, timeout = "5s", run_name = "defined-{n}", tags = ["net", "a"])]
async fn work(n: u64) -> Result<u64, String> {
    sleep(Duration::from_secs(n)).await;
    Err("no".to_owned())
}

#[task]
async fn plain(n: u64, _secret: Opaque) -> u64 {
    n
}

/// Neither displayed nor debugged.
#[derive(Clone)]
struct Opaque;

#[flow(run_name = "report-{day}", tags = ["daily"])]
async fn report(day: String) -> usize {
    day.len()
}

const VALUE: Options =
    Options::new().retries(2).timeout(Duration::from_secs(3)).run_name("value-{n}").tags(&["b", "net"]);

#[tokio::test(start_paused = true)]
async fn the_definition_counts_where_nobody_else_speaks() {
    let lab = Lab::default();
    let _ = lab.run(async { work(9).await }).await;
    let run = lab.task("work");
    assert_eq!(run.name(), "defined-9");
    assert_eq!(run.tags(), ["a", "net"]);
    assert_eq!(path(&run.states()), "Pending > Running > Retrying > TimedOut");
    assert_eq!(run.state().message(), Some("Task run exceeded timeout of 5.0 second(s)"));
}

#[tokio::test(start_paused = true)]
async fn a_value_beats_the_definition() {
    let lab = Lab::default();
    let _ = lab.run(async { work(9).with(VALUE).await }).await;
    let run = lab.task("work");
    assert_eq!(run.name(), "value-9");
    assert_eq!((run.retries(), run.effort().run_count), (2, 3));
    assert_eq!(run.state().message(), Some("Task run exceeded timeout of 3.0 second(s)"));
    assert_eq!(run.tags(), ["a", "b", "net"], "tags add up");
}

#[tokio::test(start_paused = true)]
async fn a_call_beats_the_value_wherever_it_stands() {
    let lab = Lab::default();
    lab.run(async {
        let _ = work(9).retries(0).timeout("1s").name("called-{n}").tags(["c"]).with(VALUE).await;
        let _ = work(9).with(VALUE).retries(0).timeout(1).name("called-{n}").tags(["c", "a"]).await;
    })
    .await;
    for run in lab.tasks("work") {
        assert_eq!(run.name(), "called-9");
        assert_eq!(path(&run.states()), "Pending > Running > TimedOut");
        assert_eq!(run.state().message(), Some("Task run exceeded timeout of 1.0 second(s)"));
        assert_eq!(run.tags(), ["a", "b", "c", "net"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_option_of_a_call_that_cannot_be_read_is_one_clear_error() {
    let lab = Lab::default();
    lab.run(async {
        for call in [
            work(0).timeout("30q"),
            work(0).retry_delay("30q"),
            work(0).retry_delays(["1s", "30q"]),
            work(0).timeout("30q").retry_delay("also wrong"),
        ] {
            let error = call.await.expect_err("30q is no duration");
            assert_eq!(error.kind(), ErrorKind::Definition);
            let expected = "in the call of `work`, `30q` is not a duration: \
                write a number with ms, s, m, h or d, such as \"30s\" or \"1m 30s\"";
            assert_eq!(error.chain(), expected);
        }
        let error = work(0).cache_expiration(0).await.expect_err("nothing counts for no time");
        assert!(error.chain().contains("`cache_expiration` must be longer than zero"), "{}", error.chain());
        let submitted = work(0).timeout("30q").submit().await;
        assert!(submitted.is_err_and(|error| error.kind() == ErrorKind::Definition));
    })
    .await;
    for run in lab.tasks("work") {
        assert_eq!(path(&run.states()), "Pending > Failed", "its body is not started");
    }
}

#[tokio::test(start_paused = true)]
async fn an_option_of_a_flow_that_cannot_be_read_is_not_blamed_on_its_parameters() {
    let lab = Lab::default();
    let error = lab.run(async { report("monday".into()).timeout("30q").await }).await.expect_err("30q is no duration");
    assert_eq!(error.kind(), ErrorKind::Definition);
    let state = lab.flow("report").state();
    let message = state.message().expect("there is a message");
    assert!(message.contains("`30q` is not a duration") && !message.contains("parameters"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn an_unnamed_task_run_is_called_after_its_task_and_three_hex_digits() {
    let lab = Lab::default();
    lab.run(async { plain(1, Opaque).await }).await.expect("it succeeds");
    let run = lab.task("plain");
    let name = run.name();
    let digits = name.strip_prefix("plain-").expect("it starts with the task's name");
    assert_eq!(digits, &run.id().dynamic_key().simple().to_string()[..3]);
    assert_eq!(run.name(), name, "it is the same each time");
}

#[tokio::test(start_paused = true)]
async fn an_unnamed_flow_run_is_called_by_two_words() {
    let lab = Lab::default();
    lab.run(async { unnamed().await }).await.expect("it succeeds");
    let run = lab.flow("unnamed");
    assert_eq!(run.name().split('-').filter(|word| !word.is_empty()).count(), 2, "{}", run.name());
}

#[flow]
async fn unnamed() {}

#[tokio::test(start_paused = true)]
async fn the_template_of_a_call_is_rendered_with_the_arguments() {
    let lab = Lab::default();
    lab.run(async {
        let upstream = plain(4, Opaque).name("{{{n}}}-up").submit();
        plain(&upstream, Opaque).name("n is {n}").await
    })
    .await
    .expect("it succeeds");
    let names: Vec<_> = lab.tasks("plain").iter().map(|run| run.name()).collect();
    assert_eq!(names, ["{4}-up", "n is 4"], "also with an argument that came as a future");
}

#[tokio::test(start_paused = true)]
async fn a_template_that_cannot_be_rendered_is_an_error_that_names_it() {
    let lab = Lab::default();
    lab.run(async {
        for (template, why) in [
            ("{nope}", "names `nope`, which is no argument (arguments: n, _secret)"),
            ("{n", "has a brace without its partner"),
            ("{_secret}", "names `_secret`, which is neither Display nor Debug"),
        ] {
            let error = plain(1, Opaque).name(template).await.expect_err("it cannot be rendered");
            assert_eq!(error.kind(), ErrorKind::Definition);
            let message = error.to_string();
            assert!(message.contains(template) && message.contains(why), "{message}");
        }
    })
    .await;
    assert!(lab.tasks("plain").iter().all(|run| path(&run.states()) == "Pending > Failed"));
}

#[tokio::test(start_paused = true)]
async fn a_flow_run_is_named_and_tagged_by_definition_and_call() {
    let lab = Lab::default();
    lab.run(async {
        report("monday".into()).await?;
        report("tuesday".into()).name("{day}!").tags(["late", "daily"]).await?;
        report("friday".into()).with(Options::new().run_name("value {day}").tags(&["v"])).await
    })
    .await
    .expect("they succeed");
    let runs = lab.flows("report");
    let named: Vec<_> = runs.iter().map(|run| (run.name(), run.tags().join(" "))).collect();
    let expected = [("report-monday", "daily"), ("tuesday!", "daily late"), ("value friday", "daily v")];
    assert_eq!(named, expected.map(|(name, tags)| (name, tags.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_flow_template_that_cannot_be_rendered_fails_the_run_before_its_body() {
    let lab = Lab::default();
    let error = lab.run(async { report("x".into()).name("{week}").await }).await.expect_err("there is no week");
    assert!(error.to_string().contains("`week`, which is no argument (arguments: day)"), "{error}");
    assert_eq!(path(&lab.flow("report").states()), "Pending > Failed");
}
