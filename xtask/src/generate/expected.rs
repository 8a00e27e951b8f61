//! The expected files of testdata/ that reference tools make: programs of tests/reference, and kubectl.
//!
//! Each folder of cases has one that remakes a case. Where the tool refuses, its own words are kept for a person to read, or
//! the file that holds our message (`UPDATE_EXPECT=1 cargo test` writes that one).

mod builds;
mod objects;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};

use crate::reference::{self, Program};
use crate::terminal::{note, step};
use crate::workspace;

/// Cases, and who judges them.
struct Folder {
    path: &'static str,
    /// A person's word for the judge.
    judge: &'static str,
    /// Those of tests/reference that it asks.
    programs: &'static [&'static Program],
    /// The file that every case has: beside others in a folder of its own, or the only one of its name with this ending.
    shape: Shape,
    remake: fn(&Path) -> Result<Remade>,
}

enum Shape {
    /// A folder a case, in which this file or folder is.
    FolderWith(&'static str),
    /// `NAME.yaml` a case.
    Yaml,
}

const FOLDERS: [Folder; 4] = [
    Folder {
        path: "testdata/kustomize",
        judge: "kustomize v5.8.1, fluxcd/pkg/kustomize for cases with flux.yaml",
        programs: &[&reference::KUSTOMIZE, &reference::FLUX_KUSTOMIZE],
        shape: Shape::FolderWith("input"),
        remake: builds::remake,
    },
    Folder {
        path: "testdata/kustomize-merge",
        judge: "the packages of kustomize v5.8.1",
        programs: &[&reference::MERGE],
        shape: Shape::FolderWith("patch.yaml"),
        remake: objects::remake_merged,
    },
    Folder {
        path: "testdata/yaml-print",
        judge: "the packages of kustomize v5.8.1",
        programs: &[&reference::PRINT],
        shape: Shape::Yaml,
        remake: objects::remake_printed,
    },
    Folder {
        path: "testdata/yaml",
        judge: "kubectl v1.32",
        programs: &[],
        shape: Shape::Yaml,
        remake: objects::remake_read,
    },
];

/// What became of a case.
#[derive(PartialEq, Eq)]
enum Remade {
    Whole,
    /// The build fails and nobody has said yet what kind of error it is.
    WithoutClass,
    /// Its files are ours.
    LeftAlone,
}

/// Builds the references and remakes the expected files of the cases whose name begins with `prefix`.
pub(super) fn write(prefix: &str) -> Result<()> {
    let folders = FOLDERS.iter().map(|folder| Ok((folder, folder.cases(prefix)?))).collect::<Result<Vec<_>>>()?;
    if folders.iter().all(|(_, cases)| cases.is_empty()) {
        bail!("no case of testdata/ that a reference tool judges has a name that begins with {prefix:?}");
    }
    for (folder, cases) in folders.iter().filter(|(_, cases)| !cases.is_empty()) {
        reference::build(folder.programs)?;
        step(&format!("expected files of {}, by {}", folder.path, folder.judge), || folder.remake_all(cases))?;
    }
    Ok(())
}

impl Folder {
    fn cases(&self, prefix: &str) -> Result<Vec<PathBuf>> {
        let root = workspace::root().join(self.path);
        let mut cases = Vec::new();
        for entry in std::fs::read_dir(&root).with_context(|| format!("reading {}", root.display()))? {
            let entry = entry?;
            let is_case = match self.shape {
                Shape::FolderWith(file) => entry.path().join(file).exists(),
                Shape::Yaml => entry.path().extension().is_some_and(|ending| ending == "yaml"),
            };
            if is_case && entry.file_name().to_string_lossy().starts_with(prefix) {
                cases.push(entry.path());
            }
        }
        cases.sort();
        Ok(cases)
    }

    fn remake_all(&self, cases: &[PathBuf]) -> Result<()> {
        let answers =
            in_parallel(cases, |case| (self.remake)(case).with_context(|| format!("case {}", case.display())));
        let (mut unjudged, mut remade) = (Vec::new(), 0);
        for (case, answer) in cases.iter().zip(answers) {
            let answer = answer?;
            remade += usize::from(answer != Remade::LeftAlone);
            if answer == Remade::WithoutClass {
                unjudged.push(case.file_name().unwrap_or_default().display().to_string());
            }
        }
        note(&format!("{remade} cases"));
        if !unjudged.is_empty() {
            bail!(
                "these fail: read their stderr.txt and write the class of the error to `class`: {}",
                unjudged.join(" ")
            );
        }
        Ok(())
    }
}

/// The answers in the order of the cases, found on all cores.
fn in_parallel<T: Send>(cases: &[PathBuf], work: impl Fn(&Path) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let share = || {
        let mut done = Vec::new();
        while let Some((index, case)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, cases.get(i)?)))
        {
            done.push((index, work(case)));
        }
        done
    };
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let mut answers: Vec<(usize, T)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(share)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a worker hands errors back")).collect()
    });
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Writes the file, or sees that there is none.
fn put(path: &Path, content: Option<&[u8]>) -> Result<()> {
    let done = match content {
        Some(content) => std::fs::write(path, content),
        None if path.exists() => std::fs::remove_file(path),
        None => Ok(()),
    };
    done.with_context(|| format!("writing {}", path.display()))
}

/// Sees that there is a file for our message, which no tool makes.
fn leave_for_our_message(path: &Path) -> Result<()> {
    if path.exists() { Ok(()) } else { put(path, Some(b"")) }
}
