use flowkit::prelude::*;

fn long(pages: &Vec<String>) -> String {
    pages.join("-")
}

#[task(run_name = long)]
async fn count(page: u32) -> u32 {
    page
}

fn main() {}
