use flowkit::Block;

#[derive(Block, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
enum Warehouse {
    Here,
}

fn main() {}
