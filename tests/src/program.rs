//! The programs that live tests run as a user would: in a process of their own, against a server.

use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Is one program under test, with the environment it is to have.
#[derive(Debug)]
pub struct Program(Command);

impl Program {
    /// Prepares an example of this workspace by its name; `cargo test` has built it.
    ///
    /// # Panics
    ///
    /// When it has not been built.
    pub fn example(name: &str) -> Self {
        let me = std::env::current_exe().expect("a test has a file");
        let profile = me.ancestors().nth(2).expect("tests lie in the profile's deps folder");
        let path = profile.join("examples").join(name);
        assert!(
            path.exists(),
            "{} is missing: run `cargo test --workspace`, or `cargo build --examples`",
            path.display()
        );
        let mut command = Command::new(path);
        for (variable, _) in std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            name.starts_with("PREFECT_") || name.starts_with("FLOWKIT_") || name == "RUST_BACKTRACE"
        }) {
            command.env_remove(variable);
        }
        // Nothing that a test leaves undelivered is to be found by programs of the developer.
        command.env("FLOWKIT_SPOOL", "off");
        // Nor are the developer's profiles to be found.
        command.env("PREFECT_PROFILES_PATH", "/dev/null/profiles.toml");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command)
    }

    /// Has it run where no file can grow beyond so many KiB, and none of its writes ends it for that.
    pub fn files_up_to(self, kibibytes: u32) -> Self {
        let mut shell = Command::new("bash");
        let limited = format!("trap '' XFSZ; ulimit -f {kibibytes}; exec \"$0\" \"$@\"");
        shell.args(["-c", &limited]).arg(self.0.get_program()).args(self.0.get_args());
        self.in_place_of(shell)
    }

    /// Has it run as somebody who is not root, who may write anywhere; anybody else stays who they are.
    pub fn as_nobody(mut self) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        use std::os::unix::process::CommandExt as _;
        if std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
            self.0.uid(65_534).gid(65_534);
        }
        self
    }

    /// Takes over the environment.
    fn in_place_of(self, mut other: Command) -> Self {
        for (name, value) in self.0.get_envs() {
            match value {
                Some(value) => other.env(name, value),
                None => other.env_remove(name),
            };
        }
        other.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(other)
    }

    /// Adds arguments.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.0.args(args);
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// Takes a variable out of its environment.
    pub fn without(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    /// Has it run in a folder.
    pub fn folder(mut self, folder: &std::path::Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Has it report to a server.
    pub fn server(self, api_url: &str) -> Self {
        self.env("PREFECT_API_URL", api_url)
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn run(mut self) -> Finished {
        Finished::from(self.0.output().expect("the program starts"))
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn start(mut self) -> Running {
        Running { child: self.0.spawn().expect("the program starts"), said: Vec::new() }
    }
}

/// Is a program that has been started. It is killed when it is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// What it has complained about and somebody has read.
    said: Vec<u8>,
}

impl Running {
    /// Sends it a signal, such as `INT`.
    ///
    /// # Panics
    ///
    /// When there is no `kill`.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status();
        assert!(status.expect("kill is there").success());
    }

    /// Returns the id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has complained about this.
    ///
    /// # Panics
    ///
    /// When it ends before.
    pub fn until(&mut self, text: &str) {
        let mut stderr = self.child.stderr.take().expect("it is piped");
        let mut byte = [0];
        while !self.said.ends_with(text.as_bytes()) {
            let read = std::io::Read::read(&mut stderr, &mut byte).expect("a pipe can be read");
            assert_ne!(read, 0, "it ended before it said {text}: {}", String::from_utf8_lossy(&self.said));
            self.said.extend(byte);
        }
        self.child.stderr = Some(stderr);
    }

    /// Waits until it has complained about something that begins so, and returns the rest of that line.
    ///
    /// # Panics
    ///
    /// When it ends before.
    pub fn rest_of(&mut self, text: &str) -> String {
        self.until(text);
        let from = self.said.len();
        self.until("\n");
        String::from_utf8_lossy(&self.said[from..]).trim().to_owned()
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// After three minutes.
    pub fn wait(mut self) -> Finished {
        let (stdout, stderr) = (self.child.stdout.take().map(reading), self.child.stderr.take().map(reading));
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if started.elapsed() > Duration::from_secs(180) {
                // Its ends of the pipes close with it, so that what it said can be read.
                let _ = self.child.kill();
                let said = [std::mem::take(&mut self.said), stderr.map(read).unwrap_or_default()].concat();
                panic!("the program does not end; it said: {}", String::from_utf8_lossy(&said));
            }
            std::thread::park_timeout(Duration::from_millis(20));
        };
        let stdout = stdout.map(read).unwrap_or_default();
        let mut said = std::mem::take(&mut self.said);
        said.extend(stderr.map(read).unwrap_or_default());
        Finished::from(Output { status, stdout, stderr: said })
    }
}

/// Reads what a program says, so that it never waits for somebody to read it.
fn reading(mut pipe: impl std::io::Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        pipe.read_to_end(&mut text).expect("a pipe can be read");
        text
    })
}

fn read(reading: JoinHandle<Vec<u8>>) -> Vec<u8> {
    reading.join().expect("a pipe can be read")
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is a program that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        Self {
            code: output.status.code(),
            signal: output.status.signal(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Finished {
    /// Checks that it ended well.
    ///
    /// # Panics
    ///
    /// When it did not, with what it said.
    pub fn succeeded(self) -> Self {
        assert_eq!((self.code, self.signal), (Some(0), None), "{}{}", self.stdout, self.stderr);
        self
    }
}
