use flowkit::prelude::*;

struct Api;

impl Api {
    #[task]
    async fn fetch(api: Self) -> u32 {
        1
    }
}

fn main() {
    let _ = Api::fetch(Api);
}
