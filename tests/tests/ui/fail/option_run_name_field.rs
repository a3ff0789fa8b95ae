use flowkit::prelude::*;

#[flow(run_name = "page-{page.number}")]
async fn count(page: u32) -> u32 {
    page
}

fn main() {}
