use flowkit::prelude::*;

#[task]
async fn show(value: impl ToString) -> String {
    value.to_string()
}

fn main() {
    let _ = show(1);
}
