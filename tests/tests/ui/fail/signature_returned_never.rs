use flowkit::prelude::*;

#[task]
async fn forever() -> ! {
    loop {}
}

fn main() {
    let _ = forever();
}
