#[flowkit::test]
fn nothing_to_wait_for() {}

fn main() {}
