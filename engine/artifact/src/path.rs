//! Names that cannot lead anywhere else: where artifacts lie, and what lies in them.

use crate::Error;

/// Where the artifacts of one object lie: `<lower-case kind>/<namespace>/<name>` below the storage root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    kind: String,
    namespace: String,
    name: String,
}

impl Place {
    /// The place of an object. Each part must be one plain path component, as the names of Kubernetes objects are.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Result<Place, Error> {
        let kind = kind.to_ascii_lowercase();
        for part in [&kind, namespace, name] {
            component(part)?;
        }
        Ok(Place { kind, namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// The folder, relative to the storage root.
    pub fn folder(&self) -> String {
        let Place { kind, namespace, name } = self;
        format!("{kind}/{namespace}/{name}")
    }

    /// The path of a file of this object, relative to the storage root.
    pub(crate) fn file(&self, name: &str) -> Result<String, Error> {
        component(name)?;
        Ok(format!("{}/{name}", self.folder()))
    }
}

/// Checks that `name` is one visible, plain component of a path.
pub(crate) fn component(name: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b':');
    if name.is_empty() || name.len() > 255 || name.starts_with('.') || !name.bytes().all(plain) {
        return Err(Error::InvalidPlace { name: name.escape_debug().take(256).collect() });
    }
    Ok(())
}

/// Why `path` may not name an entry of an archive, if so.
pub(crate) fn entry(path: &str, path_bytes_max: usize) -> Result<(), &'static str> {
    if path.len() > path_bytes_max {
        return Err("it is too long");
    }
    if path.contains('\0') {
        return Err("it holds a NUL byte");
    }
    if path.contains('\\') {
        return Err("it holds a backslash");
    }
    match path.split('/').find(|component| matches!(*component, "" | "." | "..")) {
        Some("") => Err("it is absolute or has an empty component"),
        Some(_) => Err("it leads elsewhere"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_three_plain_components() {
        assert_eq!(
            Place::new("GitRepository", "flux-system", "a.b-c").unwrap().folder(),
            "gitrepository/flux-system/a.b-c"
        );
        for hostile in ["", ".", "..", "../x", "a/b", "a\\b", ".lock", "a\0", "a\nb", "é", &"a".repeat(256)] {
            assert!(Place::new(hostile, "n", "n").is_err(), "{hostile:?}");
            assert!(Place::new("k", hostile, "n").is_err(), "{hostile:?}");
            assert!(Place::new("k", "n", hostile).is_err(), "{hostile:?}");
            assert!(Place::new("k", "n", "n").unwrap().file(hostile).is_err(), "{hostile:?}");
        }
    }
}
