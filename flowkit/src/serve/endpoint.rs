//! The endpoint of a program that serves, if it is to have one.

use std::future::Future;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::options::ServeOptions;
use crate::engine::context::Ports;
use crate::error::Error;
use crate::settings::EndpointPlace;

/// Opens the endpoint that the program or the settings ask for; the future answers until it is dropped.
///
/// Once `ending` is cancelled, nothing new can be started over it.
#[cfg(feature = "endpoint")]
pub(super) async fn open(
    options: &ServeOptions,
    settings: &EndpointPlace,
    ports: &Arc<Ports>,
    ending: &CancellationToken,
) -> Result<Option<impl Future<Output = ()> + Send + use<>>, Error> {
    let own = options.endpoint.address.as_deref().map(|address| (address, "`.endpoint(..)`"));
    let set = || settings.address.as_deref().map(|address| (address, crate::settings::ENDPOINT));
    let Some(place) = own.or_else(set) else { return Ok(None) };
    let token = options.endpoint.token.as_ref().or(settings.token.as_ref());
    let endpoint = crate::runtime::endpoint::open(ports, place, token, ending.clone()).await?;
    let url = endpoint.api_url();
    tracing::info!(target: "flowkit::serve", "Runs can be started and watched with PREFECT_API_URL={url}");
    Ok(Some(endpoint.answer()))
}

/// Says that there is none in this build, if the settings ask for one.
#[cfg(not(feature = "endpoint"))]
pub(super) async fn open(
    _: &ServeOptions,
    settings: &EndpointPlace,
    _: &Arc<Ports>,
    _: &CancellationToken,
) -> Result<Option<impl Future<Output = ()> + Send + use<>>, Error> {
    if let Some(address) = &settings.address {
        let name = crate::settings::ENDPOINT;
        let why = format!(
            "the setting {name} is `{address}`, and this program was built without the feature `endpoint` of flowkit"
        );
        return Err(Error::new(crate::error::ErrorKind::Settings, why));
    }
    Ok(None::<std::future::Ready<()>>)
}
