//! Flow runs cancelled by their id, and runs that outlive who called them.

use std::sync::Mutex;

use flowkit::TaskFuture;

use crate::suite::common::*;
use crate::suite::prelude::*;

#[flow]
async fn endless_flow() -> u32 {
    std::future::pending().await
}

static LEFT: Mutex<Vec<TaskFuture<u64>>> = Mutex::new(Vec::new());

#[flow]
async fn lets_go() -> &'static str {
    LEFT.lock().expect("no panic").push(nap(20).detached().submit());
    "done"
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        behaviour(
            "a_flow_cancelled_by_its_id_is_cancelling_and_then_cancelled",
            |stage| async move {
                let future = endless_flow().submit();
                until_flow(&future, "Running").await;
                stage.saw(&future);
                stage.runtime().cancel_flow_run(future.run().expect("it has begun").id()).await?;
                future.await
            },
            expect![[r#"
                flow endless-flow: Pending > Running > Cancelling > Cancelled(Flow run was cancelled.)
                = Err(flow run '~endless-flow~' was cancelled)
            "#]],
        ),
        behaviour(
            "a_subflow_cancelled_by_its_id_fails_its_parent_if_that_passes_it_on",
            |stage| async move {
                let cancelling = stage.runtime();
                stage
                    .scene(async move {
                        let future = endless_flow().submit();
                        until_flow(&future, "Running").await;
                        cancelling.cancel_flow_run(future.run().expect("it has begun").id()).await?;
                        future.await
                    })
                    .await
            },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: flow run '~endless-flow~' was cancelled)
                  endless-flow-0: Pending > Pending > Running > Cancelling > Cancelled(Flow run was cancelled.)
                    flow endless-flow: Pending > Running > Cancelling > Cancelled(Flow run was cancelled.)
                = Err(flow run '~scene~' failed: flow run '~endless-flow~' was cancelled)
            "#]],
        ),
        behaviour(
            "a_flow_does_not_wait_for_detached_work_which_goes_on",
            |stage| async move {
                let said = stage.flow(lets_go()).await;
                let left = LEFT.lock().expect("no panic").pop().expect("it was submitted");
                (said, left.wait().await.name().to_owned())
            },
            expect![[r#"
                flow lets-go: Pending > Running > Completed
                  nap-*: Pending > Running > Completed
                = (Ok("done"), "Completed")
            "#]],
        ),
        behaviour(
            "a_flow_that_has_ended_cannot_be_cancelled",
            |stage| async move {
                let future = child(1).submit();
                let ended = future.clone().await;
                stage.saw(&future);
                let refused = stage.runtime().cancel_flow_run(future.run().expect("it has begun").id()).await;
                (ended, refused.map_err(|error| error.kind()))
            },
            expect![[r#"
                flow child {"n":1}: Pending > Running > Completed
                  double-*: Pending > Running > Completed
                = (Ok(2), Err(Aborted))
            "#]],
        ),
    ]
}
