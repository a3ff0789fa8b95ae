use flowkit::prelude::*;

use std::rc::Rc;

#[task]
async fn later(n: u32) -> u32 {
    let n = Rc::new(n);
    std::future::ready(()).await;
    *n
}

fn main() {
    let _ = later(1);
}
