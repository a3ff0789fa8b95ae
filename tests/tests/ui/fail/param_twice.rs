use flowkit::prelude::*;

#[flow]
async fn double(
    #[param(default = 3)]
    #[param(default = 4)]
    n: u32,
) -> u32 {
    n * 2
}

fn main() {
    let _ = double(2);
}
