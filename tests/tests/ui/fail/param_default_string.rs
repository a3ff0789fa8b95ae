use flowkit::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Count(u32);

#[flow]
async fn double(#[param(default = "three")] n: Count) -> u32 {
    n.0 * 2
}

fn main() {}
