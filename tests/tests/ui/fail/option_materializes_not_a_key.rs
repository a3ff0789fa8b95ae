use flowkit::prelude::*;

#[task(materializes = 7)]
async fn load() {}

fn main() {
    let _ = load();
}
