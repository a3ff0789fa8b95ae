//! The layers of the library, as data: the one place to change when a module is added.
//!
//! A module belongs to the layer whose pattern fits it best: `backend` is that module and all below
//! it, `backend::*` all below it only, and the longer pattern wins. A new arrow between layers is
//! a change of the design: ARCHITECTURE.md changes in the same commit.

/// Is one row of the table.
#[derive(Debug)]
pub struct Layer {
    /// How findings name it.
    pub name: &'static str,
    /// Patterns of the modules in it.
    pub modules: &'static [&'static str],
    /// The other layers it may name.
    pub uses: &'static [&'static str],
    /// What it must not name outside the crate: paths, and macros with their `!`.
    pub never: &'static [&'static str],
    /// Whether its modules may name each other.
    pub peers: Peers,
}

/// Says whether the modules of a layer may name each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peers {
    /// Any of them.
    Known,
    /// None but what lies below the same pattern's match: adapters.
    Unknown,
}

/// Is the table, from the ground up.
pub const LAYERS: &[Layer] = &[
    Layer {
        name: "words",
        modules: &[
            "id",
            "asset",
            "background",
            "clock",
            "canonical",
            "returns",
            "durability",
            "duration",
            "names",
            "redact",
            "secret",
            "time_delta",
            "template",
            "trigger",
            "error",
            "user_error",
            "def",
            "options",
            "pause_details",
            "report",
            "retention",
            "retry_delay",
            "heed",
            "hook",
            "do_not_retry",
            "state",
            "record",
            "cache",
            "codec",
            "result_options",
            "txn",
            "run",
            "run_record",
            "event",
            "happened",
            "schedule",
            "spool_place",
        ],
        uses: &[],
        never: &[
            "std::fs",
            "std::net",
            "std::process",
            "std::env",
            "std::io::stdin",
            "std::io::stdout",
            "std::io::stderr",
            "std::thread::sleep",
            "tokio",
            "tokio_util",
            "futures::executor",
            "reqwest",
            "rusqlite",
            "print!",
            "println!",
            "eprint!",
            "eprintln!",
            "dbg!",
        ],
        peers: Peers::Known,
    },
    Layer {
        name: "ports",
        modules: &[
            "artifacts",
            "backend",
            "backend::at_exit",
            "blocks",
            "defer",
            "deploy",
            "feed",
            "interact",
            "journals",
            "store",
            "orchestrate",
            "slots",
            "variables",
        ],
        uses: &["words"],
        never: &["std::fs", "std::net", "reqwest", "rusqlite"],
        peers: Peers::Known,
    },
    Layer {
        name: "engine",
        modules: &["engine"],
        uses: &["words", "ports"],
        never: &[
            "std::fs",
            "tokio::fs",
            "std::net",
            "tokio::net",
            "reqwest",
            "rusqlite",
            "std::io::stdout",
            "std::io::stderr",
            "print!",
            "println!",
            "eprint!",
            "eprintln!",
            "dbg!",
        ],
        peers: Peers::Known,
    },
    Layer {
        name: "adapters",
        modules: &["backend::*", "store::*", "logs", "endpoint"],
        uses: &["words", "ports"],
        never: &[],
        peers: Peers::Unknown,
    },
    Layer {
        name: "surface",
        modules: &[
            "awaited",
            "block",
            "blocking",
            "call",
            "call_options",
            "arguments",
            "asset_metadata",
            "dependency",
            "detached",
            "input",
            "hook_fn",
            "future",
            "flow_future",
            "map",
            "flow",
            "flow_fn",
            "keep",
            "parameters",
            "prints",
            "probe",
            "registry",
            "run_deployment",
            "serve",
            "serve_tasks",
            "task_registry",
            "delay",
            "deployment",
            "transaction",
            "artifact",
            "concurrency",
            "limit",
            "events",
            "variable",
            "settings",
            "testing",
            "allow_failure",
            "waiting",
            "scoped_tags",
            "input_form",
            "pause",
            "resume",
            "resumption",
            "run_existing",
            "run_input",
        ],
        uses: &["words", "ports", "engine", "wiring"],
        never: &[],
        peers: Peers::Known,
    },
    Layer {
        name: "wiring",
        modules: &["runtime", "logging"],
        uses: &["words", "ports", "engine", "adapters", "surface"],
        never: &[],
        peers: Peers::Known,
    },
    Layer {
        name: "doors",
        modules: &["lib", "prelude", "private", "__private"],
        uses: &["words", "ports", "engine", "surface", "wiring"],
        never: &[],
        peers: Peers::Known,
    },
];

/// Arrows that the rows forbid and that are meant: from a module to a path. A `*` stands for the
/// rest of a name.
pub const EXCEPTIONS: &[(&str, &str)] = &[
    ("clock", "tokio::time"),
    // What is kept in a file is answered as what is kept in memory.
    ("backend::embedded*", "crate::backend::memory"),
    ("backend::server*", "crate::backend::convert"),
    ("backend::convert*", "crate::backend::server"),
    // Macros by example live at the root of the crate.
    ("private", "crate::outcome"),
    ("private", "crate::show"),
    ("private", "crate::written"),
    ("private", "crate::returns"),
    ("private", "crate::paused_test"),
    ("private", "crate::printed_line"),
];

/// Paths that belong to some modules alone, in whatever layer: the end or the beginning of a
/// path, who may name it, and what the others do instead.
pub const RESERVED: &[(&str, &[&str], &str)] = &[
    (
        "flowkit_client",
        &["backend::server*", "backend::convert*"],
        "wire types stay in backend/{server,convert}: reach the server through the Backend trait",
    ),
    ("SystemTime::now", &["clock"], "ask crate::clock for the time"),
    ("Instant::now", &["clock"], "ask crate::clock for the time"),
    ("Utc::now", &["clock"], "ask crate::clock for the time"),
    ("Local::now", &["clock"], "ask crate::clock for the time"),
];
