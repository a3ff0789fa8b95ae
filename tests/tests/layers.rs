//! The conventions of the repository, checked on its own sources.

use flowkit_tests::tidy::{expect_none, layers, repository, rules};

#[test]
fn modules_name_only_what_their_layer_may() {
    expect_none(&layers::check(&repository()));
}

#[test]
fn no_file_is_too_long_to_read() {
    expect_none(&rules::length(&repository()));
}

#[test]
fn every_example_is_short() {
    expect_none(&rules::example_length(&repository()));
}

#[test]
fn libraries_do_not_unwrap() {
    expect_none(&rules::unwraps(&repository()));
}

#[test]
fn tests_of_the_library_do_not_sleep() {
    expect_none(&rules::sleeps(&repository()));
}

#[test]
fn nothing_names_a_machine() {
    expect_none(&rules::machine_paths(&repository()));
}

/// Without this, a wrong root would let all checks pass on nothing.
#[test]
fn the_repository_is_what_is_read() {
    let sources = repository();
    for path in ["Cargo.toml", "flowkit/src/lib.rs", "tests/tests/layers.rs"] {
        assert!(sources.iter().any(|source| source.path == path), "{path} is not among the sources");
    }
}
