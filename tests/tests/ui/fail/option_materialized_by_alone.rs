use flowkit::prelude::*;

#[task(materialized_by = "dbt")]
async fn load() {}

fn main() {
    let _ = load();
}
