use flowkit::prelude::*;

#[flow]
async fn sum(numbers: &[u64]) -> u64 {
    numbers.iter().sum()
}

fn main() {
    let _ = sum(&[1]);
}
