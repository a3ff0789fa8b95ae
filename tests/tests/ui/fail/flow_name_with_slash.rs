use flowkit::prelude::*;

#[flow(name = "etl/daily")]
async fn etl() {}

fn main() {}
