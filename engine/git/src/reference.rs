//! What a source follows, and how its revision is written.

use crate::Error;

/// Which commit of a repository is wanted. Only the constructors make one, so every name in it is a valid one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(pub(crate) Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Branch(String),
    Tag(String),
    Name(String),
    Commit { commit: String, branch: Option<String> },
}

/// The commit that a reference names now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Flux's revision text: `main@sha1:<hex>`, `v1@sha1:<hex>`, `refs/heads/main@sha1:<hex>` or `sha1:<hex>`.
    pub revision: String,
    /// The commit in hex.
    pub commit: String,
}

impl Reference {
    /// The tip of a branch.
    pub fn branch(name: &str) -> Result<Reference, Error> {
        full_name(&format!("refs/heads/{name}"))?;
        Ok(Reference(Kind::Branch(name.to_owned())))
    }

    /// The commit of a tag; an annotated tag leads to its commit.
    pub fn tag(name: &str) -> Result<Reference, Error> {
        full_name(&format!("refs/tags/{name}"))?;
        Ok(Reference(Kind::Tag(name.to_owned())))
    }

    /// Any reference by its full name, such as `refs/pull/1/head`. A trailing `^{}` is tolerated, as Flux does.
    pub fn name(name: &str) -> Result<Reference, Error> {
        let name = name.strip_suffix("^{}").unwrap_or(name);
        if name != "HEAD" && !name.starts_with("refs/") {
            return Err(invalid(name, "it is neither HEAD nor a full name that begins with refs/"));
        }
        full_name(name)?;
        Ok(Reference(Kind::Name(name.to_owned())))
    }

    /// One commit, forever. The branch names the revision, and is fetched when the server refuses to give a commit by its hash.
    pub fn commit(commit: &str, branch: Option<&str>) -> Result<Reference, Error> {
        let hex = commit.len() == 40 && commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !hex {
            return Err(invalid(commit, "a commit is 40 lower-case hexadecimal digits"));
        }
        if let Some(branch) = branch {
            full_name(&format!("refs/heads/{branch}"))?;
        }
        Ok(Reference(Kind::Commit { commit: commit.to_owned(), branch: branch.map(str::to_owned) }))
    }

    /// The commit, when the reference alone says it: then no server needs to be asked.
    pub fn pinned(&self) -> Option<Resolved> {
        match &self.0 {
            Kind::Commit { commit, .. } => Some(self.resolved(commit.clone())),
            Kind::Branch(_) | Kind::Tag(_) | Kind::Name(_) => None,
        }
    }

    pub(crate) fn full_name(&self) -> Option<String> {
        match &self.0 {
            Kind::Branch(name) => Some(format!("refs/heads/{name}")),
            Kind::Tag(name) => Some(format!("refs/tags/{name}")),
            Kind::Name(name) => Some(name.clone()),
            Kind::Commit { branch, .. } => branch.as_ref().map(|branch| format!("refs/heads/{branch}")),
        }
    }

    pub(crate) fn resolved(&self, commit: String) -> Resolved {
        let revision = match &self.0 {
            Kind::Branch(name) | Kind::Tag(name) | Kind::Name(name) => format!("{name}@sha1:{commit}"),
            Kind::Commit { branch: Some(branch), .. } => format!("{branch}@sha1:{commit}"),
            Kind::Commit { branch: None, .. } => format!("sha1:{commit}"),
        };
        Resolved { revision, commit }
    }
}

/// Git's own rules for reference names (git-check-ref-format), and none that begins with a dash.
fn full_name(name: &str) -> Result<(), Error> {
    if name.split('/').any(|component| component.starts_with('-')) {
        return Err(invalid(name, "a component begins with '-'"));
    }
    let checked = gix::validate::reference::name(name.into());
    checked.map(drop).map_err(|_| invalid(name, "it is not a valid reference name"))
}

fn invalid(name: &str, reason: &'static str) -> Error {
    Error::InvalidReference { name: name.escape_debug().to_string(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "363a6a8fe6a7f13e05d34c163b0ef02a777da20a";

    #[test]
    fn revisions_are_written_as_flux_writes_them() {
        for (reference, expected) in [
            (Reference::branch("main"), "main@sha1:"),
            (Reference::branch("feature/x"), "feature/x@sha1:"),
            (Reference::tag("v1.2.3"), "v1.2.3@sha1:"),
            (Reference::name("refs/heads/main"), "refs/heads/main@sha1:"),
            (Reference::name("refs/tags/v1^{}"), "refs/tags/v1@sha1:"),
            (Reference::name("refs/pull/1/head"), "refs/pull/1/head@sha1:"),
            (Reference::commit(COMMIT, None), "sha1:"),
            (Reference::commit(COMMIT, Some("main")), "main@sha1:"),
        ] {
            let resolved = reference.unwrap().resolved(COMMIT.to_owned());
            assert_eq!(resolved.revision, format!("{expected}{COMMIT}"));
        }
    }

    #[test]
    fn names_that_are_options_or_tricks_are_refused() {
        for name in
            ["-oProxyCommand=x", "", "a b", "a\nb", "a\0b", "../x", "a..b", "x.lock", "a//b", "x~1", "x:y", "@{", "a*"]
        {
            assert!(Reference::branch(name).is_err(), "branch {name:?}");
            assert!(Reference::tag(name).is_err(), "tag {name:?}");
            assert!(Reference::name(&format!("refs/heads/{name}")).is_err(), "name {name:?}");
        }
        for name in ["main", "--upload-pack=x", "heads/main", "refs/heads/--x"] {
            assert!(Reference::name(name).is_err(), "name {name:?}");
        }
        for commit in ["", "363a", "HEAD", &COMMIT.to_uppercase(), &format!("{COMMIT}0"), &format!("-{}", &COMMIT[1..])]
        {
            assert!(Reference::commit(commit, None).is_err(), "commit {commit:?}");
        }
    }
}
