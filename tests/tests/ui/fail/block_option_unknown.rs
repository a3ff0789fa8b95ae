use flowkit::{Block, Secret};

#[derive(Block, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[block(logo = "https://example.com/logo.png")]
struct Warehouse {
    password: Secret,
}

fn main() {}
