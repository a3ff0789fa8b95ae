use flowkit::prelude::*;

#[task(cache = source)]
async fn work(id: u32) -> std::num::ParseIntError {
    format!("{id}x").parse::<u32>().expect_err("it is no number")
}

fn main() {
    let _ = work(1);
}
