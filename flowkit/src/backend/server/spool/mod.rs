//! What cannot be delivered before the process ends is kept on disk, and a later process delivers it.
//!
//! `collect` takes it from where it waits, `folder` keeps it, `deliver` is the later process's part. What is delivered
//! twice changes nothing: states have ids, flow runs are created under a key, and it is looked up which log lines have
//! arrived. Nothing is thrown away that a server has not refused itself.

mod batch;
mod collect;
mod deliver;
mod delivery;
mod folder;
mod late;
mod lines;
mod note;
mod record;
mod send;
mod stop;
mod tally;

use std::path::PathBuf;
use std::sync::Mutex;

use tokio::sync::Notify;

use crate::backend::Undelivered;
use crate::backend::server::exit;
use crate::backend::server::shared::Shared;
use crate::error::{Error, ErrorKind};
use crate::run::lock;
use crate::spool_place::SpoolPlace;
pub(super) use deliver::run;
use folder::{Folder, Written};

/// How many bytes all spools below one folder may have.
const MOST: u64 = 256 << 20;

/// Where this process keeps what it cannot deliver, and how far it is with what others have kept.
#[derive(Debug)]
pub(super) struct Spool {
    place: Result<Folder, NoPlace>,
    api: String,
    progress: Mutex<Progress>,
    woken: Notify,
}

/// Why nothing is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
enum NoPlace {
    /// It is wanted so.
    Off,
    For(String),
}

/// How far the delivery of what others have kept is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Progress {
    /// This process has not had anything to do with the server yet.
    #[default]
    Asleep,
    UnderWay,
    /// Nothing is left, or it has to wait.
    Rests,
}

impl Spool {
    /// Finds the place. One that somebody has chosen must be fit to be written.
    pub(super) fn open(place: SpoolPlace, api: &str) -> Result<Self, Error> {
        let folder = |root: PathBuf| Folder::new(&root, api, MOST);
        let place = match place {
            SpoolPlace::Off => Err(NoPlace::Off),
            SpoolPlace::Nowhere(why) => Err(NoPlace::For(why)),
            SpoolPlace::Usual(root) => Ok(folder(root)),
            SpoolPlace::Chosen { folder: root, named_by } => {
                let folder = folder(root.clone());
                folder.prepare().map_err(|error| {
                    let why = format!("{named_by} is `{}`, where nothing can be kept: {error}", root.display());
                    Error::new(ErrorKind::Settings, why).with_source(error)
                })?;
                Ok(folder)
            }
        };
        Ok(Self { place, api: api.to_owned(), progress: Mutex::default(), woken: Notify::new() })
    }

    /// Says that this process has something to do with the server: time to deliver what others have left.
    pub(super) fn wake(&self) {
        let mut progress = lock(&self.progress);
        if *progress == Progress::Asleep && self.place.is_ok() {
            *progress = Progress::UnderWay;
            self.woken.notify_one();
        }
    }

    /// Tells whether what others have left is being delivered.
    pub(super) fn is_busy(&self) -> bool {
        *lock(&self.progress) == Progress::UnderWay
    }

    /// Has nobody wait for it any longer.
    pub(super) fn let_rest(&self) {
        *lock(&self.progress) = Progress::Rests;
    }
}

/// Keeps all that is not delivered, for a later process; tells in lines for people what was kept where, and what is lost.
pub(super) async fn keep(shared: &Shared, why: Option<String>) -> Vec<String> {
    let mut left = shared.undelivered();
    left.reason = why.or(left.reason);
    if left.is_empty() {
        return Vec::new();
    }
    let folder = match &shared.spool.place {
        Ok(folder) => folder,
        Err(NoPlace::Off) => return exit::statement(&left).into_iter().collect(),
        Err(NoPlace::For(why)) => return exit::statement(&because(left, why)).into_iter().collect(),
    };
    let reason = left.reason.clone();
    let mut lost = shared.lost();
    let mut records = collect::collect(shared).await.peekable();
    if records.peek().is_none() {
        return exit::statement(&left).into_iter().collect();
    }
    let written = match folder.write(records) {
        Ok(written) => written,
        Err(error) => {
            let why = format!("it could not be kept in {}: {error}", folder.path().display());
            return exit::statement(&because(left, &why)).into_iter().collect();
        }
    };
    let (kept, cut) = (written.kept.clone(), written.cut.clone());
    if !cut.is_empty() {
        lost.reason = Some(format!("the spool holds no more than {} MiB", MOST >> 20));
    }
    lost.task_states += cut.task_states;
    lost.flow_states += cut.flow_states;
    lost.logs += cut.logs;
    let mut lines: Vec<String> = exit::statement(&lost).into_iter().collect();
    lines.extend(kept_line(&Undelivered { reason, ..kept }, &written, &shared.spool.api));
    lines
}

fn because(left: Undelivered, why: &str) -> Undelivered {
    let reason = left.reason.unwrap_or_else(|| exit::NO_ANSWER.to_owned());
    Undelivered { reason: Some(format!("{reason}; {why}")), ..left }
}

fn kept_line(kept: &Undelivered, written: &Written, api: &str) -> Vec<String> {
    let reason = kept.reason.as_deref().unwrap_or(exit::NO_ANSWER);
    let mut lines = vec![format!(
        "flowkit: not delivered to the server yet: {} ({reason}); kept in {}, delivered by the next program that \
         reports to {api}",
        exit::amounts(kept),
        written.path.display()
    )];
    if written.removed > 0 {
        lines.push(format!(
            "flowkit: the spool holds no more than {} MiB: the oldest {} file(s) that earlier programs had left were \
             removed for it",
            MOST >> 20,
            written.removed
        ));
    }
    lines
}
