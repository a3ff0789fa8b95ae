//! Looks for what earlier processes have kept, and has it delivered.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::delivery::Delivery;
use super::folder::Folder;
use super::lines;
use super::record::Unfit;
use super::stop::Stop;
use super::tally::Tally;
use crate::backend::server::shared::Shared;
use crate::clock;

/// How often a process that goes on looks for what others have left.
const AGAIN: Duration = Duration::from_secs(60);

/// Delivers for as long as the reporter lives, once this process has something to do with the server.
pub(in crate::backend::server) async fn run(shared: Arc<Shared>) {
    let Ok(folder) = &shared.spool.place else { return };
    shared.spool.woken.notified().await;
    let mut barred = None;
    loop {
        look(&shared, folder, &mut barred).await;
        shared.spool.let_rest();
        clock::sleep(AGAIN).await;
    }
}

/// Delivers what there is, unless another process does. Who is not let in hears why, once.
async fn look(shared: &Shared, folder: &Folder, barred: &mut Option<String>) {
    let files = folder.files();
    if files.is_empty() {
        return;
    }
    let _lock = match folder.lock() {
        Ok(Some(lock)) => lock,
        Ok(None) => return,
        Err(error) => return say_unusable(folder.path(), &error.to_string()),
    };
    let mut tally = Tally::default();
    // Another process may have delivered some until it let go of the lock.
    for path in folder.files() {
        match folder.open(&path) {
            Ok(Ok(lines)) => {
                let mut delivery = Delivery::new(shared, lines, std::mem::take(&mut tally));
                let stopped = delivery.run().await;
                let worth_a_word = matches!(stopped, Err(Stop::File(_))) && delivery.has_failed();
                tally = delivery.end();
                match stopped {
                    Ok(()) => {}
                    Err(Stop::File(why)) if worth_a_word => say_waiting(&path, &why),
                    Err(Stop::File(why)) => {
                        tracing::debug!(target: "flowkit::server", "`{}` stays for now: {why}", path.display())
                    }
                    Err(Stop::All(why)) => {
                        tracing::debug!(target: "flowkit::server", "`{}` stays for now: {why}", path.display());
                        break;
                    }
                    Err(Stop::Barred(why)) => {
                        if barred.as_ref() != Some(&why) {
                            say_waiting(&path, &why);
                        }
                        *barred = Some(why);
                        break;
                    }
                }
            }
            Ok(Err(unfit)) => say_unfit(&path, &unfit),
            Err(error) => say_unusable(&path, &error.to_string()),
        }
    }
    match (tally.is_empty(), tally.is_clean()) {
        (true, _) => {}
        (_, true) => tracing::info!(target: "flowkit::server", "{}", tally.told()),
        (_, false) => tracing::warn!(target: "flowkit::server", "{}", tally.told()),
    }
}

fn say_waiting(path: &Path, why: &str) {
    tracing::warn!(target: "flowkit::server", "What earlier programs have left in `{}` has to wait: {why}", path.display());
}

fn say_unusable(path: &Path, why: &str) {
    tracing::warn!(target: "flowkit::server", "What earlier programs have left in `{}` cannot be delivered: {why}", path.display());
}

fn say_unfit(path: &Path, unfit: &Unfit) {
    match unfit {
        Unfit::Foreign(api) => say_unusable(path, &format!("it is for {api}")),
        Unfit::OtherVersion(version) => {
            say_unusable(path, &format!("another version of flowkit has written it (format {version})"));
        }
        Unfit::Damaged => match lines::set_aside(path) {
            Ok(aside) => say_unusable(&aside, "it is damaged, and was put aside"),
            Err(error) => say_unusable(path, &format!("it is damaged, and cannot be put aside: {error}")),
        },
    }
}
