use flowkit::prelude::*;

#[flow(materializes = "s3://lake/articles")]
async fn load() {}

fn main() {
    let _ = load();
}
