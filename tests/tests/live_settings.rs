//! Settings from all places, compared with what Prefect itself makes of the same files and variables.

#[path = "settings/cloud.rs"]
mod cloud;
#[path = "settings/proxy.rs"]
mod proxy;
#[path = "settings/wire.rs"]
mod wire;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cloud::Cloud;
use flowkit_tests::live;
use flowkit_tests::program::Program;
use serde_json::{Value, json};

/// Files, below the folder that the program runs in or (`~/`) its home, and variables.
struct Case {
    what: &'static str,
    files: &'static [(&'static str, &'static str)],
    env: &'static [(&'static str, &'static str)],
    /// Settings whose origin Prefect's own list tells wrongly: it looks for names in another order than its values do.
    origin_differs: &'static [&'static str],
}

const fn case(
    what: &'static str,
    files: &'static [(&'static str, &'static str)],
    env: &'static [(&'static str, &'static str)],
) -> Case {
    Case { what, files, env, origin_differs: &[] }
}

impl Case {
    const fn told_wrongly(self, settings: &'static [&'static str]) -> Self {
        Self { origin_differs: settings, ..self }
    }
}

const ONLY_URL: &[&str] = &["PREFECT_API_URL"];

const DOTENV: (&str, &str) = (".env", "PREFECT_API_URL=http://dotenv/api\n");
const PREFECT: (&str, &str) = ("prefect.toml", "[api]\nurl = \"http://prefect/api\"\n");
const PYPROJECT: (&str, &str) =
    ("pyproject.toml", "[project]\nname = \"x\"\n[tool.prefect.api]\nurl = \"http://pyproject/api\"\n");
const PROFILES: (&str, &str) = (
    "~/.prefect/profiles.toml",
    "active = \"one\"\n[profiles.one]\nPREFECT_API_URL = \"http://one/api\"\n\
     [profiles.two]\nPREFECT_API_URL = \"http://two/api\"\nPREFECT_TASK_DEFAULT_RETRIES = 4\n",
);

const CASES: &[Case] = &[
    case("nothing", &[], &[]),
    case("all places", &[DOTENV, PREFECT, PYPROJECT, PROFILES], &[("PREFECT_API_URL", "http://env/api")]),
    case("all but the environment", &[DOTENV, PREFECT, PYPROJECT, PROFILES], &[]),
    case("from prefect.toml on", &[PREFECT, PYPROJECT, PROFILES], &[]),
    case("from pyproject.toml on", &[PYPROJECT, PROFILES], &[]),
    case("the active profile", &[PROFILES], &[]),
    case("another profile", &[PROFILES], &[("PREFECT_PROFILE", "two")]),
    case("an empty name of a profile", &[PROFILES], &[("PREFECT_PROFILE", "")]).told_wrongly(ONLY_URL),
    case("a profile that Prefect brings, with no file", &[], &[("PREFECT_PROFILE", "local")]),
    case("a profile that Prefect brings, with a file that has it not", &[PROFILES], &[("PREFECT_PROFILE", "local")])
        .told_wrongly(ONLY_URL),
    case("an empty value hides what is farther away", &[DOTENV, PROFILES], &[("PREFECT_API_URL", "")]),
    case("an empty value in a file does too", &[("prefect.toml", "[api]\nurl = \"\"\n"), PYPROJECT, PROFILES], &[]),
    case("no profile in tests", &[PREFECT, PROFILES], &[("PREFECT_TEST_MODE", "1")]),
    case("more is told while debugging", &[], &[("PREFECT_DEBUG_MODE", "true"), ("PREFECT_LOGGING_LEVEL", "ERROR")]),
    case("names in lower case", &[(".env", "prefect_logging_level=WARNING\n")], &[("prefect_api_url", "http://l/api")])
        .told_wrongly(ONLY_URL),
    case("an older name", &[PROFILES], &[("PREFECT_TASK_DEFAULT_RETRIES", "2"), ("PREFECT_PROFILE", "two")]),
    case("an older name in a profile", &[PROFILES], &[("PREFECT_PROFILE", "two")]),
    case(
        "an older name in a nearer place",
        &[(".env", "PREFECT_TASKS_DEFAULT_RETRIES=7\n")],
        &[("PREFECT_TASK_DEFAULT_RETRIES", "2")],
    ),
    case(
        "both names in one place",
        &[(".env", "PREFECT_TASK_DEFAULT_RETRIES=2\nPREFECT_TASKS_DEFAULT_RETRIES=7\n")],
        &[],
    ),
    case(
        "an older name and a file",
        &[("prefect.toml", "[tasks]\ndefault_retries = 9\n[flows]\nheartbeat_frequency = 60\n")],
        &[("PREFECT_TASK_DEFAULT_RETRIES", "2"), ("PREFECT_RUNNER_HEARTBEAT_FREQUENCY", "90")],
    ),
    case(
        "nested tables and kinds of values",
        &[(
            "prefect.toml",
            "debug_mode = true\n[logging]\nlog_prints = true\n[logging.to_api]\nenabled = false\n\
             [runner]\nprocess_limit = 3\n[runner.server]\nport = 9000\n[tasks]\nrefresh_cache = true\n",
        )],
        &[],
    ),
    case(
        "names of the environment have no meaning in TOML",
        &[("prefect.toml", "PREFECT_API_URL = \"http://no/api\"\nurl = \"http://no/api\"\n"), PROFILES],
        &[],
    )
    .told_wrongly(ONLY_URL),
    case(
        "keys of a profile are in upper case",
        &[(
            "~/.prefect/profiles.toml",
            "active = 'one'\n[profiles.one]\nprefect_api_url = 'http://lower/api'\nPREFECT_LOGGING_LEVEL = 'ERROR'\n[profiles.one.api]\nurl = 'http://no/api'\n",
        )],
        &[],
    ),
    case(
        "no profile is active",
        &[("~/.prefect/profiles.toml", "[profiles.one]\nPREFECT_API_URL = 'http://one/api'\n")],
        &[],
    ),
    case(
        "the file of profiles named in the environment",
        &[("mine.toml", "active = 'm'\n[profiles.m]\nPREFECT_API_URL = 'http://m/api'\n"), PROFILES],
        &[("PREFECT_PROFILES_PATH", "mine.toml")],
    ),
    case(
        "the file of profiles named in .env",
        &[
            (".env", "PREFECT_PROFILES_PATH=mine.toml\n"),
            ("mine.toml", "active = 'm'\n[profiles.m]\nPREFECT_API_URL = 'http://m/api'\n"),
            PROFILES,
        ],
        &[],
    ),
    case(
        "the file of profiles named in prefect.toml",
        &[
            ("prefect.toml", "profiles_path = 'mine.toml'\n"),
            ("mine.toml", "active = 'm'\n[profiles.m]\nPREFECT_API_URL = 'http://m/api'\n"),
            PROFILES,
        ],
        &[],
    ),
    case(
        "the file of profiles named in pyproject.toml",
        &[
            ("pyproject.toml", "[tool.prefect]\nprofiles_path = 'mine.toml'\n"),
            ("mine.toml", "active = 'm'\n[profiles.m]\nPREFECT_API_URL = 'http://m/api'\n"),
            PROFILES,
        ],
        &[],
    ),
    case("a file of profiles that does not exist", &[PROFILES], &[("PREFECT_PROFILES_PATH", "none.toml")]),
    case(
        "profiles in PREFECT_HOME",
        &[("home/profiles.toml", "active = 'h'\n[profiles.h]\nPREFECT_API_URL = 'http://h/api'\n"), PROFILES],
        &[("PREFECT_HOME", "home")],
    ),
    case("PREFECT_HOME without profiles", &[PROFILES], &[("PREFECT_HOME", "home"), ("PREFECT_PROFILE", "local")])
        .told_wrongly(ONLY_URL),
    case(
        "PREFECT_HOME in a file does not move the profiles",
        &[
            (".env", "PREFECT_HOME=home\n"),
            ("home/profiles.toml", "active = 'h'\n[profiles.h]\nPREFECT_API_URL = 'http://h/api'\n"),
            PROFILES,
        ],
        &[],
    ),
    case(
        "how .env is written",
        &[(
            ".env",
            "# first\nexport PREFECT_LOGGING_LEVEL='WARNING' # said\n\nHOST=example.org\n\
             PREFECT_API_URL=\"http://${HOST}/${NOTHING:-api}\"\nPREFECT_UI_URL=http://ui/#there # here\n\
             PREFECT_RUNNER_SERVER_HOST=pa$$word\nnot an assignment\nPREFECT_TASKS_REFRESH_CACHE\n",
        )],
        &[],
    ),
];

/// What is compared; of secrets only where they come from.
const SETTINGS: &[&str] = &[
    "PREFECT_API_URL",
    "PREFECT_API_KEY",
    "PREFECT_API_REQUEST_TIMEOUT",
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED",
    "PREFECT_DEBUG_MODE",
    "PREFECT_FLOWS_DEFAULT_RETRIES",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY",
    "PREFECT_LOGGING_LOG_PRINTS",
    "PREFECT_LOGGING_TO_API_ENABLED",
    "PREFECT_RUNNER_POLL_FREQUENCY",
    "PREFECT_RUNNER_PROCESS_LIMIT",
    "PREFECT_RUNNER_SERVER_HOST",
    "PREFECT_RUNNER_SERVER_PORT",
    "PREFECT_TASKS_DEFAULT_RETRIES",
    "PREFECT_TASKS_REFRESH_CACHE",
];

/// The folder of a case, with its files.
fn laid_out(all: &Path, number: usize, case: &Case) -> (PathBuf, PathBuf) {
    let folder = all.join(format!("{number}/work"));
    let home = all.join(format!("{number}/user"));
    for folder in [&folder, &home] {
        std::fs::create_dir_all(folder).expect("the folder can be made");
    }
    for (path, text) in case.files {
        let path = match path.strip_prefix("~/") {
            Some(path) => home.join(path),
            None => folder.join(path),
        };
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder can be made");
        std::fs::write(path, text).expect("the file can be written");
    }
    (folder, home)
}

fn prefects(python: &Path, cases: &Value) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/settings/oracle.py");
    let mut command = Command::new(python);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PREFECT_")) {
        command.env_remove(name);
    }
    let piped = command
        .arg(script)
        .env("COLUMNS", "1000")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = piped.expect("python starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut stdin, cases.to_string().as_bytes()).expect("python reads");
    drop(stdin);
    let output = child.wait_with_output().expect("python ends");
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap_or_else(|error| panic!("{error} in {said}"))
}

fn ours(folder: &Path, env: &serde_json::Map<String, Value>) -> Value {
    let mut program = Program::example("live_settings").without("PREFECT_PROFILES_PATH").folder(folder);
    for (name, value) in env {
        program = program.env(name, value.as_str().expect("a variable is a text"));
    }
    serde_json::from_str(&program.run().succeeded().stdout).expect("it prints JSON")
}

/// Prefect's word for an origin of ours.
fn origin(ours: &Value) -> &'static str {
    let ours = ours.as_str().unwrap_or_default();
    let kinds = [
        ("environment", "env"),
        (".env", ".env file"),
        ("prefect.toml", "prefect.toml"),
        ("pyproject.toml", "pyproject.toml"),
        ("profile", "profile"),
        ("default", "defaults"),
    ];
    kinds.iter().find(|(start, _)| ours.starts_with(start)).map_or("?", |(_, theirs)| theirs)
}

#[test]
fn settings_are_found_where_prefect_finds_them() {
    let Some(python) = live::interpreter() else { return };
    let all = tempfile::tempdir().expect("a folder");
    let cases: Vec<Value> = CASES
        .iter()
        .enumerate()
        .map(|(number, case)| {
            let (folder, home) = laid_out(all.path(), number, case);
            let mut env: serde_json::Map<String, Value> =
                case.env.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            env.insert("HOME".to_owned(), json!(home));
            json!({ "folder": folder, "env": env })
        })
        .collect();
    let theirs = prefects(&python, &json!(cases));
    let mut wrong = Vec::new();
    for ((case, given), theirs) in CASES.iter().zip(&cases).zip(&theirs) {
        let folder = PathBuf::from(given["folder"].as_str().expect("a path"));
        let ours = ours(&folder, given["env"].as_object().expect("variables"));
        if ours["settings"].is_null() || theirs["values"].is_null() || !ours["problem"].is_null() {
            wrong.push(format!("{}: ours {ours}, theirs {theirs}", case.what));
            continue;
        }
        for name in SETTINGS {
            let (value, from) = (&ours["settings"][name]["value"], origin(&ours["settings"][name]["origin"]));
            let told =
                |value: &Value| value.as_str().unwrap_or_default().to_lowercase().trim_end_matches(".0").to_owned();
            let same = told(value) == told(&theirs["values"][name]) || *value == "********";
            let theirs_from = theirs["sources"][name].as_str().unwrap_or("defaults");
            if !same || (from != theirs_from && !case.origin_differs.contains(name)) {
                let theirs = &theirs["values"][name];
                wrong.push(format!("{}: {name} is {value} from {from}, and {theirs} from {theirs_from}", case.what));
            }
        }
    }
    assert_eq!(theirs.len(), CASES.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_flow_run_at_prefect_cloud_follows_its_rules() {
    let Some(server) = live::server() else { return };
    let cloud = Cloud::before(server, 2);
    let program = |key: &str, url: &str| {
        let program =
            Program::example("live_program").args(&["everything", "3"]).env("PREFECT_CLOUD_API_URL", &cloud.base());
        program.env("PREFECT_API_KEY", key).env("PREFECT_API_URL", url).env("FLOWKIT_FLUSH_TIMEOUT", "60").run()
    };
    let finished = program(cloud::KEY, &cloud.workspace()).succeeded();
    assert!(!finished.stderr.contains("not delivered"), "{}", finished.stderr);
    let book = cloud.book();
    assert!(book.wrong.is_empty(), "{:?}", book.wrong);
    for wanted in ["POST /flows/", "POST /flow_runs/", "POST /logs/", "WS /events/in"] {
        assert!(book.seen.iter().any(|seen| seen == wanted), "no {wanted} in {:?}", book.seen);
    }
    assert!(book.seen.iter().any(|seen| seen.ends_with("/set_state")), "{:?}", book.seen);
    let run = server.flow_run("one-of-everything", "COMPLETED");
    server.task_runs(&run, 8);

    let refused = program("pnu_wrong", &cloud.workspace());
    assert!(refused.stderr.contains("Prefect Cloud does not know the API key"), "{}", refused.stderr);
    let refused = program(cloud::KEY, &cloud.workspace().replace("22222222", "33333333"));
    assert!(refused.stderr.contains("Prefect Cloud knows no such workspace"), "{}", refused.stderr);
}

#[test]
fn requests_and_websockets_go_through_a_proxy() {
    let Some(server) = live::server() else { return };
    let (address, asked) = proxy::start("Basic bWU6c2VzYW1l");
    let asked = || std::mem::take(&mut *asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    let program = |proxy: &str, except: &str| {
        let program = Program::example("live_program").args(&["sequential", "2"]).server(&server.api_url());
        let program = program.env("HTTP_PROXY", proxy).env("http_proxy", proxy).env("no_proxy", except);
        program.env("NO_PROXY", except).env("FLOWKIT_FLUSH_TIMEOUT", "5").run()
    };
    let with_credentials = format!("http://me:sesame@{address}");
    program(&with_credentials, "").succeeded();
    let through = asked();
    assert!(through.iter().any(|what| what == "POST /api/flow_runs/"), "{through:?}");
    assert!(through.iter().any(|what| what.starts_with("CONNECT 127.0.0.1:")), "{through:?}");

    program(&with_credentials, "127.0.0.1").succeeded();
    assert_eq!(asked(), Vec::<String>::new());

    let refused = program(&format!("http://me:wrong@{address}"), "");
    assert!(asked().is_empty() && !refused.stderr.contains("wrong@"), "{}", refused.stderr);
}
