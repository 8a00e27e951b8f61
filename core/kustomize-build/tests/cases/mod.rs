//! The cases of testdata/kustomize that the reference answers, read from disk.
#![expect(clippy::disallowed_methods, reason = "reads cases")]
#![expect(clippy::unwrap_used, reason = "a test stops where its files are not as expected")]

pub(crate) mod class;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) use class::Class;

/// One folder of testdata/kustomize.
pub(crate) struct Case {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// What lies under `input/`, by path.
    pub(crate) tree: BTreeMap<String, File>,
    /// The directory to build; empty for the root.
    pub(crate) path: String,
    /// Flags of the command besides `--reorder none`.
    pub(crate) flags: Vec<String>,
    /// The Flux Kustomization to build for; without it the case is one of the command's.
    pub(crate) flux: Option<String>,
    /// What the reference said.
    pub(crate) expected: Expected,
    /// What we say when it fails, where a case holds that.
    pub(crate) message: Option<String>,
}

/// What lies at a path.
pub(crate) enum File {
    Content(Vec<u8>),
    /// A symlink, with what it points to as it is written.
    Link(String),
}

/// What the reference said of a case.
pub(crate) enum Expected {
    /// It succeeded and printed this.
    Output(String),
    /// It ended with this status and an error of this class.
    Failure { status: u8, class: Class },
}

impl Case {
    /// The name of its folder.
    pub(crate) fn name(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap()
    }

    /// What the reference wrote to its error output, for a person; empty when it wrote nothing.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.folder.join("stderr.txt")).unwrap_or_default()
    }
}

/// The folder that holds the cases.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/kustomize")
}

/// All cases that the reference answers, in order of their names. What is wrong with a folder is in the error.
pub(crate) fn all() -> Result<Vec<Case>, String> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.retain(|folder| !is_ours(folder));
    folders.into_iter().map(read).collect()
}

/// Whether the reference was not asked: what it cannot say, or has no objection to.
pub(crate) fn is_ours(folder: &Path) -> bool {
    let holds = |name: &str| folder.join(name).exists();
    holds("objects.txt") || holds("message.txt") && !holds("status")
}

fn read(folder: PathBuf) -> Result<Case, String> {
    let text = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let word = |name: &str| text(name).map(|text| text.trim().to_owned());
    let expected = match (text("expected.yaml"), word("status"), word("class")) {
        (Some(output), None, None) => Expected::Output(output),
        (None, Some(status), Some(class)) => Expected::Failure {
            status: status.parse().map_err(|_| format!("{}: status {status}", folder.display()))?,
            class: class_of(&class).ok_or_else(|| format!("{}: class {class}", folder.display()))?,
        },
        _ => return Err(format!("{}: neither expected.yaml alone nor status and class alone", folder.display())),
    };
    let mut tree = BTreeMap::new();
    files(&folder.join("input"), "", &mut tree);
    let flags = text("flags").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let (path, flux, message) = (word("path").unwrap_or_default(), text("flux.yaml"), text("message.txt"));
    Ok(Case { flags, tree, path, flux, expected, message, folder })
}

fn files(folder: &Path, prefix: &str, tree: &mut BTreeMap<String, File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if kind.is_symlink() {
            tree.insert(name, File::Link(fs::read_link(&path).unwrap().to_str().unwrap().to_owned()));
        } else if kind.is_dir() {
            files(&path, &format!("{name}/"), tree);
        } else {
            tree.insert(name, File::Content(fs::read(&path).unwrap()));
        }
    }
}

fn class_of(word: &str) -> Option<Class> {
    Class::ALL.iter().map(|(class, _)| *class).find(|class| class.word() == word)
}
