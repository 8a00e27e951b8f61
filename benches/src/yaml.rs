//! 5 MB of YAML to generic values.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use thalweg_yaml::Limits;
use thalweg_yaml::kyaml::ReadOptions;

use crate::clock::median;
use crate::programs::Programs;
use crate::table::{Table, mebibytes};
use crate::tree;

const BYTES: usize = 5_000_000;
const TIMES: usize = 11;

pub(crate) fn measure(programs: &Programs, table: &mut Table) -> Result<()> {
    let text = list(BYTES)?;
    let file = std::env::temp_dir().join(format!("thalweg-benches-{}.yaml", std::process::id()));
    std::fs::write(&file, &text).with_context(|| format!("writing {}", file.display()))?;
    let measured = measure_file(programs, &text, &file, table);
    std::fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
    measured
}

fn measure_file(programs: &Programs, text: &str, file: &Path, table: &mut Table) -> Result<()> {
    let limits = Limits::default();
    let ours = median(TIMES, || thalweg_yaml::read("list.yaml", text.as_bytes(), &limits));
    let kyaml = median(TIMES, || thalweg_yaml::kyaml::read("list.yaml", text.as_bytes(), &ReadOptions::default()));
    let sigs = programs.sigs_yaml(file, TIMES)?;
    let norway = median(TIMES, || serde_yaml::from_str::<serde_yaml::Value>(text));
    table.times("5 MB of YAML; sigs.k8s.io/yaml", ours, Some(sigs), "≥ 5 ×");
    table.times("5 MB of YAML; serde_norway", ours, Some(norway), "≥ 1.5 ×");
    table.times("5 MB of YAML as kustomize reads it; sigs.k8s.io/yaml", kyaml, Some(sigs), "");
    let this = std::env::current_exe().context("finding this program")?;
    let alone = |what: &str| programs.peak([this.clone().into(), what.into(), file.into()]);
    let (reading, holding) = (alone("read")?, alone("hold")?);
    let times = reading.saturating_sub(holding) as f64 / text.len() as f64;
    table.line(
        "memory for 5 MB of YAML",
        mebibytes(reading - holding),
        "",
        &format!("{times:.1} × the input"),
        "≤ 8 ×",
    );
    Ok(())
}

/// Reads a file, and holds what it says.
pub(crate) fn read(file: &Path) -> Result<()> {
    let text = std::fs::read(file)?;
    std::hint::black_box(thalweg_yaml::read("list.yaml", &text, &Limits::default())?);
    Ok(())
}

/// A list of the objects of the largest tree, as often as it takes.
fn list(bytes: usize) -> Result<String> {
    let files = tree::read(4000)?;
    let objects: Vec<&str> = files
        .iter()
        .filter(|(path, _)| path.starts_with("base/web"))
        .map(|(_, content)| std::str::from_utf8(content))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flat_map(|text| text.split("---\n"))
        .collect();
    let mut text = "apiVersion: v1\nkind: List\nitems:\n".to_owned();
    for object in objects.iter().cycle() {
        if text.len() >= bytes {
            break;
        }
        for (number, line) in object.lines().enumerate() {
            writeln!(text, "{}{line}", if number == 0 { "- " } else { "  " })?;
        }
    }
    Ok(text)
}
