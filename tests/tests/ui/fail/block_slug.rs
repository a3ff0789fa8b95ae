use flowkit::Block;

#[derive(Block, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[block(slug = "My Warehouse")]
struct Warehouse {
    host: String,
}

fn main() {}
