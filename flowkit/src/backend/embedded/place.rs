//! The one name of a file, however it is called: everything that lies beside it goes by that.

use std::io::Result;
use std::path::{Path, PathBuf};

/// How many links are followed whose end is not there yet.
const LINKS: usize = 40;

/// Names a file so that neither a link to it nor another current folder makes it another one. It need not be there.
///
/// # Errors
///
/// Fails for a path that names nothing, and if there is no current folder.
pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    let mut place = std::path::absolute(path)?;
    for _ in 0..LINKS {
        if let Ok(found) = place.canonicalize() {
            return Ok(found);
        }
        let Ok(target) = place.read_link() else { break };
        place = place.parent().unwrap_or(Path::new("/")).join(target);
    }
    let folder = place.parent().and_then(|folder| folder.canonicalize().ok());
    Ok(match (folder, place.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => place,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_has_one_name_whether_it_is_there_or_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("it is there").join("real");
        std::fs::create_dir(&real).expect("a folder");
        let file = real.join("runs.db");
        let (to_file, to_folder) = (folder.path().join("link.db"), folder.path().join("link"));
        symlink("real/runs.db", &to_file).expect("a link");
        symlink("real", &to_folder).expect("a link");
        for _ in ["before", "after"] {
            for name in [file.clone(), to_file.clone(), to_folder.join("runs.db"), real.join("../real/runs.db")] {
                assert_eq!(resolve(&name).expect("a name"), file, "{}", name.display());
            }
            std::fs::write(&file, "").expect("it can be written");
        }
        let here = std::env::current_dir().and_then(|folder| folder.canonicalize()).expect("a folder");
        assert_eq!(resolve(Path::new("not-there.db")).expect("a name"), here.join("not-there.db"));
        assert!(resolve(Path::new("")).is_err());
    }

    #[test]
    fn what_leads_nowhere_keeps_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let around = folder.path().join("around");
        symlink(&around, &around).expect("a link");
        assert!(resolve(&around).expect("a name").ends_with("around"));
        assert!(resolve(Path::new("/no/such/folder/runs.db")).expect("a name").starts_with("/no/such"));
    }
}
