//! An archive as files in memory, or the reason why it is refused.
//!
//! Regular files and folders only. Symbolic links are skipped, as Flux skips them; everything else that a tar archive can
//! hold, and everything that two readers could read in two ways, is an error: a digest then stands for one set of files.

use std::{collections::BTreeMap, io::Read};

use bytes::Bytes;
use flate2::bufread::GzDecoder;

use crate::{ArchiveError, Files, Limits, path};

const BLOCK: usize = 512;

/// The files of a gzip-compressed tar archive.
pub fn unpack(archive: &[u8], limits: &Limits) -> Result<Files, ArchiveError> {
    let content = decompress(archive, limits.content_bytes_max)?;
    let mut reader = Reader { content, offset: 0, limits, long_name: None, seen: BTreeMap::new() };
    while reader.entry()? {}
    reader.finish()
}

fn decompress(archive: &[u8], bytes_max: u64) -> Result<Bytes, ArchiveError> {
    let mut decoder = GzDecoder::new(archive);
    let mut content = Vec::new();
    decoder.by_ref().take(bytes_max + 1).read_to_end(&mut content).map_err(ArchiveError::Decompress)?;
    if content.len() as u64 > bytes_max {
        return Err(ArchiveError::Limit { what: "the size of the artifact's files", limit: bytes_max, unit: "bytes" });
    }
    if !decoder.into_inner().is_empty() {
        return Err(ArchiveError::Malformed { offset: content.len(), reason: "something follows the gzip stream" });
    }
    Ok(content.into())
}

struct Reader<'a> {
    content: Bytes,
    offset: usize,
    limits: &'a Limits,
    /// The path that a PAX header gave for the next entry.
    long_name: Option<String>,
    /// Every name so far.
    seen: BTreeMap<String, Entry>,
}

enum Entry {
    Folder,
    Link,
    File(Bytes),
}

impl Reader<'_> {
    /// Reads one entry; false at the end of the archive.
    fn entry(&mut self) -> Result<bool, ArchiveError> {
        let header = self.take(BLOCK)?;
        if header.iter().all(|byte| *byte == 0) {
            return self.end().map(|()| false);
        }
        let header = Header::parse(&header).map_err(|reason| self.malformed(reason))?;
        let data = self.take(header.size)?;
        self.take(header.size.next_multiple_of(BLOCK) - header.size)?;
        if header.kind == b'x' {
            self.long_name = Some(self.pax(&data)?);
            return Ok(true);
        }
        let name = self.long_name.take().unwrap_or(header.name);
        let value = match header.kind {
            b'0' | 0 => Entry::File(data),
            b'5' if header.size == 0 => Entry::Folder,
            b'2' if header.size == 0 => Entry::Link,
            b'5' | b'2' => return Err(refused(&name, "it is not a file, but has contents")),
            _ => return Err(refused(&name, "it is neither a regular file nor a folder")),
        };
        self.insert(name, value)?;
        Ok(true)
    }

    fn insert(&mut self, name: String, value: Entry) -> Result<(), ArchiveError> {
        let mut plain = name.strip_prefix("./").unwrap_or(&name);
        if matches!(value, Entry::Folder) {
            if matches!(name.as_str(), "." | "./") {
                return Ok(());
            }
            plain = plain.strip_suffix('/').unwrap_or(plain);
        }
        path::entry(plain, self.limits.path_bytes_max).map_err(|reason| refused(&name, reason))?;
        if self.seen.len() >= self.limits.entries_max {
            let (what, limit) = ("the number of files and folders of the artifact", self.limits.entries_max as u64);
            return Err(ArchiveError::Limit { what, limit, unit: "entries" });
        }
        match self.seen.insert(plain.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(refused(&name, "it occurs twice")),
        }
    }

    /// The path in a PAX header. A size there could hide entries from other readers; times and owners say nothing here.
    fn pax(&self, data: &[u8]) -> Result<String, ArchiveError> {
        let malformed = |reason| self.malformed(reason);
        if self.long_name.is_some() {
            return Err(malformed("two PAX headers in a row"));
        }
        let mut text = std::str::from_utf8(data).map_err(|_| malformed("a PAX header that is not UTF-8"))?;
        let mut path = None;
        while !text.is_empty() {
            let (digits, _) = text.split_once(' ').ok_or_else(|| malformed("a malformed PAX record"))?;
            let length = digits.parse::<usize>().ok().filter(|length| *length > digits.len() + 1);
            let split = length.and_then(|length| text.split_at_checked(length));
            let (record, rest) = split.ok_or_else(|| malformed("a malformed PAX record"))?;
            let record = record[digits.len() + 1..].strip_suffix('\n').and_then(|record| record.split_once('='));
            match record.ok_or_else(|| malformed("a malformed PAX record"))? {
                ("path", value) if path.is_none() => path = Some(value.to_owned()),
                ("mtime" | "atime" | "ctime" | "uid" | "gid" | "uname" | "gname" | "comment", _) => {}
                _ => return Err(malformed("a PAX record that may not be in an artifact")),
            }
            text = rest;
        }
        path.ok_or_else(|| malformed("a PAX header without a path"))
    }

    /// The end is two zero blocks and zeros after them: nothing may hide behind it.
    fn end(&mut self) -> Result<(), ArchiveError> {
        if self.long_name.is_some() {
            return Err(self.malformed("a PAX header without an entry"));
        }
        self.take(BLOCK)?;
        let rest = self.content.slice(self.offset - BLOCK..);
        if rest.iter().any(|byte| *byte != 0) {
            return Err(self.malformed("something follows the end of the archive"));
        }
        Ok(())
    }

    fn finish(self) -> Result<Files, ArchiveError> {
        for (name, _) in self.seen.iter().filter(|(_, entry)| !matches!(entry, Entry::Folder)) {
            let inside = format!("{name}/");
            if self.seen.range(inside.clone()..).next().is_some_and(|(next, _)| next.starts_with(&inside)) {
                return Err(refused(name, "it is both a folder and something else"));
            }
        }
        let file = |(name, entry)| match entry {
            Entry::File(bytes) => Some((name, bytes)),
            Entry::Folder | Entry::Link => None,
        };
        Ok(self.seen.into_iter().filter_map(file).collect())
    }

    fn take(&mut self, length: usize) -> Result<Bytes, ArchiveError> {
        let end = self.offset.checked_add(length).filter(|end| *end <= self.content.len());
        let end = end.ok_or_else(|| self.malformed("the archive breaks off"))?;
        let taken = self.content.slice(self.offset..end);
        self.offset = end;
        Ok(taken)
    }

    fn malformed(&self, reason: &'static str) -> ArchiveError {
        ArchiveError::Malformed { offset: self.offset, reason }
    }
}

struct Header {
    name: String,
    kind: u8,
    size: usize,
}

impl Header {
    fn parse(block: &[u8]) -> Result<Header, &'static str> {
        let sum = |block: &[u8]| block.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        let expected = sum(&block[..148]) + 8 * u64::from(b' ') + sum(&block[156..]);
        if octal(&block[148..156]) != Some(expected) {
            return Err("a header whose checksum is wrong");
        }
        if &block[257..262] != b"ustar" {
            return Err("a header that is not USTAR");
        }
        let size = octal(&block[124..136]).and_then(|size| usize::try_from(size).ok()).ok_or("a malformed size")?;
        let text = |bytes: &[u8]| {
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            String::from_utf8(bytes[..end].to_vec()).map_err(|_| "a name that is not UTF-8")
        };
        let (name, prefix) = (text(&block[..100])?, text(&block[345..500])?);
        // GNU's own format keeps other things where USTAR keeps the prefix.
        let is_ustar = &block[257..263] == b"ustar\0";
        let name = if prefix.is_empty() || !is_ustar { name } else { format!("{prefix}/{name}") };
        Ok(Header { name, kind: block[156], size })
    }
}

/// Octal digits, padded with spaces or NUL. GNU's binary numbers are not needed for what fits in memory.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| u64::from_str_radix(text, 8).ok()).flatten()
}

fn refused(name: &str, reason: &'static str) -> ArchiveError {
    ArchiveError::Refused { path: name.escape_debug().take(256).collect(), reason }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::archive::tests::{Files as Source, archive};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    type Build<'a> = &'a dyn Fn(&mut tar::Builder<Vec<u8>>);

    fn built(build: Build<'_>) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        build(&mut builder);
        gzip(&builder.into_inner().unwrap())
    }

    /// Writes an entry whose name is not checked by the library.
    fn put(builder: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, name: &str, data: &str) {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, data.as_bytes()).unwrap();
    }

    fn check(build: Build<'_>, expected: &str) {
        let outcome = unpack(&built(build), &Limits { entries_max: 8, ..Limits::default() });
        let actual = match outcome {
            Ok(files) => format!("{:?}", files.keys().collect::<Vec<_>>()),
            Err(error) => error.to_string(),
        };
        assert_eq!(actual, expected);
    }

    #[test]
    fn what_is_published_can_be_read() {
        let source = Source::new(&[("a.yaml", "a"), ("deep/b.yaml", ""), ("deep/run.sh", "#!")]);
        let files = unpack(&archive(&source, None).0, &Limits::default()).unwrap();
        let text: Vec<_> =
            files.iter().map(|(path, bytes)| (path.as_str(), std::str::from_utf8(bytes).unwrap())).collect();
        assert_eq!(text, [("a.yaml", "a"), ("deep/b.yaml", ""), ("deep/run.sh", "#!")]);
    }

    #[test]
    fn entries_are_files_and_folders_alone() {
        use tar::EntryType as Kind;
        check(&|b| put(b, Kind::Regular, "./a", "x"), r#"["a"]"#);
        check(&|b| put(b, Kind::Directory, "./", ""), "[]");
        check(&|b| put(b, Kind::Directory, "a/", ""), "[]");
        check(&|b| put(b, Kind::Symlink, "a", ""), "[]");
        for kind in [
            Kind::Link,
            Kind::Char,
            Kind::Block,
            Kind::Fifo,
            Kind::GNUSparse,
            Kind::GNULongName,
            Kind::GNULongLink,
            Kind::Continuous,
            Kind::XGlobalHeader,
        ] {
            check(
                &|b| put(b, kind, "a", ""),
                "the artifact's entry 'a' is refused: it is neither a regular file nor a folder",
            );
        }
        check(
            &|b| put(b, Kind::Directory, "a", "x"),
            "the artifact's entry 'a' is refused: it is not a file, but has contents",
        );
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for (name, reason) in [
            ("../a", "it leads elsewhere"),
            ("a/../../b", "it leads elsewhere"),
            ("a/./b", "it leads elsewhere"),
            ("/etc/passwd", "it is absolute or has an empty component"),
            ("a//b", "it is absolute or has an empty component"),
            ("a/", "it is absolute or has an empty component"),
            ("a\\b", "it holds a backslash"),
        ] {
            let shown = name.escape_debug();
            check(
                &|b| put(b, tar::EntryType::Regular, name, ""),
                &format!("the artifact's entry '{shown}' is refused: {reason}"),
            );
        }
        check(
            &|b| put(b, tar::EntryType::Directory, "/", ""),
            "the artifact's entry '/' is refused: it is absolute or has an empty component",
        );
    }

    #[test]
    fn one_name_means_one_file() {
        use tar::EntryType::{Directory, Regular, Symlink};
        for (kinds, names, refused, reason) in [
            ([Regular, Regular], ["a", "a"], "a", "it occurs twice"),
            ([Regular, Regular], ["a", "./a"], "./a", "it occurs twice"),
            ([Regular, Directory], ["a", "a/"], "a/", "it occurs twice"),
            ([Symlink, Regular], ["a", "a"], "a", "it occurs twice"),
            ([Regular, Regular], ["a", "a/b"], "a", "it is both a folder and something else"),
            ([Symlink, Regular], ["a", "a/b"], "a", "it is both a folder and something else"),
            ([Regular, Regular], ["a/b", "a"], "a", "it is both a folder and something else"),
        ] {
            let expected = format!("the artifact's entry '{refused}' is refused: {reason}");
            check(&|b| (0..2).for_each(|at| put(b, kinds[at], names[at], "")), &expected);
        }
        check(&|b| ["a", "a-b", "a.b"].iter().for_each(|name| put(b, Regular, name, "")), r#"["a", "a-b", "a.b"]"#);
    }

    #[test]
    fn pax_headers_name_a_path_and_hide_nothing() {
        use tar::EntryType::{Regular, XHeader};
        let pax = |record: &'static str| {
            move |b: &mut tar::Builder<Vec<u8>>| {
                put(b, XHeader, "PaxHeaders.0/a", record);
                put(b, Regular, "a", "x");
            }
        };
        check(&pax("15 path=longer\n"), r#"["longer"]"#);
        check(&pax("15 path=longer\n11 mtime=1\n"), r#"["longer"]"#);
        check(&pax("14 path=../a/b\n"), "the artifact's archive is refused at byte 1024: a malformed PAX record");
        check(&pax("13 path=../a\n"), "the artifact's entry '../a' is refused: it leads elsewhere");
        check(
            &pax("15 path=longer\n9 size=0\n"),
            "the artifact's archive is refused at byte 1024: a PAX record that may not be in an artifact",
        );
        check(
            &pax("15 linkpath=/x\n"),
            "the artifact's archive is refused at byte 1024: a PAX record that may not be in an artifact",
        );
        check(&pax("99 path=x\n"), "the artifact's archive is refused at byte 1024: a malformed PAX record");
        check(
            &|b| put(b, XHeader, "a", "9 path=x\n"),
            "the artifact's archive is refused at byte 1536: a PAX header without an entry",
        );
    }

    #[test]
    fn limits_and_damage_stop_the_reader() {
        use tar::EntryType::Regular;
        check(
            &|b| (0..9).for_each(|at| put(b, Regular, &at.to_string(), "")),
            "the number of files and folders of the artifact exceeds the limit of 8 entries",
        );
        let bomb = gzip(&vec![0; 1 << 20]);
        let limits = Limits { content_bytes_max: 1000, ..Limits::default() };
        assert_eq!(
            unpack(&bomb, &limits).unwrap_err().to_string(),
            "the size of the artifact's files exceeds the limit of 1000 bytes"
        );
        let whole = archive(&Source::new(&[("a", "text")]), None).0;
        assert!(matches!(unpack(b"not gzip", &limits), Err(ArchiveError::Decompress(_))));
        assert!(matches!(unpack(&whole[..whole.len() - 9], &Limits::default()), Err(ArchiveError::Decompress(_))));
        let trailing = [whole.as_slice(), b"x"].concat();
        assert!(
            unpack(&trailing, &Limits::default())
                .unwrap_err()
                .to_string()
                .ends_with("something follows the gzip stream")
        );
        let plain = decompress(&whole, u64::MAX - 1).unwrap();
        for length in (0..plain.len()).step_by(100) {
            let error = unpack(&gzip(&plain[..length]), &Limits::default());
            assert!(matches!(error, Err(ArchiveError::Malformed { .. })), "cut at {length}: {error:?}");
        }
        let hidden = [&plain[..], &plain[..]].concat();
        assert!(
            unpack(&gzip(&hidden), &Limits::default())
                .unwrap_err()
                .to_string()
                .ends_with("something follows the end of the archive")
        );
        let mut flipped = plain.to_vec();
        flipped[512] ^= 1;
        assert!(
            unpack(&gzip(&flipped), &Limits::default())
                .unwrap_err()
                .to_string()
                .ends_with("a header whose checksum is wrong")
        );
    }
}
