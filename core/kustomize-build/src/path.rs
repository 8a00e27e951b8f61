//! Paths as they are written, and as the tree knows them.

/// `path` seen from `directory`, without `.` and `..`; none when it leaves the root.
pub(crate) fn join(directory: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The path of a spec from the root: a leading slash means the root, and `..` stops there, as in Flux.
pub(crate) fn from_root(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The path of `name` in `directory`.
pub(crate) fn child(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// The directory that holds what is at `path`; the root holds itself.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Whether `path` is `other` or lies below it.
pub(crate) fn is_within(path: &str, other: &str) -> bool {
    other.is_empty() || path == other || path.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leaves_the_root() {
        for (directory, path, joined) in [
            ("", "a", Some("a")),
            ("a/b", "c", Some("a/b/c")),
            ("a/b", "../c/./d/", Some("a/c/d")),
            ("a/b", "../..", Some("")),
            ("a/b", "../../../c", None),
            ("a", "x/../../../a/b", None),
            ("a", ".//b", Some("a/b")),
        ] {
            assert_eq!(join(directory, path).as_deref(), joined, "{path} from {directory}");
        }
        for (path, cleaned) in [("", ""), ("./", ""), ("/", ""), ("./a/b/", "a/b"), ("/a", "a"), ("../../a", "a")] {
            assert_eq!(from_root(path), cleaned);
        }
    }
}
