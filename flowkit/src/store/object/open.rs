//! From a URL to a store. Credentials and other options come from the environment, as the crate `object_store` reads them.

use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::{Error as Refusal, ObjectStore, ObjectStoreScheme};
use url::{Position, Url};

use super::Objects;
use crate::error::{Error, ErrorKind};

/// What a URL can be.
const ACCEPTED: &str = "`s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, `https://host/prefix` \
     or, for tests, `memory:///prefix`";

pub(super) fn open(text: &str) -> Result<Objects, Error> {
    // What cannot be read may have a secret anywhere.
    let scheme = text.split("://").next().unwrap_or_default();
    let parsed = Url::parse(text);
    let url = parsed.map_err(|error| refuse(&format!("{scheme}://.."), "it is no URL").with_source(error))?;
    let base = format!("{}{}", &url[..Position::BeforePath], url.path().trim_end_matches('/'));
    // The place of a result is told to the server, and shown in the log.
    if url.password().is_some() || (url.scheme().starts_with("http") && !url.username().is_empty()) {
        let shown = format!("{scheme}://{}{}", url.host_str().unwrap_or_default(), url.path());
        return Err(refuse(&shown, "credentials do not belong into the URL, but into the environment"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse(&base, "it has a `?` or `#`: options of the store belong into the environment"));
    }
    let (scheme, prefix) = ObjectStoreScheme::parse(&url).map_err(|error| {
        refuse(&base, &format!("there is no such kind of store; it can be {ACCEPTED}")).with_source(error)
    })?;
    if let Some((feature, false)) = feature_of(&scheme) {
        return Err(refuse(&base, &format!("it needs the feature `{feature}` of flowkit")));
    }
    let store = connect(&scheme, &url).map_err(|error| refuse(&base, "it cannot be used").with_source(error))?;
    Ok(Objects { url: base, store, prefix })
}

/// What a kind of store needs, and whether it is built in.
fn feature_of(scheme: &ObjectStoreScheme) -> Option<(&'static str, bool)> {
    match scheme {
        ObjectStoreScheme::AmazonS3 => Some(("object-store-aws", cfg!(feature = "object-store-aws"))),
        ObjectStoreScheme::GoogleCloudStorage => Some(("object-store-gcp", cfg!(feature = "object-store-gcp"))),
        ObjectStoreScheme::MicrosoftAzure => Some(("object-store-azure", cfg!(feature = "object-store-azure"))),
        ObjectStoreScheme::Http => Some(("object-store-http", cfg!(feature = "object-store-http"))),
        _ => None,
    }
}

fn refuse(shown: &str, why: &str) -> Error {
    Error::new(ErrorKind::Settings, format!("the result store is `{shown}`: {why}"))
}

#[cfg_attr(not(feature = "object-store-client"), expect(unused_variables, reason = "memory needs no URL"))]
fn connect(scheme: &ObjectStoreScheme, url: &Url) -> Result<Arc<dyn ObjectStore>, Refusal> {
    match scheme {
        ObjectStoreScheme::Memory => Ok(Arc::new(InMemory::new())),
        #[cfg(feature = "object-store-aws")]
        ObjectStoreScheme::AmazonS3 => {
            shared(|| object_store::aws::AmazonS3Builder::from_env().with_url(url.as_str()).build())
        }
        #[cfg(feature = "object-store-gcp")]
        ObjectStoreScheme::GoogleCloudStorage => {
            shared(|| object_store::gcp::GoogleCloudStorageBuilder::from_env().with_url(url.as_str()).build())
        }
        #[cfg(feature = "object-store-azure")]
        ObjectStoreScheme::MicrosoftAzure => {
            shared(|| object_store::azure::MicrosoftAzureBuilder::from_env().with_url(url.as_str()).build())
        }
        #[cfg(feature = "object-store-http")]
        ObjectStoreScheme::Http => {
            // Whoever writes `http://` means it.
            let options = object_store::ClientOptions::new().with_allow_http(url.scheme() == "http");
            let host = &url[..Position::BeforePath];
            shared(|| object_store::http::HttpBuilder::new().with_url(host).with_client_options(options).build())
        }
        // Folders have an adapter of their own, and do not come here.
        other => Err(Refusal::NotSupported { source: format!("a store of kind {other:?}").into() }),
    }
}

#[cfg(feature = "object-store-client")]
fn shared<S: ObjectStore>(build: impl FnOnce() -> Result<S, Refusal>) -> Result<Arc<dyn ObjectStore>, Refusal> {
    // The HTTP client takes the TLS provider of the process. One that the program has chosen stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    build().map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_url_that_means_no_store_is_refused_without_its_secrets() {
        for (url, why) in [
            (
                "ftp://host/results",
                "the result store is `ftp://host/results`: there is no such kind of store; it can be `s3:",
            ),
            ("memory://results", "`memory:///prefix`"),
            ("s3:///results", "there is no such kind of store"),
            ("s3://bucket:99999/", "`s3://..`: it is no URL"),
            ("https://me:sesame@host/results", "`https://host/results`: credentials do not belong into the URL"),
            ("https://sesame@host/results", "`https://host/results`: credentials do not belong into the URL"),
            ("az://box/results?sig=sesame", "`az://box/results`: it has a `?` or `#`"),
        ] {
            let error = open(url).expect_err("it means no store");
            assert_eq!(error.kind(), ErrorKind::Settings);
            assert!(error.to_string().contains(why), "{url}: {error}");
            assert!(!error.chain().contains("sesame"), "{}", error.chain());
        }
    }

    #[cfg(not(feature = "object-store-aws"))]
    #[test]
    fn a_store_that_is_not_built_in_names_its_feature() {
        let error = open("s3://bucket/results").expect_err("it is not built in").to_string();
        assert_eq!(
            error,
            "the result store is `s3://bucket/results`: it needs the feature `object-store-aws` of flowkit"
        );
    }

    #[test]
    fn places_are_urls_below_that_of_the_store() {
        for (url, place, path) in [
            ("memory:///a/b", "memory:///a/b/key", "a/b/key"),
            ("memory:///a/b/", "memory:///a/b/key", "a/b/key"),
            ("memory:///", "memory:///key", "key"),
        ] {
            let store = open(url).expect("it means a store");
            assert_eq!(store.locate("key"), place);
            for place in [place, "key"] {
                assert_eq!(store.path(place).expect("it is in the store").as_ref(), path);
            }
        }
    }

    #[test]
    fn a_place_elsewhere_is_refused() {
        let store = open("memory:///a").expect("it means a store");
        for place in ["memory:///ab/key", "memory:///a", "memory:///a/", "memory:///a/../b", "s3://a/key", "/a/key", ""]
        {
            let error = store.path(place).expect_err("it is elsewhere");
            assert_eq!(error.to_string(), format!("the result `{place}` is not in the result store `memory:///a`"));
        }
    }
}
