#!/usr/bin/env bash
# What flowkit adds to a program: the time of a release build from nothing, and the size of what comes out.
#
#   benches/build-cost.sh [REPEATS]
#
# It makes two programs in a temporary folder and builds each from nothing, in turn (default: twice each): one task with
# flowkit and its default features, and one that uses tokio, serde and reqwest alone. Both have the features of those
# three that flowkit asks for, and the same TLS. Sources of dependencies are fetched first and do not count.
set -euo pipefail
repeats=${1:-2}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# The caller's own target directory is not to be filled, and its settings are not to be measured.
unset CARGO_TARGET_DIR RUSTFLAGS CARGO_INCREMENTAL "${!CARGO_PROFILE_@}"

package() {
    mkdir -p "$folder/$1/src"
    # The versions that the repository is tested with.
    cp "$root/Cargo.lock" "$folder/$1/"
    cat >"$folder/$1/Cargo.toml" <<END
[workspace]

[package]
name = "$1"
version = "0.0.0"
edition = "2024"

[dependencies]
tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
$2
END
    cat >"$folder/$1/src/main.rs"
}

package with-flowkit "flowkit = { path = \"$root/flowkit\" }" <<'END'
use flowkit::prelude::*;

#[task(retries = 3)]
async fn greet(name: String) -> String {
    format!("Hello, {name}!")
}

#[flow]
async fn hello(name: String) -> flowkit::Result<String> {
    greet(name).await
}

#[tokio::main]
async fn main() -> flowkit::Result<()> {
    hello("Marvin".into()).await?;
    Ok(())
}
END

package without 'serde = { version = "1", features = ["derive"] }
serde_json = "1"
reqwest = { version = "0.13", default-features = false, features = ["rustls-no-provider", "system-proxy"] }
rustls = { version = "0.23", default-features = false, features = ["ring", "std", "tls12"] }' <<'END'
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Greeting {
    name: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = std::env::args().nth(1).unwrap_or_else(|| "https://127.0.0.1:9".into());
    let body = serde_json::to_vec(&Greeting { name: "Marvin".into() })?;
    let answer = reqwest::Client::new().post(url).body(body).send().await?.bytes().await?;
    println!("Hello, {}!", serde_json::from_slice::<Greeting>(&answer)?.name);
    Ok(())
}
END

for name in with-flowkit without; do
    cargo fetch --quiet --manifest-path "$folder/$name/Cargo.toml"
done

build() {
    rm -rf "$folder/$1/target"
    # Seconds by the clock, and those of the processor, which other work on the machine does not lengthen as much.
    local TIMEFORMAT='%R %U %S' seconds user system
    { time cargo build --quiet --release --offline --manifest-path "$folder/$1/Cargo.toml" 2>"$folder/said"; } \
        2>"$folder/time" || { cat "$folder/said" >&2 && return 1; }
    read -r seconds user system <"$folder/time"
    local program="$folder/$1/target/release/$1"
    strip -o "$program.stripped" "$program"
    printf '{"name":"%s","seconds":%s,"cpu_seconds":%s,"bytes":%d,"stripped_bytes":%d,"crates":%d}\n' "$1" "$seconds" \
        "$(awk "BEGIN { print $user + $system }")" "$(stat -c %s "$program")" "$(stat -c %s "$program.stripped")" \
        "$(find "$folder/$1/target/release/deps" -name '*.rlib' | wc -l)"
}

for ((repeat = 0; repeat < repeats; repeat++)); do
    build without
    build with-flowkit
done
