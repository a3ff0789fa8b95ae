use flowkit::prelude::*;

#[task(run_name = "page-{page}")]
async fn nothing() {}

fn main() {}
