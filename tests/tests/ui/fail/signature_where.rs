use flowkit::prelude::*;

#[task]
async fn double(n: u32) -> u32
where
    u32: Copy,
{
    n * 2
}

fn main() {
    let _ = double(2);
}
