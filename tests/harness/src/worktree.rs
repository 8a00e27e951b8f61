//! Someone who works in a Git repository: writes files, commits and pushes with the real client.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use tempfile::TempDir;

use crate::git_server::Access;

/// The time of the first commit; each further one is a minute later, so that equal files make equal commits.
const FIRST_COMMIT_SECONDS: u64 = 1_700_000_000;

/// A clone of a repository, on branch `main`.
#[derive(Debug)]
pub struct Worktree {
    folder: TempDir,
    configuration: Vec<String>,
    commits: AtomicU64,
}

impl Worktree {
    /// An empty work tree whose `origin` is `url`.
    pub(crate) fn new(url: &str, access: &Access, authority_pem: Option<&str>) -> Result<Worktree> {
        let folder = tempfile::Builder::new().prefix("worktree-").tempdir().context("making a work tree")?;
        let mut configuration = vec!["protocol.version=2".to_string()];
        if let Some(header) = authorization(access) {
            configuration.push(format!("http.extraHeader=Authorization: {header}"));
        }
        if let Some(pem) = authority_pem {
            // Beside the repository, where no commit can pick it up.
            let file = folder.path().join(".git-authority.pem");
            std::fs::write(&file, pem).context("writing the authority of a Git server")?;
            configuration.push(format!("http.sslCAInfo={}", file.display()));
        }
        std::fs::create_dir(folder.path().join("files")).context("making a work tree")?;
        let worktree = Worktree { folder, configuration, commits: AtomicU64::new(0) };
        worktree.git(&["init", "--quiet", "--initial-branch=main"])?;
        worktree.git(&["remote", "add", "origin", url])?;
        // For a person who goes on working here.
        worktree.git(&["config", "user.name", "Ada"])?;
        worktree.git(&["config", "user.email", "ada@example.com"])?;
        Ok(worktree)
    }

    /// The folder of the files.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// Writes a file, making the folders it needs.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> Result<&Self> {
        let file = self.path().join(path);
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).with_context(|| format!("making the folder of {path}"))?;
        std::fs::write(&file, content).with_context(|| format!("writing {path}"))?;
        Ok(self)
    }

    /// Removes a file or a folder.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove(&self, path: &str) -> Result<&Self> {
        let file = self.path().join(path);
        let removed = if file.is_dir() { std::fs::remove_dir_all(&file) } else { std::fs::remove_file(&file) };
        removed.with_context(|| format!("removing {path}"))?;
        Ok(self)
    }

    /// Commits all that changed (or nothing, if nothing did) and returns the commit's id.
    ///
    /// # Errors
    /// With what git printed.
    pub fn commit(&self, message: &str) -> Result<String> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message])?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.head()
    }

    /// Pushes the current branch, replacing what the server has.
    ///
    /// # Errors
    /// With what git printed.
    pub fn push(&self) -> Result<()> {
        self.git(&["push", "--quiet", "--force", "origin", "HEAD"]).map(drop)
    }

    /// Commits and pushes; returns the commit's id.
    ///
    /// # Errors
    /// With what git printed.
    pub fn publish(&self, message: &str) -> Result<String> {
        let commit = self.commit(message)?;
        self.push()?;
        Ok(commit)
    }

    /// The id of the current commit.
    ///
    /// # Errors
    /// When there is none.
    pub fn head(&self) -> Result<String> {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git here and returns what it printed, for what no other method does (tags, branches, history).
    ///
    /// # Errors
    /// With what git printed.
    pub fn git(&self, arguments: &[&str]) -> Result<String> {
        let seconds = FIRST_COMMIT_SECONDS + 60 * self.commits.load(Ordering::Relaxed);
        let mut command = isolated_git();
        command.arg("-C").arg(self.path());
        for setting in &self.configuration {
            command.args(["-c", setting]);
        }
        command
            .env("GIT_AUTHOR_DATE", format!("{seconds} +0000"))
            .env("GIT_COMMITTER_DATE", format!("{seconds} +0000"));
        run(command.args(arguments), &format!("git {}", arguments.join(" ")))
    }
}

/// git with nobody's settings.
pub(crate) fn isolated_git() -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("GIT_") || name.to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(name.as_ref());
        }
    }
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", "Ada"),
        ("GIT_AUTHOR_EMAIL", "ada@example.com"),
        ("GIT_COMMITTER_NAME", "Ada"),
        ("GIT_COMMITTER_EMAIL", "ada@example.com"),
    ] {
        command.env(name, value);
    }
    command
}

pub(crate) fn run(command: &mut Command, what: &str) -> Result<String> {
    let output =
        command.output().with_context(|| format!("starting `{what}`: is git installed? (`cargo xtask setup`)"))?;
    if !output.status.success() {
        bail!("`{what}` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

fn authorization(access: &Access) -> Option<String> {
    match access {
        Access::Anyone => None,
        Access::Basic { username, password } => {
            let pair = format!("{username}:{password}");
            Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
        }
        Access::Bearer(token) => Some(format!("Bearer {token}")),
    }
}
