use flowkit::prelude::*;

use std::borrow::Cow;

#[task]
async fn fetch(url: Cow<'_, str>) -> String {
    url.into_owned()
}

fn main() {
    let _ = fetch("a".into());
}
