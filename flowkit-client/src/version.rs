//! Whether the server speaks our dialect.

use crate::config::PREFECT_VERSION;
use crate::error::{Error, ErrorKind};

/// Holds the version a server reported, known to be compatible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerVersion {
    version: String,
    older: bool,
}

impl ServerVersion {
    /// Compares a reported version with the one this crate speaks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IncompatibleServer`] when the major versions differ.
    pub(crate) fn check(reported: &str) -> Result<Self, Error> {
        let ours = numbers(PREFECT_VERSION);
        let theirs = numbers(reported);
        match theirs {
            // A version we cannot read (a development build) is given the benefit of the doubt, as Prefect does.
            None => Ok(Self { version: reported.to_owned(), older: false }),
            Some(theirs) if Some(theirs.0) != ours.map(|ours| ours.0) => Err(Error::new(
                ErrorKind::IncompatibleServer,
                format!(
                    "the server runs Prefect {reported} but this client speaks the API of Prefect {PREFECT_VERSION}"
                ),
            )),
            Some(theirs) => Ok(Self { version: reported.to_owned(), older: Some(theirs) < ours }),
        }
    }

    /// Gives the version as the server reported it.
    pub fn as_str(&self) -> &str {
        &self.version
    }

    /// Gives a sentence for the user when the server is older than the API this crate speaks.
    pub fn warning(&self) -> Option<String> {
        self.older.then(|| {
            format!(
                "the server runs Prefect {}, which is older than {PREFECT_VERSION}; some calls may fail, update the server",
                self.version
            )
        })
    }
}

fn numbers(version: &str) -> Option<(u64, u64, u64)> {
    let mut parts = version.split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..digits].parse::<u64>().ok()
    });
    let major = parts.next()??;
    Some((major, parts.next().flatten().unwrap_or(0), parts.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn majors_must_agree_and_older_servers_warn() {
        for (reported, warns) in
            [("3.8.8", false), ("3.9.0", false), ("3.8.7", true), ("3.1.0rc2", true), ("3", true), ("dev", false)]
        {
            let version = ServerVersion::check(reported).expect(reported);
            assert_eq!(version.warning().is_some(), warns, "{reported}");
        }
        for reported in ["2.20.1", "4.0.0"] {
            let error = ServerVersion::check(reported).expect_err(reported);
            assert_eq!(error.kind(), ErrorKind::IncompatibleServer);
            let shown = error.to_string();
            assert!(shown.contains(reported) && shown.contains(PREFECT_VERSION), "{shown}");
        }
    }
}
