use flowkit::prelude::*;

#[task(materializes = "articles")]
async fn load() {}

fn main() {
    let _ = load();
}
