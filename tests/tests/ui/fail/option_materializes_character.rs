use flowkit::prelude::*;

#[task(asset_deps = ["s3://lake/ok", "s3://lake/my articles"])]
async fn load() {}

fn main() {
    let _ = load();
}
