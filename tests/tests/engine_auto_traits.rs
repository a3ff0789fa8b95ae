//! Which public types can be sent to and shared with other threads. Checked by the compiler.

use std::cell::Cell;

/// Sendable and not shareable.
type NotSync = Cell<u8>;

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}
fn is_unpin<T: Unpin>() {}
fn is_send_value<T: Send>(_: &T) {}

macro_rules! check {
    ($($ty:ty: $($bound:ident)+;)+) => { $( $( $bound::<$ty>(); )+ )+ };
}

#[test]
fn handles_are_send_and_sync_whatever_their_value() {
    check! {
        flowkit::TaskFuture<NotSync>: is_send is_sync is_unpin;
        flowkit::FlowFuture<NotSync>: is_send is_sync is_unpin;
        flowkit::MapFuture<NotSync>: is_send is_sync is_unpin;
        flowkit::Handles<NotSync>: is_send is_sync is_unpin;
        flowkit::DelayedTask<NotSync>: is_send is_sync is_unpin;
    }
}

#[test]
fn calls_are_send() {
    check! {
        flowkit::TaskCall<NotSync>: is_send is_unpin;
        flowkit::FlowCall<NotSync>: is_send is_unpin;
        flowkit::ReturnState<NotSync>: is_send is_unpin;
        flowkit::DelayCall<NotSync>: is_send is_unpin;
        flowkit::ServeTasksCall: is_send is_sync is_unpin;
        flowkit::ReturnFlowState<NotSync>: is_send is_unpin;
        flowkit::MapCall<'static, NotSync>: is_send is_unpin;
        flowkit::MapStream<'static, NotSync>: is_send is_unpin;
        flowkit::Input<NotSync>: is_send;
        flowkit::variable::GetVariable<NotSync>: is_send is_unpin;
        flowkit::variable::SetVariable: is_send is_sync is_unpin;
        flowkit::artifact::CreateArtifact: is_send is_sync is_unpin;
        flowkit::artifact::LinkArtifact: is_send is_sync is_unpin;
        flowkit::artifact::StartProgress: is_send is_sync is_unpin;
        flowkit::artifact::ProgressUpdate: is_send is_sync is_unpin;
    }
}

#[test]
fn data_is_send_and_sync() {
    check! {
        flowkit::Error: is_send is_sync is_unpin;
        flowkit::State: is_send is_sync is_unpin;
        flowkit::StateDetails: is_send is_sync;
        flowkit::Finished<u8>: is_send is_sync;
        flowkit::FlowRun: is_send is_sync;
        flowkit::TaskRun: is_send is_sync;
        flowkit::LogRecord: is_send is_sync;
        flowkit::Options: is_send is_sync;
        flowkit::TaskDef: is_send is_sync;
        flowkit::FlowDef: is_send is_sync;
        flowkit::Runtime: is_send is_sync is_unpin;
        flowkit::RuntimeBuilder: is_send is_sync;
        flowkit::Timestamp: is_send is_sync;
        flowkit::variable::Variable: is_send is_sync is_unpin;
        flowkit::artifact::Artifact: is_send is_sync is_unpin;
        flowkit::artifact::Progress: is_send is_sync is_unpin;
    }
}

#[flowkit::task]
async fn task() -> u8 {
    1
}

#[flowkit::flow]
async fn flow() -> u8 {
    1
}

#[test]
fn the_futures_of_calls_and_handles_are_send() {
    let runtime = flowkit::Runtime::ephemeral();
    is_send_value(&task().into_future());
    is_send_value(&flow().into_future());
    is_send_value(&flowkit::map(0..1, |_| task()).into_future());
    is_send_value(&flowkit::map(0..1, |_| task()).results());
    is_send_value(&runtime.run(async { task().await }));
    is_send_value(&async {
        let future = task().submit();
        future.wait().await;
        let _ = (&future).await;
    });
}
