use flowkit::prelude::*;

#[task(run_name = 7)]
async fn count(page: u32) -> u32 {
    page
}

fn main() {}
