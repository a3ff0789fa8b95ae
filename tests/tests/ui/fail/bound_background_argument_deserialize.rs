use flowkit::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Order {
    id: u32,
}

#[task(background)]
fn work(order: Order) -> u32 {
    order.id
}

fn main() {
    let _ = work(Order { id: 1 });
}
