use flowkit::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Settings {
    pages: u32,
}

#[flow]
async fn etl(settings: Settings, n: u32) -> u32 {
    settings.pages + n
}

fn main() {
    let _ = etl(Settings { pages: 1 }, 2);
}
