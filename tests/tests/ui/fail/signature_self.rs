use flowkit::prelude::*;

struct Api;

impl Api {
    #[task]
    async fn fetch(&self, page: u32) -> u32 {
        page
    }
}

fn main() {
    let _ = Api.fetch(1);
}
