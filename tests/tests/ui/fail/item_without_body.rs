use flowkit::prelude::*;

trait Fetch {
    #[task]
    async fn fetch(url: String) -> String;
}

fn main() {}
