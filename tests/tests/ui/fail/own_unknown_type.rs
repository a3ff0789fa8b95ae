use flowkit::prelude::*;

#[task]
async fn fetch(url: Url) -> String {
    url.to_string()
}

fn main() {}
