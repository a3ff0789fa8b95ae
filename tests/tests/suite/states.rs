//! States that code chooses, aggregates, and raises.

use flowkit::State;

use crate::suite::common::*;
use crate::suite::prelude::*;

#[flow]
async fn own_done() -> State {
    State::completed().with_name("MyDone").with_message("as planned")
}

#[flow]
async fn own_failure() -> State {
    State::failed().with_message("no use")
}

#[flow]
async fn own_cancellation() -> State {
    State::cancelled().with_message("I cancelled")
}

#[flow]
async fn gathered(numbers: Vec<u32>) -> Vec<State> {
    flowkit::map(numbers, even).submit().wait().await
}

#[flow]
async fn of_one(n: u32) -> State {
    even(n).submit().wait().await
}

#[task]
async fn own_state(name: String) -> State {
    State::failed().with_name(&name)
}

#[task]
async fn skips(skip: bool) -> flowkit::Result<u32> {
    if skip { Err(flowkit::end_as(State::completed().with_name("Skipped"))) } else { Ok(1) }
}

#[flow]
async fn ends_as_cancelled() -> anyhow::Result<u32> {
    Err(flowkit::end_as(State::cancelled().with_message("enough")).into())
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        flow(
            "a_flow_ends_in_the_state_it_returns",
            own_done,
            expect![[r#"
            flow own-done: Pending > Running > MyDone[COMPLETED](as planned)
              INFO Beginning flow run '~own-done~' for flow 'own-done'
              INFO Finished in state MyDone('as planned', type=COMPLETED)
            = Ok(MyDone('as planned', type=COMPLETED))
        "#]],
        )
        .with_logs(),
        flow(
            "a_flow_that_returns_a_failed_state_has_failed",
            own_failure,
            expect![[r#"
            flow own-failure: Pending > Running > Failed(no use)
            = Err(flow run '~own-failure~' ended in state Failed('no use'))
        "#]],
        ),
        flow(
            "a_flow_that_returns_a_failed_state_is_run_again",
            || own_failure().retries(1),
            expect![[r#"
            flow own-failure: Pending > Running > AwaitingRetry+0(no use) > Retrying > Failed(no use)
            = Err(flow run '~own-failure~' ended in state Failed('no use'))
        "#]],
        ),
        flow(
            "a_flow_that_returns_a_cancelled_state_is_cancelled",
            own_cancellation,
            expect![[r#"
            flow own-cancellation: Pending > Running > Cancelled(I cancelled)
            = Err(flow run '~own-cancellation~' ended in state Cancelled('I cancelled'))
        "#]],
        ),
        flow(
            "a_flow_that_returns_the_state_of_a_run_ends_in_their_aggregate",
            || of_one(3),
            expect![[r#"
            flow of-one {"n":3}: Pending > Running > Failed(1/1 states failed.)
              even-*: Pending > Running > Failed(Task run encountered an exception: 3 is odd)
            = Err(flow run '~of-one~' ended in state Failed('1/1 states failed.'))
        "#]],
        ),
        flow(
            "states_that_have_all_completed_complete_a_flow",
            || gathered(vec![2, 4]),
            expect![[r#"
            flow gathered {"numbers":[2,4]}: Pending > Running > Completed(All states completed.)
              2 x even-*: Pending > Running > Completed
            = Ok([Completed(), Completed()])
        "#]],
        ),
        flow(
            "states_of_which_some_have_failed_fail_a_flow",
            || gathered(vec![2, 3, 4]),
            expect![[r#"
            flow gathered {"numbers":[2,3,4]}: Pending > Running > Failed(1/3 states failed.)
              2 x even-*: Pending > Running > Completed
              even-*: Pending > Running > Failed(Task run encountered an exception: 3 is odd)
            = Err(flow run '~gathered~' ended in state Failed('1/3 states failed.'))
        "#]],
        ),
        flow(
            "no_states_are_a_plain_value",
            || gathered(vec![]),
            expect![[r#"
            flow gathered {"numbers":[]}: Pending > Running > Completed
            = Ok([])
        "#]],
        ),
        scene(
            "a_failed_state_that_a_task_returns_is_retried",
            || async { Ok(own_state("Refused").retries(1).await.is_err()) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  own_state-*: Pending > Running > Retrying > Refused[FAILED]
                = Ok(true)
            "#]],
        ),
        scene(
            "a_body_ends_its_run_in_a_state_by_the_question_mark",
            || async { Ok(skips(true).await.is_err()) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  skips-*: Pending > Running > Skipped[COMPLETED]
                = Ok(true)
            "#]],
        ),
        scene(
            "a_task_after_one_without_a_value_is_not_ready",
            || async {
                let skipped = skips(true).name("skipped").submit();
                Ok(double(&skipped).await.is_err_and(|error| error.is_not_ready()))
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-* (n <- skipped): Pending > NotReady(Upstream task run 'skipped' has no value.)
                  skipped: Pending > Running > Skipped[COMPLETED]
                = Ok(true)
            "#]],
        ),
        scene(
            "a_task_that_only_waits_for_one_without_a_value_runs",
            || async {
                let skipped = skips(true).name("skipped").submit();
                double(1).wait_for(&skipped).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-* (wait_for <- skipped): Pending > Running > Completed
                  skipped: Pending > Running > Skipped[COMPLETED]
                = Ok(2)
            "#]],
        ),
        scene(
            "a_chosen_state_is_that_of_the_run_and_not_of_those_above",
            || async { ends_as_cancelled().await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: flow run '~ends-as-cancelled~' ended in state Cancelled('enough'))
                  ends-as-cancelled-0: Pending > Pending > Running > Cancelled(enough)
                    flow ends-as-cancelled: Pending > Running > Cancelled(enough)
                = Err(flow run '~scene~' failed: flow run '~ends-as-cancelled~' ended in state Cancelled('enough'))
            "#]],
        ),
        scene(
            "a_failed_state_is_raised_on_demand",
            || async {
                even(3).submit().wait().await.into_result()?;
                Ok(())
            },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: the run is in state Failed('Task run encountered an exception: 3 is odd'))
                  even-*: Pending > Running > Failed(Task run encountered an exception: 3 is odd)
                = Err(flow run '~scene~' failed: the run is in state Failed('Task run encountered an exception: 3 is odd'))
            "#]],
        ),
    ]
}
