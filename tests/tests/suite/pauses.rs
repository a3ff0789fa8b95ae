//! Flow runs that wait for somebody.

use flowkit::{FlowFuture, pause_flow_run, resume_flow_run};

use crate::suite::common::*;
use crate::suite::prelude::*;

#[flow]
async fn pausing() -> flowkit::Result<u32> {
    let first = double(1).await?;
    pause_flow_run().poll_interval("50ms").await?;
    double(first).await
}

#[flow]
async fn asking() -> flowkit::Result<u32> {
    pause_flow_run().wait_for_input::<u32>().poll_interval("50ms").await
}

#[flow(retries = 1)]
async fn brief() -> flowkit::Result<()> {
    pause_flow_run().timeout("1s").poll_interval("50ms").await
}

#[flow]
async fn twice() -> flowkit::Result<()> {
    pause_flow_run().poll_interval("50ms").await?;
    pause_flow_run().poll_interval("50ms").await
}

async fn paused<T>(stage: &Stage, future: &FlowFuture<T>) -> flowkit::FlowRunId {
    until_flow(future, "Paused").await;
    stage.saw(future);
    future.run().expect("it has begun").id()
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        behaviour(
            "a_paused_flow_goes_on_when_it_is_resumed",
            |stage| async move {
                let future = pausing().submit();
                resume_flow_run(paused(&stage, &future).await).await?;
                future.await
            },
            expect![[r#"
                flow pausing: Pending > Running > Paused > Running > Completed
                  2 x double-*: Pending > Running > Completed
                = Ok(4)
            "#]],
        ),
        behaviour(
            "a_pause_gives_the_input_it_was_resumed_with",
            |stage| async move {
                let future = asking().submit();
                resume_flow_run(paused(&stage, &future).await).input(&7_u32).await?;
                future.await
            },
            expect![[r#"
                flow asking: Pending > Running > Paused > Running > Completed
                = Ok(7)
            "#]],
        ),
        behaviour(
            "a_paused_flow_is_cancelled",
            |stage| async move {
                let future = pausing().submit();
                paused(&stage, &future).await;
                future.cancel();
                future.await
            },
            expect![[r#"
                flow pausing: Pending > Running > Paused > Cancelled(Flow run was cancelled.)
                  double-*: Pending > Running > Completed
                = Err(flow run '~pausing~' was cancelled)
            "#]],
        ),
        flow(
            "a_pause_that_nobody_ends_fails_the_flow_without_a_retry",
            brief,
            expect![[r#"
            flow brief: Pending > Running > Paused > Failed(The flow was failed and never resumed.)
            = Err(flow run '~brief~' failed: flow run '~brief~' was paused and never resumed)
        "#]],
        ),
        scene(
            "a_flow_that_is_not_paused_cannot_be_resumed",
            || async {
                let run = flowkit::runtime::flow_run().expect("a scene is a flow").id();
                Ok(resume_flow_run(run).await.map_err(|error| error.kind()))
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                = Ok(Err(Refused))
            "#]],
        ),
        scene(
            "a_task_cannot_pause",
            || async { Ok(pauses_in_a_task().await.is_err()) },
            expect![[r#"
            flow scene: Pending > Running > Completed
              pauses_in_a_task-*: Pending > Running > Failed(Task run encountered an exception: a flow run can only be paused by the flow's own code, and this code is in task run 'pauses_in_a_task-*')
            = Ok(true)
        "#]],
        ),
        behaviour(
            "a_flow_pauses_as_often_as_it_likes",
            |stage| async move {
                let future = twice().submit();
                let run = paused(&stage, &future).await;
                resume_flow_run(run).await?;
                let states = || future.run().map_or(0, |run| run.states().len());
                // Pending, Running, Paused, Running, Paused.
                until(|| states() == 5).await;
                resume_flow_run(run).await?;
                future.await
            },
            expect![[r#"
                flow twice: Pending > Running > Paused > Running > Paused > Running > Completed run_count=2
                = Ok(())
            "#]],
        ),
    ]
}

#[task]
async fn pauses_in_a_task() -> flowkit::Result<()> {
    pause_flow_run().await
}
