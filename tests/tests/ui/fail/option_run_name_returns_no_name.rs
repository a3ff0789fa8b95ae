use flowkit::prelude::*;

fn parts(page: &u32) -> Vec<u32> {
    vec![*page]
}

#[task(run_name = parts)]
async fn count(page: u32) -> u32 {
    page
}

fn main() {}
