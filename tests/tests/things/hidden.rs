//! A program that does with a secret all that programs do: it saves, loads, logs, shows, fails with and returns it.

use flowkit::prelude::*;
use flowkit::{Secret, artifact, block, end_as};

/// What must be nowhere.
pub(crate) const HIDDEN: &str = "hidden-3f9a1c-value";

/// What goes the same ways and must be found, so that looking for the other one means something.
pub(crate) const SEEN: &str = "seen-3f9a1c-value";

#[task(persist_result = false, run_name = "tells-{secret}")]
async fn tells(secret: Secret) -> anyhow::Result<Secret> {
    tracing::info!(token = secret.expose().as_str(), "{SEEN} and {}", secret.expose());
    println!("printed {}", secret.expose());
    artifact::markdown(format!("{SEEN} and {}", secret.expose())).description(secret.expose()).await?;
    Ok(secret)
}

#[task(retries = 1)]
async fn fails(secret: Secret) -> anyhow::Result<()> {
    Err(anyhow::anyhow!("the server said no to {}", secret.expose()).context(format!("{SEEN}: {}", secret.expose())))
}

#[task]
async fn ends_as_failed(secret: Secret) -> flowkit::Result<()> {
    Err(end_as(flowkit::State::failed().with_message(format!("{SEEN}: not by {}", secret.expose()))))
}

#[flow]
async fn inner(secret: Secret) -> Secret {
    secret
}

#[flow(name = "hidden-3f9a1c", log_prints, run_name = "hides-{secret}")]
pub(crate) async fn hides(name: String, secret: Secret) -> anyhow::Result<()> {
    let loaded = block::secret(&name).await?;
    let shown = tells(loaded).submit();
    let again = inner(shown.clone().await?).await?;
    let ended = ends_as_failed(again).await;
    assert!(ended.is_err());
    fails(shown).await?;
    let _ = secret;
    Ok(())
}

/// Everything at once, under a name.
pub(crate) async fn everything(name: &str) {
    block::save(name, &Secret::<String>::new(HIDDEN)).await.expect("it is saved");
    let error = hides(name.to_owned(), Secret::new(HIDDEN)).await.expect_err("it fails");
    assert!(error.chain().contains(HIDDEN), "the program's own error is the program's: {error}");
    assert!(block::load::<Secret<Vec<String>>>(name).await.is_err());
    assert!(block::save(name, &Secret::<String>::new(HIDDEN)).await.is_err());
}
