//! Tests: which place counts, and what is told of values that cannot be used.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::known::KNOWN;
use super::show::shown;
use super::sources::Sources;
use super::{Origin, Serving, Settings};

const URL: &str = "PREFECT_API_URL";

fn sources(env: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Sources, String> {
    let env: BTreeMap<_, _> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let read = |path: &Path| match files.iter().find(|(known, _)| Path::new(known) == path) {
        Some((_, "unreadable")) => Err(io::Error::from(io::ErrorKind::PermissionDenied)),
        Some((_, text)) => Ok(Some((*text).to_owned())),
        None => Ok(None),
    };
    Sources::read(env, &read).map_err(|error| error.to_string())
}

fn settings(env: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Settings, String> {
    let sources = sources(env, files)?;
    Settings::read(&sources).and_then(|it| Serving::read(&sources).map(|_| it)).map_err(|error| error.to_string())
}

#[test]
fn the_nearest_place_counts() {
    let profiles = "active = 'mine'\n[profiles.mine]\nPREFECT_API_URL = 'http://profile/api'";
    let files = [
        (".env", "PREFECT_API_URL=http://dotenv/api"),
        ("prefect.toml", "\n[api]\nurl = 'http://prefect/api'"),
        ("pyproject.toml", "[tool.prefect.api]\nurl = 'http://pyproject/api'"),
        ("/me/.prefect/profiles.toml", profiles),
    ];
    let env = [("HOME", "/me"), (URL, "http://env/api")];
    let all = sources(&env, &files).expect("they can be read");
    assert_eq!(shown(&all).get(URL).map(|it| it.origin().clone()), Some(Origin::Environment));
    for (left, value, origin) in [
        (0, "http://dotenv/api", ".env, line 1"),
        (1, "http://prefect/api", "prefect.toml, line 3"),
        (2, "http://pyproject/api", "pyproject.toml, line 2"),
        (3, "http://profile/api", "profile mine: /me/.prefect/profiles.toml, line 3"),
    ] {
        let shown = shown(&sources(&env[..1], &files[left..]).expect("they can be read"));
        let url = shown.get(URL).expect("it is a setting");
        assert_eq!((url.value(), url.origin().to_string().as_str()), (Some(value), origin));
        assert_eq!(shown.problem(), None);
    }
}

#[test]
fn our_own_settings_are_in_files_too() {
    let files = [
        (".env", "FLOWKIT_CANCEL_GRACE=1"),
        ("prefect.toml", "[flowkit]\ncancel_grace = 2\ndurability = 'fast'"),
        ("pyproject.toml", "[tool.prefect.flowkit]\nhandle_signals = false"),
        ("/p/profiles.toml", "active='a'\n[profiles.a]\nFLOWKIT_DB_KEEP = '7d'"),
    ];
    let found = settings(&[("PREFECT_HOME", "/p")], &files).expect("they can be used");
    assert_eq!(found.cancel_grace.0.as_secs(), 1);
    assert_eq!(found.durability, crate::Durability::Fast);
    assert_eq!(found.signals, super::Signals::LeftAlone);
    assert_eq!(found.retention.age.map(|age| age.as_secs()), Some(7 * 24 * 3600));
}

#[test]
fn of_two_places_for_runs_the_nearer_one_counts() {
    let toml = [("prefect.toml", "[api]\nurl = 'http://far/api'")];
    let near = settings(&[("FLOWKIT_DB", "runs.db")], &toml).expect("the file is nearer");
    assert!(near.api.is_none() && near.database.is_some());
    let near = settings(&[(URL, "http://near/api")], &[("prefect.toml", "[flowkit]\ndb = 'runs.db'")]);
    let near = near.expect("the server is nearer");
    assert!(near.api.is_some() && near.database.is_none());
    let both = [("prefect.toml", "[api]\nurl = 'http://far/api'\n[flowkit]\ndb = 'runs.db'")];
    let error = settings(&[], &both).expect_err("they are equally near");
    assert!(error.contains("FLOWKIT_DB (prefect.toml, line 4)") && error.contains("unset one"), "{error}");
}

#[test]
fn a_value_that_cannot_be_used_is_told_with_its_file_and_line() {
    for (files, wanted) in [
        (
            &[(".env", "A=1\nPREFECT_LOGGING_LEVEL=loud")][..],
            "the setting PREFECT_LOGGING_LEVEL (.env, line 2) is `loud`, and must be one of",
        ),
        (
            &[("prefect.toml", "[runner]\nprocess_limit = 0")],
            "PREFECT_RUNNER_PROCESS_LIMIT (prefect.toml, line 2) is `0`, and must be a whole number, 1 or more",
        ),
        (
            &[("pyproject.toml", "[tool.prefect.tasks]\ndefault_retries = [1]")],
            "PREFECT_TASKS_DEFAULT_RETRIES (pyproject.toml, line 2) is `[1]`",
        ),
        (
            &[("/p/profiles.toml", "active = 'a'\n[profiles.a]\nPREFECT_TASK_DEFAULT_RETRIES = 'many'")],
            "PREFECT_TASK_DEFAULT_RETRIES (profile a: /p/profiles.toml, line 3) is `many`",
        ),
        (
            &[("prefect.toml", "[client]\ncustom_headers = 'Bearer s3cret'")],
            "PREFECT_CLIENT_CUSTOM_HEADERS (prefect.toml, line 2) is `********`, and must be a table",
        ),
    ] {
        let error = settings(&[("PREFECT_HOME", "/p")], files).expect_err(wanted);
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told_once() {
    let home = [("HOME", "/me")];
    for (env, files, wanted) in [
        (&home[..], &[("prefect.toml", "[api\nurl = 1")][..], "prefect.toml, line 1: this is not TOML ("),
        (&home, &[("pyproject.toml", "a = 1\na = 2")], "pyproject.toml, line 2: this is not TOML ("),
        (
            &home,
            &[("/me/.prefect/profiles.toml", "active =")],
            "/me/.prefect/profiles.toml, line 1: this is not TOML (",
        ),
        (&home, &[(".env", "\nPREFECT_API_URL='http")], ".env, line 2: this is no assignment such as NAME=value"),
        (&home, &[("prefect.toml", "unreadable")], "prefect.toml cannot be read (permission denied)"),
        (
            &[("PREFECT_PROFILE", "prod"), ("HOME", "/me")],
            &[("/me/.prefect/profiles.toml", "[profiles.dev]\n[profiles.test]")],
            "PREFECT_PROFILE names the profile `prod`, which does not exist: /me/.prefect/profiles.toml has dev, test",
        ),
        (
            &home,
            &[("/me/.prefect/profiles.toml", "\nactive = 'gone'\n[profiles.dev]")],
            "`active` (line 2) names the profile `gone`, which does not exist: /me/.prefect/profiles.toml has dev",
        ),
    ] {
        let error = sources(env, files).expect_err(wanted);
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn what_is_shown_has_no_secret_in_it() {
    let env = [
        ("PREFECT_API_KEY", "pnu_s3cret"),
        ("PREFECT_API_AUTH_STRING", "admin:s3cret"),
        ("PREFECT_CLIENT_CUSTOM_HEADERS", "{\"X-Token\": \"s3cret\"}"),
        ("FLOWKIT_ENDPOINT_TOKEN", "s3cret"),
        ("PREFECT_SERVER_API_AUTH_STRING", "s3cret"),
        (URL, "http://me:s3cret@host/api?token=s3cret"),
        ("FLOWKIT_RESULT_STORAGE", "s3://key:s3cret@bucket/prefix"),
        ("FLOWKIT_CANCEL_GRACE", "long"),
    ];
    let shown = shown(&sources(&env, &[]).expect("there is no file"));
    let text = format!("{shown}\n{shown:?}");
    assert!(!text.contains("s3cret"), "{text}");
    assert!(text.contains("http://********@host/api?********"), "{text}");
    assert!(shown.problem().is_some_and(|it| it.contains("FLOWKIT_CANCEL_GRACE is `long`")), "{text}");
    assert_eq!(shown.get("PREFECT_API_KEY").and_then(|it| it.value()), Some("********"));
    assert_eq!(shown.get("PREFECT_LOGGING_LEVEL").and_then(|it| it.value()), Some("INFO"));
}

#[test]
fn the_defaults_that_are_shown_are_those_that_hold() {
    let given: Vec<(&str, &str)> = KNOWN
        .iter()
        // One delay of no time is not written as none is.
        .filter(|known| !known.default.starts_with('(') && !known.name.ends_with("DELAY_SECONDS"))
        .map(|known| (known.name, known.default))
        .collect();
    let read = |env: &[(&str, &str)]| {
        let sources = sources(env, &[]).expect("there is no file");
        let settings = Settings::read(&sources).expect("defaults can be used");
        let client = settings.access.client.clone();
        format!("{settings:?} {client:?} {:?}", Serving::read(&sources).expect("defaults can be used"))
    };
    assert_eq!(read(&given), read(&[]));
}
