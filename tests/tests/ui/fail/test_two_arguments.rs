#[flowkit::test]
async fn too_much(_runtime: flowkit::Runtime, _page: u32) {}

fn main() {}
