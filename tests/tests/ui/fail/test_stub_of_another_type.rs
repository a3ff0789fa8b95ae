use flowkit::prelude::*;
use flowkit::testing::any;

#[task]
async fn count(page: String) -> u32 {
    page.len() as u32
}

fn main() {
    flowkit::Runtime::ephemeral().stub(count(any()), || Ok("three"));
}
