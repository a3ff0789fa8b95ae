//! Lines of the logs of runs: their levels, their owners, and what is printed.

use tracing::Instrument as _;

use crate::suite::common::*;
use crate::suite::prelude::*;

#[task]
async fn talks() {
    tracing::error!("an error");
    tracing::warn!("a warning");
    tracing::info!(pages = 3, by = "bus", "with fields");
    tracing::debug!("not shown");
}

#[task]
fn talks_blocking() {
    tracing::info!("in a blocking body");
}

#[task]
async fn spawns() {
    let helper = async { tracing::info!("in a helper") };
    tokio::spawn(helper.in_current_span()).await.expect("it does not panic");
}

#[task(log_prints)]
async fn prints() {
    println!("printed by the task");
}

#[flow(log_prints)]
async fn printing() -> flowkit::Result<()> {
    println!("printed by the flow");
    prints_if_its_flow_does().await
}

#[task]
async fn prints_if_its_flow_does() {
    println!("printed by a task of the flow");
}

#[flow]
async fn talking() -> flowkit::Result<()> {
    tracing::info!("before");
    talks_blocking().await?;
    tracing::info!("after");
    Ok(())
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        scene(
            "events_have_their_levels_and_fields",
            || async { talks().await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              INFO Beginning flow run '~scene~' for flow 'scene'
              INFO Finished in state Completed()
              talks-*: Pending > Running > Completed
                ERROR an error
                WARNING a warning
                INFO with fields pages=3 by=bus
                INFO Finished in state Completed()
            = Ok(())
        "#]],
        )
        .with_logs(),
        flow(
            "events_belong_to_the_run_they_are_in",
            talking,
            expect![[r#"
            flow talking: Pending > Running > Completed
              INFO Beginning flow run '~talking~' for flow 'talking'
              INFO before
              INFO after
              INFO Finished in state Completed()
              talks_blocking-*: Pending > Running > Completed
                INFO in a blocking body
                INFO Finished in state Completed()
            = Ok(())
        "#]],
        )
        .with_logs(),
        scene(
            "events_of_a_spawned_helper_belong_to_its_run",
            || async { spawns().await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              INFO Beginning flow run '~scene~' for flow 'scene'
              INFO Finished in state Completed()
              spawns-*: Pending > Running > Completed
                INFO in a helper
                INFO Finished in state Completed()
            = Ok(())
        "#]],
        )
        .with_logs(),
        scene(
            "a_task_that_logs_what_it_prints",
            || async { prints().await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              INFO Beginning flow run '~scene~' for flow 'scene'
              INFO Finished in state Completed()
              prints-*: Pending > Running > Completed
                INFO printed by the task
                INFO Finished in state Completed()
            = Ok(())
        "#]],
        )
        .with_logs(),
        flow(
            "a_flow_that_logs_what_it_prints_does_so_for_its_tasks",
            printing,
            expect![[r#"
            flow printing: Pending > Running > Completed
              INFO Beginning flow run '~printing~' for flow 'printing'
              INFO printed by the flow
              INFO Finished in state Completed()
              prints_if_its_flow_does-*: Pending > Running > Completed
                INFO printed by a task of the flow
                INFO Finished in state Completed()
            = Ok(())
        "#]],
        )
        .with_logs(),
        scene(
            "what_is_printed_is_not_logged_unless_somebody_says_so",
            || async { prints_if_its_flow_does().await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  INFO Finished in state Completed()
                  prints_if_its_flow_does-*: Pending > Running > Completed
                    INFO Finished in state Completed()
                = Ok(())
            "#]],
        )
        .with_logs(),
        scene(
            "lines_of_a_subflow_belong_to_the_subflow",
            || async { talking().await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  INFO Finished in state Completed()
                  talking-0: Pending > Pending > Running > Completed
                    flow talking: Pending > Running > Completed
                      INFO Beginning subflow run '~talking~' for flow 'talking'
                      INFO before
                      INFO after
                      INFO Finished in state Completed()
                      talks_blocking-*: Pending > Running > Completed
                        INFO in a blocking body
                        INFO Finished in state Completed()
                = Ok(())
            "#]],
        )
        .with_logs(),
        scene(
            "lines_of_many_lines_stay_whole",
            || async {
                tracing::info!("one\ntwo\n  three");
                Ok(())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  INFO one
                  two
                    three
                  INFO Finished in state Completed()
                = Ok(())
            "#]],
        )
        .with_logs(),
        behaviour(
            "lines_of_a_task_outside_of_any_flow_belong_to_that_task",
            |stage| async move { stage.task(talks_blocking()).await },
            expect![[r#"
                talks_blocking-*: Pending > Running > Completed
                  INFO in a blocking body
                  INFO Finished in state Completed()
                = Ok(())
            "#]],
        )
        .with_logs(),
        scene(
            "what_runs_side_by_side_does_not_mix_its_lines",
            || async { flowkit::map(1..=3, |n| says(n).name("says {n}")).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  INFO Finished in state Completed()
                  says 1: Pending > Running > Completed
                    INFO number 1
                    INFO still 1
                    INFO Finished in state Completed()
                    nothing-*: Pending > Running > Completed
                      INFO Finished in state Completed()
                  says 2: Pending > Running > Completed
                    INFO number 2
                    INFO still 2
                    INFO Finished in state Completed()
                    nothing-*: Pending > Running > Completed
                      INFO Finished in state Completed()
                  says 3: Pending > Running > Completed
                    INFO number 3
                    INFO still 3
                    INFO Finished in state Completed()
                    nothing-*: Pending > Running > Completed
                      INFO Finished in state Completed()
                = Ok([(), (), ()])
            "#]],
        )
        .with_logs(),
    ]
}

#[task]
async fn says(n: u32) {
    tracing::info!("number {n}");
    nothing().await.expect("nothing fails");
    tracing::info!("still {n}");
}
