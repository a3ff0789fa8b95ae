//! The command line of an example: options that take a value, and `--help`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::exit;

use reqwest::Url;

/// Reads the values of the options called `names`, in that order, from the command line.
///
/// Ends the process after `--help`, with code 0, and at a wrong argument, with code 2.
pub fn read<const N: usize>(help: &str, names: [&str; N]) -> [Option<OsString>; N] {
    checked(parse(std::env::args_os().skip(1), names)).unwrap_or_else(|| {
        print!("{help}");
        exit(0)
    })
}

/// Takes a value out of a check, or ends the process with code 2.
pub fn checked<T>(checked: Result<T, String>) -> T {
    checked.unwrap_or_else(|wrong| {
        eprintln!("error: {wrong}; see --help");
        exit(2)
    })
}

/// Reads the URL of an API, to which paths can be added.
///
/// # Errors
///
/// When it is not one that HTTP can reach.
pub fn base_url(value: &OsStr) -> Result<String, String> {
    let url = value.to_str().and_then(|value| value.parse::<Url>().ok());
    url.filter(|url| url.has_host() && ["http", "https"].contains(&url.scheme()))
        .map(|url| url.as_str().trim_end_matches('/').to_owned())
        .ok_or_else(|| format!("`{}` is not a URL with http or https", value.display()))
}

/// Reads the path of a file that can be written.
///
/// # Errors
///
/// When it is a directory, or in one that does not exist.
pub fn new_file(value: OsString) -> Result<PathBuf, String> {
    let path = PathBuf::from(value);
    let folder = path.parent().map(|folder| Path::new(".").join(folder));
    match folder {
        Some(folder) if folder.is_dir() && !path.is_dir() => Ok(path),
        Some(folder) if !path.is_dir() => Err(format!("there is no directory `{}`", folder.display())),
        _ => Err(format!("`{}` is not the name of a file", path.display())),
    }
}

/// `None` means that help is asked for.
fn parse<const N: usize>(
    mut args: impl Iterator<Item = OsString>,
    names: [&str; N],
) -> Result<Option<[Option<OsString>; N]>, String> {
    let mut values = [const { None }; N];
    while let Some(arg) = args.next() {
        if arg == "--help" || arg == "-h" {
            return Ok(None);
        }
        let known = names.iter().position(|name| arg == *name);
        let index = known.ok_or_else(|| format!("there is no option `{}`", arg.display()))?;
        let value = args.next().ok_or_else(|| format!("{} needs a value", names[index]))?;
        if values[index].replace(value).is_some() {
            return Err(format!("{} is given twice", names[index]));
        }
    }
    Ok(Some(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Option<[Option<OsString>; 2]>, String> {
        parse(args.iter().map(OsString::from), ["--api", "--out"])
    }

    #[test]
    fn values_come_in_the_order_of_the_names() {
        assert_eq!(parsed(&[]), Ok(Some([None, None])));
        assert_eq!(parsed(&["--out", "a", "--api", "b"]), Ok(Some([Some("b".into()), Some("a".into())])));
    }

    #[test]
    fn help_wins_over_what_follows() {
        assert_eq!(parsed(&["--out", "a", "--help", "--wrong"]), Ok(None));
    }

    #[test]
    fn wrong_arguments_are_named() {
        for (args, said) in [
            (["--pages", "1"].as_slice(), "there is no option `--pages`"),
            (&["--out"], "--out needs a value"),
            (&["--out", "a", "--out", "b"], "--out is given twice"),
        ] {
            assert_eq!(parsed(args), Err(said.to_owned()));
        }
    }

    #[test]
    fn a_base_url_has_no_slash_at_its_end() {
        assert_eq!(base_url("http://127.0.0.1:80/x/".as_ref()), Ok("http://127.0.0.1/x".to_owned()));
        for wrong in ["", "catalog", "ftp://127.0.0.1", "http:"] {
            assert!(base_url(wrong.as_ref()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_new_file_needs_a_directory_and_a_name() {
        assert_eq!(new_file("out.csv".into()), Ok("out.csv".into()));
        for (wrong, said) in [("", "name of a file"), (".", "name of a file"), ("no/such/out.csv", "no directory")] {
            assert!(new_file(wrong.into()).is_err_and(|why| why.contains(said)), "{wrong}");
        }
    }
}
