//! Every setting that this crate reads, with its names.

/// One setting.
#[derive(Debug)]
pub(super) struct Known {
    /// Its name in the environment, in `.env` and in a profile.
    pub(super) name: &'static str,
    /// Older names, which count less.
    pub(super) aliases: &'static [&'static str],
    /// Where it is in `prefect.toml`, and below `tool.prefect` in `pyproject.toml`.
    pub(super) path: &'static [&'static str],
    /// Whether its value is shown to nobody.
    pub(super) secret: bool,
    /// Whether its value may be a table.
    pub(super) table: bool,
    /// What holds if nobody sets it. In parentheses: what is done then, not a value.
    pub(super) default: &'static str,
}

const fn known(name: &'static str, path: &'static [&'static str], default: &'static str) -> Known {
    Known { name, aliases: &[], path, secret: false, table: false, default }
}

impl Known {
    const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn table(self) -> Self {
        Self { table: true, ..self }
    }

    /// All names, the one that counts most first.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// Finds a setting by its name.
pub(super) fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// All of them. Those of Prefect have its names and paths.
pub(super) static KNOWN: &[Known] = &[
    known("PREFECT_API_URL", &["api", "url"], "(none: runs stay in this process)"),
    known("PREFECT_API_KEY", &["api", "key"], "(none)").secret(),
    known("PREFECT_API_AUTH_STRING", &["api", "auth_string"], "(none)").secret(),
    known("PREFECT_API_SSL_CERT_FILE", &["api", "ssl_cert_file"], "(what the system trusts, or SSL_CERT_FILE)"),
    known("PREFECT_API_TLS_INSECURE_SKIP_VERIFY", &["api", "tls_insecure_skip_verify"], "false"),
    known("PREFECT_API_REQUEST_TIMEOUT", &["api", "request_timeout"], "60"),
    known("PREFECT_CLIENT_CSRF_SUPPORT_ENABLED", &["client", "csrf_support_enabled"], "true"),
    known("PREFECT_CLIENT_CUSTOM_HEADERS", &["client", "custom_headers"], "{}").secret().table(),
    known("PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED", &["client", "server_version_check_enabled"], "true"),
    known("PREFECT_CLOUD_API_URL", &["cloud", "api_url"], "https://api.prefect.cloud/api"),
    known("PREFECT_DEBUG_MODE", &["debug_mode"], "false"),
    known("PREFECT_FLOWS_DEFAULT_RETRIES", &["flows", "default_retries"], "0").also(&["PREFECT_FLOW_DEFAULT_RETRIES"]),
    known("PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS", &["flows", "default_retry_delay_seconds"], "0")
        .also(&["PREFECT_FLOW_DEFAULT_RETRY_DELAY_SECONDS"]),
    known("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", &["flows", "heartbeat_frequency"], "180")
        .also(&["PREFECT_RUNNER_HEARTBEAT_FREQUENCY"]),
    known("PREFECT_HOME", &["home"], "(~/.prefect)"),
    known("PREFECT_LOGGING_COLORS", &["logging", "colors"], "(on a terminal)"),
    known("PREFECT_LOGGING_LEVEL", &["logging", "level"], "INFO"),
    known("PREFECT_LOGGING_LOG_PRINTS", &["logging", "log_prints"], "false"),
    known("PREFECT_LOGGING_TO_API_ENABLED", &["logging", "to_api", "enabled"], "true"),
    known("PREFECT_RESULTS_DEFAULT_SERIALIZER", &["results", "default_serializer"], "json"),
    known("PREFECT_RESULTS_LOCAL_STORAGE_PATH", &["results", "local_storage_path"], "(storage in PREFECT_HOME)")
        .also(&["PREFECT_LOCAL_STORAGE_PATH"]),
    known("PREFECT_RESULTS_PERSIST_BY_DEFAULT", &["results", "persist_by_default"], "(what is cached in files)"),
    known("PREFECT_RUNNER_POLL_FREQUENCY", &["runner", "poll_frequency"], "10"),
    known("PREFECT_RUNNER_PROCESS_LIMIT", &["runner", "process_limit"], "5"),
    known("PREFECT_RUNNER_SERVER_ENABLE", &["runner", "server", "enable"], "false"),
    known("PREFECT_RUNNER_SERVER_HOST", &["runner", "server", "host"], "localhost"),
    known("PREFECT_RUNNER_SERVER_MISSED_POLLS_TOLERANCE", &["runner", "server", "missed_polls_tolerance"], "2"),
    known("PREFECT_RUNNER_SERVER_PORT", &["runner", "server", "port"], "8080"),
    known("PREFECT_SERVER_API_AUTH_STRING", &["server", "api", "auth_string"], "(none)").secret(),
    known("PREFECT_TASKS_DEFAULT_RETRIES", &["tasks", "default_retries"], "0").also(&["PREFECT_TASK_DEFAULT_RETRIES"]),
    known("PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS", &["tasks", "default_retry_delay_seconds"], "0")
        .also(&["PREFECT_TASK_DEFAULT_RETRY_DELAY_SECONDS"]),
    known("PREFECT_TASKS_REFRESH_CACHE", &["tasks", "refresh_cache"], "false"),
    known("PREFECT_TESTING_TEST_MODE", &["testing", "test_mode"], "false").also(&["PREFECT_TEST_MODE"]),
    known("PREFECT_UI_URL", &["ui_url"], "(as PREFECT_API_URL says)"),
    known("FLOWKIT_BLOCK_KEY", &["flowkit", "block_key"], "(none)").secret(),
    known("FLOWKIT_CANCEL_GRACE", &["flowkit", "cancel_grace"], "30"),
    known("FLOWKIT_DB", &["flowkit", "db"], "(none: runs stay in memory)"),
    known("FLOWKIT_DB_KEEP", &["flowkit", "db_keep"], "30d"),
    known("FLOWKIT_DB_SIZE", &["flowkit", "db_size"], "1GiB"),
    known("FLOWKIT_DURABILITY", &["flowkit", "durability"], "commit"),
    known("FLOWKIT_ENDPOINT", &["flowkit", "endpoint"], "(none)"),
    known("FLOWKIT_ENDPOINT_TOKEN", &["flowkit", "endpoint_token"], "(none)").secret(),
    known("FLOWKIT_FLUSH_TIMEOUT", &["flowkit", "flush_timeout"], "(10, or 600 in a process for one run)"),
    known("FLOWKIT_HANDLE_SIGNALS", &["flowkit", "handle_signals"], "true"),
    known("FLOWKIT_REPORT", &["flowkit", "report"], "auto"),
    known("FLOWKIT_RESULT_STORAGE", &["flowkit", "result_storage"], "(PREFECT_RESULTS_LOCAL_STORAGE_PATH)"),
    known("FLOWKIT_SHUTDOWN_GRACE", &["flowkit", "shutdown_grace"], "30"),
    known("FLOWKIT_SPOOL", &["flowkit", "spool"], "(flowkit/spool in $XDG_CACHE_HOME or ~/.cache)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names_say_the_same() {
        for known in KNOWN {
            let from_path = known.path.join("_").to_uppercase();
            let named = if known.path[0] == "flowkit" { from_path } else { format!("PREFECT_{from_path}") };
            assert_eq!(known.name, named);
            assert!(KNOWN.iter().filter(|other| other.names().any(|name| name == known.name)).count() == 1);
        }
    }
}
