use flowkit::prelude::*;

#[flow]
async fn fetch(url: Url) -> String {
    url.to_string()
}

fn main() {}
