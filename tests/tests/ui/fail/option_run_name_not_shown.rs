use flowkit::prelude::*;

struct Page(u32);

#[task(run_name = "page-{page}")]
async fn count(page: Page) -> u32 {
    page.0
}

fn main() {}
