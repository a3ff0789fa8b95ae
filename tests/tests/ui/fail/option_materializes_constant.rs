use flowkit::Asset;
use flowkit::prelude::*;

const ARTICLES: Asset = Asset::new("lake/articles");

#[task(materializes = ARTICLES)]
async fn load() {}

fn main() {
    let _ = load();
}
