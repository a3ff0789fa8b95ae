use flowkit::prelude::*;

#[flow]
async fn count(urls: Vec<Url>) -> usize {
    urls.len()
}

fn main() {}
