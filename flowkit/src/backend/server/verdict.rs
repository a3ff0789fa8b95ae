//! What a failed request says of the report that it carried: nobody's report is thrown away over a proxy's answer. Pure.

use flowkit_client::{Error, ErrorKind};

/// What becomes of a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// The server is away or busy: it is told again.
    Later,
    /// Who has answered is no server of ours, or does not let us in: it waits until somebody mends that.
    Barred,
    /// There is no such object, if a server has said so; proxies say it as well.
    Missing,
    /// The server has looked at it and never will take it.
    Never,
}

impl Verdict {
    pub(super) fn of(error: &Error) -> Self {
        Self::of_kind(error.kind())
    }

    fn of_kind(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Validation | ErrorKind::Conflict | ErrorKind::Encode => Self::Never,
            ErrorKind::NotFound => Self::Missing,
            ErrorKind::Connect
            | ErrorKind::Timeout
            | ErrorKind::RateLimited
            | ErrorKind::Locked
            | ErrorKind::Server
            | ErrorKind::Closed => Self::Later,
            _ => Self::Barred,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_server_has_looked_at_is_thrown_away() {
        let verdicts = |kinds: &[ErrorKind]| kinds.iter().map(|kind| Verdict::of_kind(*kind)).collect::<Vec<_>>();
        let refused = [ErrorKind::Validation, ErrorKind::Conflict];
        assert_eq!(verdicts(&refused), [Verdict::Never; 2]);
        let foreign = [ErrorKind::Unauthorized, ErrorKind::Forbidden, ErrorKind::Protocol, ErrorKind::Decode];
        assert_eq!(verdicts(&foreign), [Verdict::Barred; 4]);
        assert_eq!(verdicts(&[ErrorKind::NotFound]), [Verdict::Missing]);
        assert_eq!(verdicts(&[ErrorKind::Connect, ErrorKind::Timeout, ErrorKind::Server]), [Verdict::Later; 3]);
    }
}
