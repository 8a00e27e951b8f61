//! The tables of core/kustomize-build: what kustomize and kyaml have built in.
//!
//! tests/reference/kustomize-tables, a Go program that pins both, prints them: merge keys, scopes, field specs, name
//! references, the order of kinds; and what kyaml answers about each kind, by which our reading of the tables is judged.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::program::{program, read};
use crate::workspace;

/// The program that prints the tables.
const PROGRAM: &str = "tests/reference/kustomize-tables";

/// Where the tables stand.
const FOLDER: &str = "core/kustomize-build/tables";

/// What is expected of them, and where that stands.
const LOOKUPS: (&str, &str) = ("lookups.txt", "testdata/kustomize-tables");

/// Writes the tables.
pub(super) fn write() -> Result<()> {
    for (path, content) in tables()? {
        std::fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// Fails when writing would change one.
pub(super) fn check() -> Result<()> {
    for (path, content) in tables()? {
        let found = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        if found != content {
            bail!("{} is out of date: run `cargo xtask generate`", path.display());
        }
    }
    Ok(())
}

fn tables() -> Result<Vec<(PathBuf, String)>> {
    let printed = read(program("go", &["run", "."]).current_dir(workspace::root().join(PROGRAM)))
        .with_context(|| format!("asking {PROGRAM} for what kustomize has built in"))?;
    let tables: BTreeMap<String, String> =
        serde_json::from_str(&printed).with_context(|| format!("reading what {PROGRAM} printed"))?;
    let place = |name: &str| workspace::root().join(if name == LOOKUPS.0 { LOOKUPS.1 } else { FOLDER }).join(name);
    Ok(tables.into_iter().map(|(name, content)| (place(&name), content)).collect())
}
