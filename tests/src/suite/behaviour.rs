//! One rule, the program that shows it, and what must be left behind.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use expect_test::Expect;
use flowkit::FlowCall;

use super::picture::Detail;
use super::stage::Stage;

/// Where runs can be reported to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The history in this process.
    Memory,
    /// The history in this process, and a file.
    Embedded,
    /// A Prefect server.
    Server,
}

impl Backend {
    /// Tells whether what is said of this backend is said of `other` too: both in this process have the paused clock.
    fn includes(self, other: Self) -> bool {
        self == other || (self, other) == (Self::Memory, Self::Embedded)
    }
}

type Program = Box<dyn Fn(Stage) -> Pin<Box<dyn Future<Output = String> + Send>> + Send + Sync>;

/// A rule that holds on every backend.
pub struct Behaviour {
    /// The rule in words joined by underscores.
    pub rule: &'static str,
    /// How much of what is left behind is looked at.
    pub detail: Detail,
    program: Program,
    expected: Expect,
    elsewhere: Option<(Backend, &'static str, Option<Expect>)>,
}

/// Says that `program` leaves behind the picture `expected`, on each backend.
pub fn behaviour<T, F, P>(rule: &'static str, program: P, expected: Expect) -> Behaviour
where
    P: Fn(Stage) -> F + Send + Sync + 'static,
    T: Debug,
    F: Future<Output = T> + Send + 'static,
{
    let program: Program = Box::new(move |stage| {
        let acting = program(stage);
        Box::pin(async move { format!("{:?}", acting.await) })
    });
    Behaviour { rule, detail: Detail::Runs, program, expected, elsewhere: None }
}

/// Says what the body of a flow leaves behind.
pub fn scene<T, F, P>(rule: &'static str, act: P, expected: Expect) -> Behaviour
where
    P: Fn() -> F + Send + Sync + 'static,
    T: Debug + 'static,
    F: Future<Output = flowkit::Result<T>> + Send + 'static,
{
    let program = move |stage: Stage| {
        let acting = act();
        async move { stage.scene(acting).await }
    };
    behaviour(rule, program, expected)
}

/// Says what the call of a flow leaves behind.
pub fn flow<T, P>(rule: &'static str, call: P, expected: Expect) -> Behaviour
where
    P: Fn() -> FlowCall<T> + Send + Sync + 'static,
    T: Clone + Debug + Send + 'static,
{
    let program = move |stage: Stage| {
        let call = call();
        async move { stage.flow(call).await }
    };
    behaviour(rule, program, expected)
}

impl Behaviour {
    /// Has the log lines looked at as well.
    #[must_use]
    pub fn with_logs(mut self) -> Self {
        self.detail = Detail::RunsAndLogs;
        self
    }

    /// Leaves out one backend. The reason is printed.
    #[must_use]
    pub fn not_on(mut self, backend: Backend, reason: &'static str) -> Self {
        self.elsewhere = Some((backend, reason, None));
        self
    }

    /// Says that one backend leaves another picture. The reason is printed.
    #[must_use]
    pub fn differs_on(mut self, backend: Backend, reason: &'static str, expected: Expect) -> Self {
        self.elsewhere = Some((backend, reason, Some(expected)));
        self
    }

    /// Returns why this backend is left out, or differs.
    pub fn remark(&self, backend: Backend) -> Option<&'static str> {
        self.elsewhere.as_ref().filter(|(other, ..)| other.includes(backend)).map(|(_, reason, _)| *reason)
    }

    /// Tells whether this backend is left out.
    pub fn skips(&self, backend: Backend) -> bool {
        self.elsewhere.as_ref().is_some_and(|(other, _, expected)| other.includes(backend) && expected.is_none())
    }

    /// Runs the program and returns what it got, as it is debugged.
    pub async fn act(&self, stage: Stage) -> String {
        (self.program)(stage).await
    }

    /// Compares a picture with what must be there.
    ///
    /// With `UPDATE_EXPECT=1` in the environment, what must be there is changed in the source instead.
    ///
    /// # Errors
    ///
    /// Both pictures, when they differ.
    pub fn check(&self, backend: Backend, picture: &str) -> Result<(), String> {
        let expected = match &self.elsewhere {
            Some((other, _, Some(expected))) if other.includes(backend) => expected,
            _ => &self.expected,
        };
        let text = dedented(expected.data());
        if text == picture {
            return Ok(());
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            expected.assert_eq(picture);
            return Ok(());
        }
        Err(format!("expected\n{text}\nfound\n{picture}"))
    }
}

/// Takes away what all lines of a text in the source are indented by.
fn dedented(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let indents = text.lines().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start().len());
    let indent = indents.min().unwrap_or(0);
    let lines = text.lines().map(|line| line.get(indent..).unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned() + "\n"
}
