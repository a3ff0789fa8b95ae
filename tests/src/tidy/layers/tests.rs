//! One small input for each thing the check has to object to.

use super::super::place::ROOT;
use super::super::table::LAYERS;
use super::*;

/// Checks one file among a few others and returns what is said of it.
fn told(path: &str, text: &str) -> Vec<String> {
    let others = ["state", "error", "clock", "backend/mod", "backend/memory", "backend/server/mod"];
    let more = ["backend/convert", "store/mod", "store/local", "engine/retry", "call", "runtime"];
    let mut sources: Vec<Source> = others
        .iter()
        .chain(&more)
        .map(|name| Source::new(&format!("{ROOT}{name}.rs"), ""))
        .filter(|source| source.path != path)
        .collect();
    if !path.ends_with("/lib.rs") {
        sources.push(Source::new("flowkit/src/lib.rs", "pub use error::Error; pub use call::Call;"));
    }
    sources.push(Source::new(path, text));
    check(&sources).iter().map(Finding::to_string).collect()
}

#[track_caller]
fn refused(path: &str, text: &str, expect: &str) {
    let told = told(path, text);
    assert!(told.len() == 1 && told[0].contains(expect), "{text}: {told:#?}");
    assert!(told[0].starts_with(&format!("{path}:1: ")), "{told:?}");
}

#[track_caller]
fn fine(path: &str, text: &str) {
    assert_eq!(told(path, text), [""; 0], "{text}");
}

#[test]
fn words_know_words_only() {
    let state = "flowkit/src/state.rs";
    fine(state, "use crate::error::Error; use std::time::Duration; use std::io::Error as Io;");
    fine(state, "fn f() -> crate::Error { todo() }");
    refused(state, "use crate::backend::Backend;", "words must not name ports");
    refused(state, "fn f() { crate::engine::retry::next() }", "words must not name engine");
    refused(state, "fn f(call: crate::Call) {}", "words must not name surface");
    refused(state, "use std::{fs, fmt};", "must not name `std::fs`");
    refused(state, "use tokio::sync::Mutex;", "must not name `tokio`");
    refused(state, "fn f() { println!() }", "must not name `println!`");
    refused(state, "use crate::nothing::X;", "is no module");
}

#[test]
fn test_code_may_name_anything() {
    fine("flowkit/src/state.rs", "#[cfg(test)] mod tests { use crate::backend::memory::Memory; }");
}

#[test]
fn time_comes_from_the_clock() {
    let now = "use std::time::Instant; fn f() { Instant::now() }";
    refused("flowkit/src/engine/retry.rs", now, "belongs to clock");
    refused("flowkit/src/engine/retry.rs", "fn f() { chrono::Utc::now() }", "belongs to clock");
    refused("flowkit/src/call.rs", "fn f() { std::time::SystemTime::now() }", "belongs to clock");
    fine("flowkit/src/clock.rs", now);
    fine("flowkit/src/clock.rs", "use tokio::time::Sleep;");
    refused("flowkit/src/clock.rs", "use tokio::spawn;", "must not name `tokio`");
}

#[test]
fn the_engine_knows_no_adapter_and_does_no_io() {
    let retry = "flowkit/src/engine/retry.rs";
    fine(retry, "use crate::backend::Backend; use crate::state::State; use tokio::spawn;");
    refused(retry, "use crate::backend::memory::Memory;", "engine must not name adapters");
    refused(retry, "use crate::backend; fn f() { backend::memory::open() }", "must not name adapters");
    refused(retry, "use flowkit_client::Client;", "flowkit_client::Client` belongs to backend::server*");
    refused(retry, "fn f() { std::fs::read(x) }", "must not name `std::fs`");
    refused(retry, "fn f() { eprintln!(\"x\") }", "must not name `eprintln!`");
    refused(retry, "use crate::call::Call;", "engine must not name surface");
}

#[test]
fn ports_and_surface_know_no_adapter() {
    refused("flowkit/src/backend/mod.rs", "mod memory; pub use memory::Memory;", "ports must not name adapters");
    refused("flowkit/src/call.rs", "use crate::backend::memory::Memory;", "surface must not name adapters");
    fine("flowkit/src/call.rs", "use crate::{runtime, engine::retry, backend::Backend};");
    fine("flowkit/src/runtime.rs", "use crate::backend::memory::Memory;");
}

#[test]
fn adapters_do_not_know_each_other() {
    let memory = "flowkit/src/backend/memory.rs";
    fine(memory, "use super::Backend; use crate::state::State; use std::fs;");
    refused(memory, "use crate::store::local::Local;", "must not know each other");
    refused(memory, "use super::server::Server;", "must not know each other");
    refused(memory, "use crate::engine::retry;", "adapters must not name engine");
    fine("flowkit/src/backend/server/mod.rs", "use crate::backend::convert::state; use flowkit_client::Client;");
    refused("flowkit/src/store/local.rs", "use flowkit_client::Client;", "belongs to backend::server*");
}

#[test]
fn a_file_without_a_layer_is_told() {
    refused("flowkit/src/misc.rs", "", "`misc` is in no layer");
}

#[test]
fn doors_open_to_all_but_adapters() {
    fine("flowkit/src/lib.rs", "mod state; pub use state::State; pub use call::Call;");
    refused("flowkit/src/lib.rs", "pub use backend::memory::Memory;", "doors must not name adapters");
}

#[test]
fn the_table_names_its_own_layers() {
    let names: Vec<&str> = LAYERS.iter().map(|layer| layer.name).collect();
    for layer in LAYERS {
        assert!(layer.uses.iter().all(|name| names.contains(name)), "{layer:?}");
    }
}
