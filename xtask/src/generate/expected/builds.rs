//! Cases of whole builds: testdata/kustomize.
//!
//! A case is built in a process of its own: kustomize keeps the schemas that it has read for as long as it runs.

use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result};

use super::{Remade, put};
use crate::program::{program, run};
use crate::reference::{FLUX_KUSTOMIZE, KUSTOMIZE};

/// What a build reads under `input/` is told from here, wherever the repository lies.
const TREE_SHOWN: &str = "/tree";

/// From here on a crash of Go's shows where it was.
const STACK: &str = "goroutine ";

/// Hexadecimal numbers with fewer digits are no addresses.
const ADDRESS_DIGITS_MIN: usize = 8;

/// Said because `--reorder` is given, the second with the time of day.
const FLAG_WARNINGS: [&str; 2] = ["Flag --reorder has been deprecated", "Warning: Sorting order is set both in "];

/// Cases with `objects.txt`, or with `message.txt` and no answer of the reference, are ours.
pub(super) fn remake(case: &Path) -> Result<Remade> {
    let holds = |file: &str| case.join(file).exists();
    if holds("objects.txt") || holds("message.txt") && !holds("status") {
        return Ok(Remade::LeftAlone);
    }
    let path = std::fs::read_to_string(case.join("path")).unwrap_or_default();
    let path = if path.trim().is_empty() { "." } else { path.trim() };
    let flags = std::fs::read_to_string(case.join("flags")).unwrap_or_default();
    let answer = if case.join("flux.yaml").exists() {
        by_flux(case, path)?
    } else {
        by_kustomize(&case.join("input"), path, flags.split_whitespace())?
    };
    let Answer { status, stdout, stderr } = answer;
    put(&case.join("stderr.txt"), (!stderr.is_empty()).then_some(stderr.as_bytes()))?;
    if status == 0 {
        put(&case.join("status"), None)?;
        put(&case.join("class"), None)?;
        put(&case.join("expected.yaml"), Some(&stdout))?;
        return Ok(Remade::Whole);
    }
    put(&case.join("expected.yaml"), None)?;
    put(&case.join("status"), Some(format!("{status}\n").as_bytes()))?;
    Ok(if case.join("class").exists() { Remade::Whole } else { Remade::WithoutClass })
}

struct Answer {
    status: i32,
    stdout: Vec<u8>,
    stderr: String,
}

fn by_kustomize<'f>(tree: &Path, path: &str, flags: impl IntoIterator<Item = &'f str>) -> Result<Answer> {
    let mut build = KUSTOMIZE.command();
    build.args(["build", "--reorder", "none"]).args(flags).arg(path);
    answer(build.current_dir(tree).output()?, tree)
}

/// In a copy, because Flux rewrites the kustomization file.
fn by_flux(case: &Path, path: &str) -> Result<Answer> {
    let name = case.file_name().unwrap_or_default().display();
    let folder = std::env::temp_dir().join(format!("thalweg-{}-{name}", std::process::id()));
    std::fs::create_dir(&folder).with_context(|| format!("making {}", folder.display()))?;
    let copy = folder.join("input");
    run(program("cp", &["-R"]).arg(case.join("input")).arg(&copy))?;
    let mut build = FLUX_KUSTOMIZE.command();
    let output = build.arg(&copy).arg(path).arg(case.join("flux.yaml")).output()?;
    std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    answer(output, &copy)
}

fn answer(output: Output, tree: &Path) -> Result<Answer> {
    let status = output.status.code().context("the reference was killed")?;
    let stderr = String::from_utf8_lossy(&output.stderr).replace(&*tree.to_string_lossy(), TREE_SHOWN);
    // Paths that lead out of the tree.
    let above = tree.parent().unwrap_or(tree).to_string_lossy();
    let stderr = stderr.replace(&*above, "");
    let of_the_flag = |line: &str| FLAG_WARNINGS.iter().any(|warning| line.contains(warning));
    let lines = stderr.lines().take_while(|line| !line.starts_with(STACK)).filter(|line| !of_the_flag(line));
    let stderr: String = lines.map(|line| format!("{}\n", without_time(line))).collect();
    Ok(Answer { status, stdout: output.stdout, stderr: without_addresses(&stderr) })
}

/// `2024/01/31 12:00:00 text`, as Go logs, → `text`.
fn without_time(line: &str) -> &str {
    let is_time = |(digit, shape): (char, char)| if shape == '0' { digit.is_ascii_digit() } else { digit == shape };
    let shape = "0000/00/00 00:00:00 ";
    let starts = line.len() > shape.len() && line.chars().zip(shape.chars()).all(is_time);
    if starts { &line[shape.len()..] } else { line }
}

/// Go prints where things lie in memory, which no two runs share.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut answer = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let rest = part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit());
        answer += if part.len() - rest.len() < ADDRESS_DIGITS_MIN { "0x" } else { "0x…" };
        answer += if part.len() - rest.len() < ADDRESS_DIGITS_MIN { part } else { rest };
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_day_is_left_out() {
        assert_eq!(without_time("2024/01/31 12:00:00 vars: 2024"), "vars: 2024");
        assert_eq!(without_time("2024/01/31"), "2024/01/31");
        assert_eq!(without_time("Error: 0000/00/00 00:00:00 "), "Error: 0000/00/00 00:00:00 ");
    }

    #[test]
    fn addresses_do_not_differ_between_runs() {
        assert_eq!(without_addresses("a 0xc00012ab40, (*b)(0x1c60afa02b60) 0x1f"), "a 0x…, (*b)(0x…) 0x1f");
    }
}
