//! The cases of testdata/ as inputs of the targets (fuzz/src says what an input is).

use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace;

/// Larger cases teach a fuzzer little, slowly.
const SEED_BYTES_MAX: usize = 20_000;

/// Writes the seeds of a target into a folder.
pub(super) fn write(target: &str, into: &Path) -> Result<()> {
    let seeds = match target {
        "yaml" => texts()?,
        "kustomization" => trees()?,
        _ => patches()?,
    };
    for (index, seed) in seeds.iter().filter(|seed| seed.len() <= SEED_BYTES_MAX).enumerate() {
        let path = into.join(index.to_string());
        std::fs::write(&path, seed).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

fn texts() -> Result<Vec<Vec<u8>>> {
    let mut texts = Vec::new();
    for folder in ["testdata/yaml", "testdata/yaml-print", "testdata/kustomize"] {
        files(&workspace::root().join(folder), "", &mut |path, file| {
            if let (true, File::Content(content)) = (path.ends_with("yaml") && !path.ends_with("expected.yaml"), file) {
                texts.push(content);
            }
        })?;
    }
    Ok(texts)
}

fn trees() -> Result<Vec<Vec<u8>>> {
    let mut trees = Vec::new();
    for case in folders("testdata/kustomize")? {
        let path = std::fs::read_to_string(case.join("path")).unwrap_or_default();
        let words = if case.join("flux.yaml").exists() { " flux unrestricted" } else { "" };
        let mut tree = format!("{}{words}\n", path.trim()).into_bytes();
        files(&case.join("input"), "", &mut |path, file| match file {
            File::Link(target) => tree.extend(format!("-- {path} -> {target} --\n").bytes()),
            File::Content(content) => {
                tree.extend(format!("-- {path} --\n").bytes());
                tree.extend(&content);
                // The next marker begins a line.
                tree.extend((!content.ends_with(b"\n")).then_some(b'\n'));
            }
        })?;
        trees.push(tree);
    }
    Ok(trees)
}

fn patches() -> Result<Vec<Vec<u8>>> {
    let mut patches = Vec::new();
    for case in folders("testdata/kustomize-merge")? {
        let read = |name: &str| std::fs::read_to_string(case.join(name)).with_context(|| format!("reading {name}"));
        let (target, patch) = (read("target.yaml")?, read("patch.yaml")?);
        for way in 0..4 {
            patches.push(format!("{way}{target}\n-- patch --\n{patch}").into_bytes());
        }
    }
    Ok(patches)
}

enum File {
    Content(Vec<u8>),
    Link(String),
}

/// Calls with each file below a folder and its path from there.
fn files(folder: &Path, prefix: &str, each: &mut impl FnMut(&str, File)) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = format!("{prefix}{}", entry.file_name().display());
        if kind.is_symlink() {
            each(&name, File::Link(std::fs::read_link(path)?.display().to_string()));
        } else if kind.is_dir() {
            files(&path, &format!("{name}/"), &mut *each)?;
        } else {
            each(&name, File::Content(std::fs::read(path)?));
        }
    }
    Ok(())
}

fn folders(path: &str) -> Result<Vec<std::path::PathBuf>> {
    let root = workspace::root().join(path);
    let entries = std::fs::read_dir(&root).with_context(|| format!("reading {}", root.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}
