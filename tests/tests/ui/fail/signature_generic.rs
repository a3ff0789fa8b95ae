use flowkit::prelude::*;

#[task]
async fn double<T: Send>(n: T) -> T {
    n
}

fn main() {
    let _ = double(1_u8);
}
