//! What kustomize would fetch: URLs as files, repositories as directories. Told from paths exactly as kustomize does
//! (api/internal/git/repospec.go), for a directory that looks like a repository is never read.

/// Whether a file of this name would be asked for by HTTP.
pub(crate) fn is_url(path: &str) -> bool {
    without_prefix(path, "http:").or_else(|| without_prefix(path, "https:")).is_some()
}

/// Whether a directory of this name would be cloned.
pub(crate) fn is_repository(path: &str) -> bool {
    if path.starts_with('/') {
        return false;
    }
    let path = path.split('?').next().unwrap_or_default();
    let Some(Location { path, is_file }) = location(path) else { return false };
    let Some((repository, directory)) = split(path, is_file) else { return false };
    !repository.is_empty() && !leaves(directory)
}

/// What is behind the host.
struct Location<'p> {
    path: &'p str,
    is_file: bool,
}

fn location(path: &str) -> Option<Location<'_>> {
    let path = without_prefix(path, "git::").unwrap_or(path);
    let schemes = ["ssh://", "https://", "http://", "file://"];
    let schemed = schemes.into_iter().find_map(|scheme| Some((scheme, without_prefix(path, scheme)?)));
    if let Some(("file://", path)) = schemed {
        return Some(Location { path: without_user(path).unwrap_or(path), is_file: true });
    }
    let rest = schemed.map_or(path, |(_, rest)| rest);
    let user = without_user(rest);
    let rest = user.unwrap_or(rest);
    let is_github = without_prefix(rest, "github.com/").or_else(|| without_prefix(rest, "github.com:")).is_some();
    let takes_colon = schemed.is_none() && (user.is_some() || is_github);
    if schemed.is_none() && !takes_colon {
        return None;
    }
    let slash = rest.find('/');
    let colon = rest.find(':').filter(|colon| takes_colon && slash.is_none_or(|slash| *colon > 0 && *colon < slash));
    match colon.or(slash) {
        Some(separator) => rest.get(separator + 1..).map(|path| Location { path, is_file: false }),
        None if rest.is_empty() => None,
        None => Some(Location { path: "", is_file: false }),
    }
}

/// The path of the repository, and the directory in it.
fn split(path: &str, is_file: bool) -> Option<(String, &str)> {
    let two = |end: usize, from: usize| {
        Some((path.get(..end).unwrap_or_default().to_owned(), path.get(from..).unwrap_or_default()))
    };
    if let Some(at) = path.find("_git/") {
        let name = at + "_git/".len();
        let end = path.get(name..).and_then(|rest| rest.find('/')).map_or(path.len(), |slash| name + slash);
        return two(end, end + 1);
    }
    if let Some(at) = path.find("//") {
        return two(at, at + 2);
    }
    if let Some(at) = path.find(".git") {
        return two(at + ".git".len(), at + ".git".len());
    }
    if is_file {
        return two(path.len(), path.len());
    }
    let organisation = path.find('/')?;
    let end = path.get(organisation + 1..)?.find('/').map_or(path.len(), |slash| organisation + 1 + slash);
    two(end, end + 1)
}

/// Whether a path leaves the directory that it is in.
fn leaves(path: &str) -> bool {
    if path.starts_with("//") {
        return false;
    }
    let mut depth = 0_i32;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

fn without_user(path: &str) -> Option<&str> {
    let (user, rest) = path.split_once('@')?;
    let mut letters = user.chars();
    let is_user = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    is_user.then_some(rest)
}

fn without_prefix<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    path.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix))?;
    path.get(prefix.len()..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_told_from_directories_as_kustomize_tells_them() {
        for (path, is_one) in [
            ("https://example.com/a.yaml", false),
            ("https://example.com/org/repository", true),
            ("https://example.com/org", false),
            ("HTTP://example.com/org/repository/deep?ref=v1", true),
            ("ssh://git@example.com/a", false),
            ("ssh://git@example.com/a/b", true),
            ("git@example.com:a/b", true),
            ("git@example.com:a", false),
            ("git@example.com/a/b", true),
            ("user@example.com:org/repository", true),
            ("us_er@example.com:org/repository", false),
            ("git::https://example.com/a/b", true),
            ("GIT::git@example.com:a/b", true),
            ("git::a/b", false),
            ("github.com/org/repository", true),
            ("GitHub.com:org/repository", true),
            ("github.com/org", false),
            ("github.com/org/", true),
            ("github.com", false),
            ("github.com/", false),
            ("gh:org/repository", false),
            ("example.com/org/repository?ref=main", false),
            ("example.com/org/repository.git", false),
            ("file:///etc/passwd", true),
            ("file://", false),
            ("file://x", true),
            ("/github.com/org/repository", false),
            ("a.yaml", false),
            ("../base", false),
            ("a@b/c", false),
            ("a@b/c/d", true),
            ("a@b", false),
            ("a@:b/c", false),
            ("a@/b/c", true),
            ("github.com.yaml", false),
            ("a:b/c", false),
            ("https://", false),
            ("https:///", false),
            ("https:///a/b", true),
            ("https://host", false),
            ("https://host/_git/x", true),
            ("https://host/_git/", true),
            ("https://host//x", true),
            ("https://host/a//../x", false),
            ("https://host/a//b/../../x", false),
            ("https://host/a/b/../x", false),
            ("https://host/a/b/c/../../x", false),
            ("https://host/a.git/../x", false),
            ("https://host/a.git", true),
            ("https://host/.git", true),
            ("https://host/.git/x", true),
            ("a@host:8080/x/y", true),
            ("a@host/x:y/z", true),
            ("git@github.com/org/repository", true),
            ("git@github.com:", false),
            ("https://github.com/org/repository//", true),
            ("https://host/a/b///../x", false),
            ("", false),
            ("?ref=main", false),
            ("a-b@c/d/e", true),
            ("1a@c/d/e", false),
        ] {
            assert_eq!(is_repository(path), is_one, "{path}");
        }
    }

    #[test]
    fn urls_are_what_begins_like_one() {
        for (path, is_one) in
            [("https://a", true), ("HTTP:a", true), ("http", false), ("ssh://a/b/c", false), ("./https://a", false)]
        {
            assert_eq!(is_url(path), is_one, "{path}");
        }
    }
}
