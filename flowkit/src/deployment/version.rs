//! Where the version of a deployment comes from: the variables of a CI system, or git.

use std::process::{Command, Stdio};

use serde_json::{Map, Value};

use super::Draft;
use crate::deploy::{DeploymentSpec, VersionInfo};
use crate::error::Error;

/// Knows the environment.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A CI system, and the variables that it sets.
struct Ci {
    kind: &'static str,
    commit: &'static str,
    branch: &'static str,
    repository: &'static str,
    /// The address of a commit of a repository.
    url: fn(Lookup<'_>, &str, &str) -> Option<String>,
}

/// In the order in which they are looked for.
const KNOWN: &[Ci] = &[
    Ci {
        kind: "vcs:github",
        commit: "GITHUB_SHA",
        branch: "GITHUB_REF_NAME",
        repository: "GITHUB_REPOSITORY",
        url: |get, repository, commit| Some(format!("{}/{repository}/tree/{commit}", get("GITHUB_SERVER_URL")?)),
    },
    Ci {
        kind: "vcs:gitlab",
        commit: "CI_COMMIT_SHA",
        branch: "CI_COMMIT_REF_NAME",
        repository: "CI_PROJECT_NAME",
        url: |get, _, commit| Some(format!("{}/-/tree/{commit}", get("CI_PROJECT_URL")?)),
    },
    Ci {
        kind: "vcs:bitbucket",
        commit: "BITBUCKET_COMMIT",
        branch: "BITBUCKET_BRANCH",
        repository: "BITBUCKET_REPO_SLUG",
        url: |get, _, commit| Some(format!("{}/src/{commit}", get("BITBUCKET_GIT_HTTP_ORIGIN")?)),
    },
    Ci {
        kind: "vcs:azuredevops",
        commit: "BUILD_SOURCEVERSION",
        branch: "BUILD_SOURCEBRANCHNAME",
        repository: "BUILD_REPOSITORY_NAME",
        url: |get, _, commit| Some(format!("{}?version=GC{commit}", get("BUILD_REPOSITORY_URI")?)),
    },
];

/// Ends the description of a deployment, with where its version comes from.
pub(crate) async fn complete(draft: Draft) -> Result<DeploymentSpec, Error> {
    let mut spec = draft.finish()?;
    let version = spec.version.clone();
    let found = tokio::task::spawn_blocking(|| find(&|name| std::env::var(name).ok(), &git)).await;
    if let Ok(Some((kind, more))) = found {
        spec.version = VersionInfo { kind, more, ..version };
    }
    Ok(spec)
}

/// Finds where the program comes from; `get` knows the environment, `git` answers commands.
fn find(get: Lookup<'_>, git: &dyn Fn(&[&str]) -> Option<String>) -> Option<(&'static str, Map<String, Value>)> {
    let get = &|name: &str| get(name).filter(|value| !value.is_empty());
    let from_ci = KNOWN.iter().find_map(|ci| {
        let (commit, branch, repository) = (get(ci.commit)?, get(ci.branch)?, get(ci.repository)?);
        let url = (ci.url)(get, &repository, &commit)?;
        Some((ci.kind, commit, branch, repository, url))
    });
    let (kind, commit, branch, repository, url) = from_ci.or_else(|| {
        let url = git(&["config", "--get", "remote.origin.url"])?;
        let commit = git(&["rev-parse", "HEAD"])?;
        let branch = git(&["rev-parse", "--abbrev-ref", "HEAD"])?;
        Some(("vcs:git", commit, branch, repository_of(&url), without_credentials(&url)))
    })?;
    let message = git(&["log", "-1", "--pretty=%s"]).unwrap_or_default();
    let facts =
        [("commit_sha", commit), ("message", message), ("branch", branch), ("repository", repository), ("url", url)];
    Some((kind, facts.into_iter().map(|(name, fact)| (name.to_owned(), fact.into())).collect()))
}

/// The path of a remote's address: `team/etl` of `https://git.test/team/etl.git`.
fn repository_of(url: &str) -> String {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let path = path.rsplit_once(':').map_or(path, |(_, path)| path);
    path.trim_matches('/').trim_end_matches(".git").to_owned()
}

/// An address as it may be shown: people write tokens into those of remotes.
fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}/{path}")
        }
        None => url.to_owned(),
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)], git: &[(&str, &str)]) -> Option<(&'static str, Map<String, Value>)> {
        let get = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, it)| (*it).to_owned());
        let git = |arguments: &[&str]| {
            let asked = arguments.join(" ");
            git.iter().find(|(known, _)| *known == asked).map(|(_, answer)| (*answer).to_owned())
        };
        find(&get, &git)
    }

    #[test]
    fn the_variables_of_a_ci_system_tell_commit_branch_and_address() {
        let github = [
            ("GITHUB_SHA", "0c2f"),
            ("GITHUB_REF_NAME", "main"),
            ("GITHUB_REPOSITORY", "team/etl"),
            ("GITHUB_SERVER_URL", "https://github.com"),
        ];
        let (kind, more) = found(&github, &[("log -1 --pretty=%s", "Load more")]).expect("GitHub");
        assert_eq!((kind, &more["url"]), ("vcs:github", &"https://github.com/team/etl/tree/0c2f".into()));
        assert_eq!((&more["message"], &more["branch"]), (&"Load more".into(), &"main".into()));
        let azure = [
            ("BUILD_SOURCEVERSION", "0c2f"),
            ("BUILD_SOURCEBRANCHNAME", "main"),
            ("BUILD_REPOSITORY_NAME", "etl"),
            ("BUILD_REPOSITORY_URI", "https://dev.azure.com/team/_git/etl"),
            ("GITHUB_SHA", ""),
        ];
        let (kind, more) = found(&azure, &[]).expect("Azure");
        assert_eq!(kind, "vcs:azuredevops");
        assert_eq!(more["url"], "https://dev.azure.com/team/_git/etl?version=GC0c2f");
    }

    #[test]
    fn without_ci_git_tells_and_no_token_is_told() {
        let git = [
            ("config --get remote.origin.url", "https://me:t0ken@git.test/team/etl.git"),
            ("rev-parse HEAD", "0c2f"),
            ("rev-parse --abbrev-ref HEAD", "main"),
        ];
        let (kind, more) = found(&[], &git).expect("git");
        assert_eq!((kind, &more["repository"]), ("vcs:git", &"team/etl".into()));
        assert_eq!(more["url"], "https://git.test/team/etl.git");
        assert_eq!(repository_of("git@git.test:team/etl.git"), "team/etl");
        assert_eq!(found(&[], &git[1..]), None);
    }
}
