//! A tree of files as one archive: the same files give the same bytes, whatever their order.
//!
//! The format is Flux's: folders and regular files in the order of a walk, USTAR headers (PAX where a name needs it), no
//! times, no owners, modes 0750, 0600 and 0700, then gzip without a name or time.

use std::{collections::BTreeMap, io::Write};

use flate2::{Compression, GzBuilder};

use crate::{
    Error, Limits,
    digest::{Digest, Digesting},
    ignore::{self, Rules},
    path,
};

/// Files that can be listed and read: what an archive is made from.
pub trait Tree {
    /// Why a file could not be read.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Every file's path from the root, with `/`, and whether it is executable. In any order, the same on every call.
    fn files(&self) -> impl Iterator<Item = (&str, bool)>;

    /// The bytes of the file at `index` of [`files`](Tree::files).
    fn read(&self, index: usize) -> Result<Vec<u8>, Self::Error>;
}

/// What was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) digest: String,
    pub(crate) size: u64,
}

enum Entry {
    Folder,
    File { index: usize, executable: bool },
}

/// Writes the files of `tree` that the ignore rules leave.
pub(crate) fn write<T: Tree>(
    tree: &T,
    spec_ignore: Option<&str>,
    limits: &Limits,
    out: impl Write,
) -> Result<Written, Error> {
    let entries = entries(tree)?;
    let rules = Rules::new(&ignore_files(tree, &entries)?, spec_ignore);
    let target = Digesting { inner: out, digest: Digest::sha256(), size: 0 };
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(target, Compression::default());
    let mut archive = Archive { gzip, written: 0, limits };
    archive.append(".", "", b'5', 0o750, &[])?;
    let kept = entries.iter().filter(|(path, entry)| !rules.ignores(path, matches!(entry, Entry::Folder)));
    for (count, (path, entry)) in kept.enumerate() {
        within(
            count as u64 + 1,
            limits.entries_max as u64,
            "the number of files and folders of the artifact",
            "entries",
        )?;
        let path = path.join("/");
        path::entry(&path, limits.path_bytes_max).map_err(|reason| invalid(&path, reason))?;
        match entry {
            Entry::Folder => archive.append(&path, &path, b'5', 0o750, &[])?,
            Entry::File { index, executable } => {
                let mode = if *executable { 0o700 } else { 0o600 };
                archive.append(&path, &path, b'0', mode, &read(tree, *index, &path)?)?;
            }
        }
    }
    archive.finish()
}

/// Files and the folders that lead to them, in the order of a walk: by component, a folder before what it holds.
fn entries<T: Tree>(tree: &T) -> Result<BTreeMap<Vec<&str>, Entry>, Error> {
    let mut entries = BTreeMap::new();
    for (index, (path, executable)) in tree.files().enumerate() {
        let components: Vec<&str> = path.split('/').collect();
        for depth in 1..components.len() {
            let folder = entries.entry(components[..depth].to_vec()).or_insert(Entry::Folder);
            if matches!(folder, Entry::File { .. }) {
                return Err(invalid(path, "one of its folders is a file"));
            }
        }
        if entries.insert(components, Entry::File { index, executable }).is_some() {
            return Err(invalid(path, "it occurs twice"));
        }
    }
    Ok(entries)
}

fn ignore_files<'a, T: Tree>(
    tree: &T,
    entries: &BTreeMap<Vec<&'a str>, Entry>,
) -> Result<Vec<(Vec<&'a str>, String)>, Error> {
    let mut files = Vec::new();
    for (path, entry) in entries {
        let (Some((&ignore::FILE, folder)), Entry::File { index, .. }) = (path.split_last(), entry) else { continue };
        if !folder.contains(&".git") {
            let text = read(tree, *index, &path.join("/"))?;
            files.push((folder.to_vec(), String::from_utf8_lossy(&text).into_owned()));
        }
    }
    files.sort();
    Ok(files)
}

fn read<T: Tree>(tree: &T, index: usize, path: &str) -> Result<Vec<u8>, Error> {
    tree.read(index).map_err(|source| Error::Tree { path: path.to_owned(), source: Box::new(source) })
}

struct Archive<'a, W: Write> {
    gzip: flate2::write::GzEncoder<Digesting<W>>,
    written: u64,
    limits: &'a Limits,
}

impl<W: Write> Archive<'_, W> {
    fn append(&mut self, name: &str, path: &str, kind: u8, mode: u32, data: &[u8]) -> Result<(), Error> {
        match split(name) {
            Some((prefix, name)) => self.block(name, prefix, kind, mode, data),
            None => {
                let short: String = path.chars().filter(char::is_ascii).take(80).collect();
                let record = pax_record("path", path);
                self.block(&format!("PaxHeaders.0/{short}"), "", b'x', 0, record.as_bytes())?;
                self.block(&short, "", kind, mode, data)
            }
        }
    }

    fn block(&mut self, name: &str, prefix: &str, kind: u8, mode: u32, data: &[u8]) -> Result<(), Error> {
        self.put(&header(name, prefix, kind, mode, data.len() as u64))?;
        self.put(data)?;
        self.put(&[0; 512][..data.len().next_multiple_of(512) - data.len()])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.written += bytes.len() as u64;
        within(self.written, self.limits.content_bytes_max, "the size of the artifact's files", "bytes")?;
        self.gzip.write_all(bytes).map_err(Error::Archive)?;
        within(self.gzip.get_ref().size, self.limits.archive_bytes_max, "the size of the artifact", "bytes")
    }

    fn finish(mut self) -> Result<Written, Error> {
        self.put(&[0; 1024])?;
        let Digesting { mut inner, digest, size } = self.gzip.finish().map_err(Error::Archive)?;
        inner.flush().map_err(Error::Archive)?;
        within(size, self.limits.archive_bytes_max, "the size of the artifact", "bytes")?;
        Ok(Written { digest: digest.finish(), size })
    }
}

/// A name as USTAR holds it: up to 100 bytes, and up to 155 more of folders before it. None if it needs PAX.
fn split(name: &str) -> Option<(&str, &str)> {
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= 100 {
        return Some(("", name));
    }
    let at = name.get(..name.len().min(156))?.rfind('/')?;
    let (prefix, rest) = (&name[..at], &name[at + 1..]);
    (rest.len() <= 100 && !prefix.is_empty()).then_some((prefix, rest))
}

fn header(name: &str, prefix: &str, kind: u8, mode: u32, size: u64) -> [u8; 512] {
    let mut block = [0; 512];
    let mut field = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    field(0, name);
    field(100, &format!("{mode:07o}"));
    field(108, "0000000");
    field(116, "0000000");
    field(124, &format!("{size:011o}"));
    field(136, "00000000000");
    field(148, "        ");
    field(257, "ustar\u{0}00");
    field(329, "0000000");
    field(337, "0000000");
    field(345, prefix);
    block[156] = kind;
    let checksum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{checksum:06o}\u{0} ").as_bytes());
    block
}

/// `<length> <key>=<value>\n`, where the length counts its own digits.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

fn within(amount: u64, limit: u64, what: &'static str, unit: &'static str) -> Result<(), Error> {
    if amount <= limit { Ok(()) } else { Err(Error::Limit { what, limit, unit }) }
}

fn invalid(path: &str, reason: &'static str) -> Error {
    Error::InvalidPath { path: path.escape_debug().take(256).collect(), reason }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Files as (path, text, executable).
    pub(crate) struct Files(pub(crate) Vec<(String, String, bool)>);

    impl Files {
        pub(crate) fn new(files: &[(&str, &str)]) -> Files {
            Files(files.iter().map(|(path, text)| ((*path).into(), (*text).into(), path.ends_with(".sh"))).collect())
        }
    }

    impl Tree for Files {
        type Error = std::convert::Infallible;

        fn files(&self) -> impl Iterator<Item = (&str, bool)> {
            self.0.iter().map(|(path, _, executable)| (path.as_str(), *executable))
        }

        fn read(&self, index: usize) -> Result<Vec<u8>, Self::Error> {
            Ok(self.0[index].1.clone().into())
        }
    }

    pub(crate) fn archive(files: &Files, ignore: Option<&str>) -> (Vec<u8>, Written) {
        let mut bytes = Vec::new();
        let written = write(files, ignore, &Limits::default(), &mut bytes).unwrap();
        (bytes, written)
    }

    /// What another reader of archives finds: `mode kind path`.
    fn listing(bytes: &[u8]) -> Vec<String> {
        let mut archive = tar::Archive::new(flate2::bufread::GzDecoder::new(bytes));
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let (header, path) = (entry.header(), String::from_utf8(entry.path_bytes().into_owned()).unwrap());
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 0));
            let kind = if header.entry_type().is_dir() { "d" } else { "f" };
            format!("{:o} {kind} {path}", header.mode().unwrap())
        });
        entries.collect()
    }

    #[test]
    fn the_order_of_files_never_matters() {
        let files = [("b.yaml", "b"), ("a/z", "z"), ("a-b", "x"), ("a/b/run.sh", "#!"), ("a/b.yaml", "y")];
        let (bytes, written) = archive(&Files::new(&files), None);
        let mut reversed = files;
        reversed.reverse();
        assert_eq!(archive(&Files::new(&reversed), None), (bytes.clone(), Written { ..written }));
        let walk = [
            "750 d .",
            "750 d a",
            "750 d a/b",
            "700 f a/b/run.sh",
            "600 f a/b.yaml",
            "600 f a/z",
            "600 f a-b",
            "600 f b.yaml",
        ];
        assert_eq!(listing(&bytes), walk);
        assert_eq!(&bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], "no name, no time, no system");
    }

    #[test]
    fn ignored_files_and_folders_stay_out() {
        let files = Files::new(&[
            ("deploy/a.yaml", ""),
            ("deploy/.sourceignore", "secret/\n"),
            ("deploy/secret/x", ""),
            ("docs/x.md", ""),
            (".gitignore", ""),
        ]);
        let (bytes, _) = archive(&files, Some("docs/"));
        assert_eq!(listing(&bytes), ["750 d .", "750 d deploy", "600 f deploy/.sourceignore", "600 f deploy/a.yaml"]);
    }

    #[test]
    fn long_and_foreign_names_are_kept_whole() {
        let paths = [
            "x".repeat(100),
            "y".repeat(101),
            format!("{}/{}", "d".repeat(155), "f".repeat(100)),
            format!("{}/{}", "e".repeat(156), "f".repeat(10)),
            format!("{}ü.yaml", "ö/".repeat(200)),
        ];
        for path in paths {
            let (bytes, _) = archive(&Files::new(&[(&path, "text")]), None);
            assert!(listing(&bytes).contains(&format!("600 f {path}")), "{path}");
            let files = crate::unpack(&bytes, &Limits::default()).unwrap();
            assert_eq!(files.get(&path).map(|bytes| &bytes[..]), Some(&b"text"[..]), "{path}");
        }
    }

    #[test]
    fn what_a_reader_would_refuse_is_not_written() {
        let small = Limits { archive_bytes_max: 4096, content_bytes_max: 8192, entries_max: 3, path_bytes_max: 10 };
        let large = "x".repeat(9000);
        for (files, expected) in [
            (vec![("../x", "")], "the path '..' cannot be in an artifact: it leads elsewhere"),
            (vec![("/x", "")], "the path '' cannot be in an artifact: it is absolute or has an empty component"),
            (vec![("a\\b", "")], "the path 'a\\\\b' cannot be in an artifact: it holds a backslash"),
            (vec![("a", ""), ("a", "")], "the path 'a' cannot be in an artifact: it occurs twice"),
            (vec![("a", ""), ("a/b", "")], "the path 'a/b' cannot be in an artifact: one of its folders is a file"),
            (vec![("a/b", ""), ("a", "")], "the path 'a' cannot be in an artifact: it occurs twice"),
            (vec![("a23456789012", "")], "the path 'a23456789012' cannot be in an artifact: it is too long"),
            (vec![("a/b/c/d", "")], "the number of files and folders of the artifact exceeds the limit of 3 entries"),
            (vec![("a", &large)], "the size of the artifact's files exceeds the limit of 8192 bytes"),
        ] {
            let error = write(&Files::new(&files), None, &small, Vec::new()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        assert!(
            write(&Files::new(&[("a\\b", "")]), Some("a*"), &small, Vec::new()).is_ok(),
            "ignored files do not matter"
        );
    }
}
