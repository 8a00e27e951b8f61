//! The trees of `benches/trees`: a base and overlays with namespace, prefix, labels, an image, a generator and patches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The files of a tree, by their paths.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The overlay that every tree has.
pub(crate) const OVERLAY: &str = "production";

/// The folder of the tree with so many objects.
pub(crate) fn folder(objects: usize) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("trees").join(objects.to_string())
}

/// The tree with so many objects.
pub(crate) fn read(objects: usize) -> Result<Files> {
    let mut files = Files::new();
    let folder = folder(objects);
    gather(&folder, "", &mut files).with_context(|| format!("reading {}", folder.display()))?;
    Ok(files)
}

fn gather(folder: &Path, below: &str, files: &mut Files) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.insert(path, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}
