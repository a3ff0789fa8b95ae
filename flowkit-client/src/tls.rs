//! One TLS set-up for HTTP and websockets.
//!
//! The crypto provider is named here and handed to both libraries, so that neither needs a process-wide default and
//! `ring` (no cmake to build) is the only one.

use std::error::Error as StdError;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::config::Trust;
use crate::error::{Error, ErrorKind};

/// Builds the set-up.
pub(crate) fn config(trust: &Trust) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Tls, "tls cannot be set up").with_source(error))?;
    let roots = match trust {
        Trust::Anything => {
            let verifier = Arc::new(TrustAnything(provider));
            return Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth());
        }
        Trust::System => of_system()?,
        Trust::File(path) => read(path)?,
    };
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots);
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}

/// Certificates that cannot be read are left out: others may do, and if not, the handshake says so. But where the
/// environment names a place that has none, it is that place.
fn of_system() -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = rustls_native_certs::load_native_certs();
    let named = || {
        let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(|name| {
            let path = std::env::var_os(name).filter(|path| !path.is_empty())?;
            Some(format!("{name} is `{}`", path.display()))
        });
        named.collect::<Vec<_>>().join(" and ")
    };
    if found.certs.is_empty() && !named().is_empty() {
        let why = found.errors.first().map_or_else(|| "there is none".to_owned(), ToString::to_string);
        let what = format!("{}, where no certificate can be read ({why})", named());
        return Err(Error::new(ErrorKind::Tls, what));
    }
    Ok(found.certs)
}

/// Finds what TLS says in the causes of an error, some of which hide theirs.
pub(crate) fn trouble<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
    None
}

/// Says what to do about it.
pub(crate) fn advice(trouble: &rustls::Error) -> Option<&'static str> {
    use rustls::{CertificateError, Error, InvalidMessage};
    match trouble {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            Some("it does not answer with TLS: is it http:// and not https://?")
        }
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => Some(
            "nobody vouches for its certificate: PREFECT_API_SSL_CERT_FILE or SSL_CERT_FILE may name a file with one that does",
        ),
        _ => None,
    }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unusable = |why: &str| Error::new(ErrorKind::Tls, format!("the certificate file {} {why}", path.display()));
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable("cannot be read").with_source(error))?;
    if certificates.is_empty() {
        return Err(unusable("has no certificate in it"));
    }
    Ok(certificates)
}

/// Trusts any certificate. Signatures are still checked.
#[derive(Debug)]
struct TrustAnything(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAnything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_and_nothing_can_be_trusted() {
        assert!(config(&Trust::System).is_ok() && config(&Trust::Anything).is_ok());
    }

    #[test]
    fn a_bad_certificate_file_is_named() {
        for (path, why) in
            [("/no/such.pem", "cannot be read"), (concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "no certificate")]
        {
            let error = config(&Trust::File(path.into())).expect_err(path);
            assert_eq!(error.kind(), ErrorKind::Tls);
            assert!(error.to_string().contains(path) && error.to_string().contains(why), "{error}");
        }
    }
}
