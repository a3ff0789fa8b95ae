//! Names of runs that their arguments decide, and options of a call that cannot be used.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, Options};
use flowkit_tests::lab::Lab;

#[derive(Clone)]
struct User {
    name: String,
}

fn of_user(user: &User, n: &u32) -> String {
    format!("{} no. {n}", user.name)
}

#[task(run_name = of_user)]
async fn greet(user: User, n: u32) -> usize {
    user.name.len() + n as usize
}

#[task]
async fn user(name: String) -> User {
    User { name }
}

fn twice(n: &u32) -> u32 {
    n * 2
}

mod naming {
    pub(super) fn always() -> &'static str {
        "always the same"
    }

    pub(super) fn by_region(region: &str) -> String {
        assert!(!region.is_empty(), "no region");
        format!("load-{region}")
    }
}

#[task(run_name = twice)]
fn blocking(n: u32) -> u32 {
    n
}

#[task(run_name = naming::always)]
async fn without() {}

#[flow(run_name = naming::by_region)]
async fn load(region: String) -> flowkit::Result<usize> {
    tracing::info!(region);
    let user = user("Ada").submit();
    blocking(4).await?;
    without().await?;
    greet(&user, 1).name("by the call {n}").await?;
    greet(&user, 2).await
}

#[tokio::test(start_paused = true)]
async fn a_function_names_runs_after_their_arguments() {
    let lab = Lab::default();
    lab.run(async { load("eu".to_owned()).await }).await.expect("it succeeds");
    assert_eq!(lab.flow("load").name(), "load-eu");
    assert_eq!(lab.task("blocking").name(), "8");
    assert_eq!(lab.task("without").name(), "always the same");
    let names: Vec<_> = lab.tasks("greet").iter().map(|run| run.name()).collect();
    assert_eq!(names, ["by the call 1", "Ada no. 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_panics_while_naming_fails_the_run() {
    let lab = Lab::default();
    let error = lab.run(async { load(String::new()).await }).await.expect_err("there is no region");
    assert!(error.is_panic(), "{error:?}");
    let message = lab.flow("load").state().message().map(str::to_owned).expect("there is a message");
    assert!(message.contains("the function of `run_name` panicked at"), "{message}");
    assert!(message.ends_with("no region"), "{message}");
}

#[task(run_name = "say {text}")]
async fn say(text: String) {
    drop(text);
}

#[tokio::test(start_paused = true)]
async fn control_characters_in_names_become_spaces_and_long_names_are_cut() {
    let lab = Lab::default();
    lab.run(async {
        say("one\ntwo\u{1b}[0m").await.expect("it succeeds");
        say("x".repeat(5000)).await.expect("it succeeds");
    })
    .await;
    let names: Vec<_> = lab.tasks("say").iter().map(|run| run.name()).collect();
    assert_eq!((names[0].as_str(), names[1].len()), ("say one two [0m", 253));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_zero_is_refused_at_the_call_as_in_the_attribute() {
    const NONE: Options = Options::new().timeout(Duration::ZERO);
    let lab = Lab::default();
    let why = "in the call of `say`, `timeout` must be longer than zero: leave it out for no timeout";
    for call in [say("a").timeout(0), say("b").timeout("0s"), say("c").with(NONE)] {
        let error = lab.run(async { call.await }).await.expect_err("it is refused");
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Definition, why.to_owned()));
    }
    assert!(lab.tasks("say").iter().all(|run| run.state().is_failed() && run.effort().run_count == 0));
}

#[tokio::test(start_paused = true)]
async fn an_option_that_cannot_be_read_names_the_task() {
    let lab = Lab::default();
    let error = lab.run(async { say("a").retry_delay("5 parsecs").await }).await.expect_err("it is refused");
    assert!(error.to_string().starts_with("in the call of `say`, `5 parsecs` is not a duration"), "{error}");
    let error = lab.run(async { load("eu".to_owned()).timeout("soon").await }).await.expect_err("it is refused");
    assert!(error.to_string().starts_with("in the call of `load`, `soon` is not a duration"), "{error}");
}
