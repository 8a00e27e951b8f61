//! Cases of one object: testdata/kustomize-merge, testdata/yaml-print and testdata/yaml.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{Remade, leave_for_our_message, put};
use crate::program::{program, read, run};
use crate::reference::{MERGE, PRINT};

/// The kubectl whose answers testdata/yaml holds: patches of a version do not change how YAML is read.
const KUBECTL_VERSION: &str = "v1.32.";

/// `target.yaml` and `patch.yaml` → `expected.yaml`, or kustomize's error in `error.txt`.
pub(super) fn remake_merged(case: &Path) -> Result<Remade> {
    let text = |name: &str| std::fs::read_to_string(case.join(name)).with_context(|| format!("reading {name}"));
    let name = case.file_name().unwrap_or_default().to_string_lossy();
    let way = ["selected", "json"].into_iter().find(|way| name.starts_with(way)).unwrap_or("named");
    let answer = ask_merge(&json!({"way": way, "target": text("target.yaml")?, "patch": text("patch.yaml")?}))?;
    let error = answer["error"].as_str().or(answer["printError"].as_str());
    let printed = answer["printed"].as_str().unwrap_or_default();
    put(&case.join("error.txt"), error.map(|error| format!("{}\n", error.trim_end())).as_deref().map(str::as_bytes))?;
    put(&case.join("expected.yaml"), error.is_none().then_some(printed.as_bytes()))?;
    Ok(Remade::Whole)
}

fn ask_merge(question: &Value) -> Result<Value> {
    let mut child = MERGE.command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().context("its input was asked for")?;
    writeln!(input, "{question}")?;
    drop(input);
    let output = child.wait_with_output()?;
    serde_json::from_slice(&output.stdout).context("reading its answer")
}

/// `NAME.yaml` → `NAME.tree`, `NAME.text`, and `NAME.out` or `NAME.error`.
pub(super) fn remake_printed(case: &Path) -> Result<Remade> {
    run(PRINT.command().arg(case))?;
    Ok(Remade::Whole)
}

/// `NAME.yaml` → `NAME.json`, or `NAME.error`, which holds our message.
pub(super) fn remake_read(case: &Path) -> Result<Remade> {
    if let Err(why) = &*KUBECTL {
        bail!("{why}");
    }
    let mut annotate = Command::new("kubectl");
    annotate.args(["annotate", "--local", "-o", "json", "recorded=true", "-f"]).arg(case);
    let output = annotate.output().context("starting kubectl")?;
    let is_read = output.status.success();
    put(&case.with_extension("json"), is_read.then_some(output.stdout.as_slice()))?;
    match is_read {
        true => put(&case.with_extension("error"), None)?,
        false => leave_for_our_message(&case.with_extension("error"))?,
    }
    Ok(Remade::Whole)
}

/// Whether kubectl is the one whose answers are recorded.
static KUBECTL: LazyLock<Result<(), String>> = LazyLock::new(|| {
    let said = read(&mut program("kubectl", &["version", "--client", "--output", "json"]))
        .map_err(|error| format!("kubectl {KUBECTL_VERSION}x is missing: {error:#}"))?;
    let version = serde_json::from_str(&said).unwrap_or(Value::Null)["clientVersion"]["gitVersion"].take();
    match version.as_str() {
        Some(version) if version.starts_with(KUBECTL_VERSION) => Ok(()),
        _ => Err(format!("testdata/yaml holds the answers of kubectl {KUBECTL_VERSION}x; the one here is {version}")),
    }
});
