use flowkit::prelude::*;

use std::rc::Rc;

#[task]
async fn words(text: String) -> Result<Rc<str>, String> {
    Ok(text.into())
}

fn main() {
    let _ = words("a");
}
