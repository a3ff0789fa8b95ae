use flowkit::prelude::*;

#[task]
async fn fetch(url: String) -> Article {
    todo!("{url}")
}

fn main() {}
