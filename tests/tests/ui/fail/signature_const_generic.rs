use flowkit::prelude::*;

#[task]
async fn sum<const N: usize>(n: [u8; N]) -> u8 {
    n.iter().sum()
}

fn main() {
    let _ = sum([1, 2]);
}
