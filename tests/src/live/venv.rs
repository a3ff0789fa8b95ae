//! Installs the pinned server once per target directory.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use super::say;

/// The version of the server that the tests run against.
pub const SERVER_VERSION: &str = "3.8.8";

/// What is installed: the server, and the two of its dependencies whose other versions break it. With SQLAlchemy 2.1 its
/// scheduler makes no runs.
pub const PINS: &[&str] = &["prefect==3.8.8", "fastapi==0.141.1", "SQLAlchemy==2.0.58"];

/// Returns the Python with the pinned server, installing it when this target directory has none.
///
/// Test binaries that run at the same time wait for the one that installs. An install that was
/// broken off has no stamp and is done again from the start.
pub(super) fn python() -> PathBuf {
    let home = root().join("venv");
    let python = home.join("bin/python");
    let stamp = home.join("pins.txt");
    fs::create_dir_all(root()).expect("the target directory can be written");

    let _lock = lock(&root().join("venv.lock"));
    let pins = PINS.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == pins) {
        return python;
    }
    install(&home, &python);
    fs::write(&stamp, pins).expect("the target directory can be written");
    python
}

/// Returns the directory below the target directory that everything live is kept in.
///
/// A test binary lies in the target directory, whatever variable or option moved that; cargo
/// marks the directory with a tag file.
pub(super) fn root() -> PathBuf {
    let executable = std::env::current_exe().unwrap_or_default();
    let target = executable.ancestors().find(|directory| directory.join("CACHEDIR.TAG").is_file());
    let fallback = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    target.map_or_else(fallback, Path::to_path_buf).join("live")
}

fn lock(path: &Path) -> File {
    let file = File::create(path).expect("the target directory can be written");
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say("waiting for another test binary that installs the server");
            file.lock().expect("a file below the target directory can be locked");
        }
        Err(TryLockError::Error(error)) => panic!("cannot lock {}: {error}", path.display()),
    }
    file
}

fn install(home: &Path, python: &Path) {
    let begun = Instant::now();
    let probe = "import ensurepip, sys; sys.exit(sys.version_info < (3, 10))";
    match Command::new("python3").args(["-c", probe]).output() {
        Ok(output) if output.status.success() => {}
        _ => panic!(
            "the live tests need python3, 3.10 or later with the venv module (Debian: \
             apt-get install python3-venv); install it, or set FLOWKIT_LIVE=off to skip them"
        ),
    }
    say(&format!("installing {} into {} (once)", PINS.join(", "), home.display()));
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(home));
    run(Command::new(python)
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
        .args(PINS));
    say(&format!("installed in {} s", begun.elapsed().as_secs()));
}

fn run(command: &mut Command) {
    let Output { status, stderr, .. } =
        command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(
        status.success(),
        "{command:?} ended with {status}; set FLOWKIT_LIVE=off to skip the live tests.\n{}",
        String::from_utf8_lossy(&stderr),
    );
}
