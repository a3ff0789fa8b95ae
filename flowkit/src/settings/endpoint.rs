//! Where the endpoint of a serving program is, and what those who ask have to know.

use super::read::Source;
use crate::error::Error;
use crate::secret::Secret;

/// Names the address.
pub(crate) const ADDRESS: &str = "FLOWKIT_ENDPOINT";

/// What the settings say of an endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndpointPlace {
    /// `host:port`; `None` means that there is no endpoint unless the program asks for one.
    pub(crate) address: Option<String>,
    #[cfg_attr(not(feature = "endpoint"), expect(dead_code, reason = "only an endpoint asks for it"))]
    pub(crate) token: Option<Secret>,
}

impl EndpointPlace {
    /// Reads the settings.
    pub(super) fn read(source: &Source<'_>) -> Result<Self, Error> {
        let own = source.text("FLOWKIT_ENDPOINT_TOKEN");
        let token = own.or_else(|| source.text("PREFECT_SERVER_API_AUTH_STRING"));
        Ok(Self { address: source.text(ADDRESS), token: token.map(Secret::new) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::sources::Sources;

    #[test]
    fn the_token_is_our_own_setting_or_that_of_prefects_server() {
        let read = |pairs: &[(&str, &str)]| EndpointPlace::read(&Source(&Sources::of(pairs))).expect("valid");
        assert!(read(&[]).address.is_none());
        let place = read(&[("FLOWKIT_ENDPOINT", "127.0.0.1:4200"), ("PREFECT_SERVER_API_AUTH_STRING", "admin:pass")]);
        assert_eq!(place.address.as_deref(), Some("127.0.0.1:4200"));
        assert_eq!(place.token.map(Secret::into_exposed).as_deref(), Some("admin:pass"));
        let both = [("FLOWKIT_ENDPOINT_TOKEN", "one-token"), ("PREFECT_SERVER_API_AUTH_STRING", "admin:pass")];
        assert_eq!(read(&both).token.map(Secret::into_exposed).as_deref(), Some("one-token"));
    }
}
