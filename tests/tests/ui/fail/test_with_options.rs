#[flowkit::test(start_paused = true)]
async fn always_paused() {}

fn main() {}
