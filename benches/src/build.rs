//! Kustomizations: as a library, on two threads, and as a command.

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use thalweg_kustomize_build::{Options, render};

use crate::clock::{median, middle, once};
use crate::programs::{Programs, succeeded};
use crate::table::{Table, mebibytes, milliseconds};
use crate::tree::{self, Files, OVERLAY};

/// A tree, and how often what is done with it.
struct Work {
    objects: usize,
    ours: usize,
    reference: usize,
    goal: &'static str,
}

const LIBRARY: [Work; 3] = [
    Work { objects: 10, ours: 1001, reference: 101, goal: "≥ 50 ×" },
    Work { objects: 1000, ours: 21, reference: 3, goal: "≥ 100 ×" },
    Work { objects: 4000, ours: 11, reference: 1, goal: "" },
];

const COMMAND: [Work; 2] = [
    Work { objects: 10, ours: 51, reference: 21, goal: "≥ 30 ×" },
    Work { objects: 1000, ours: 21, reference: 3, goal: "≥ 80 ×" },
];

pub(crate) fn library(programs: &Programs, slowest: bool, table: &mut Table) -> Result<()> {
    let mut medians = Vec::new();
    for Work { objects, ours, reference, goal } in LIBRARY {
        let files = tree::read(objects)?;
        let text = build(&files, OVERLAY)?;
        ensure!(text.contains("kind: Deployment"), "the tree of {objects} objects builds to something else");
        let took = median(ours, || build(&files, OVERLAY));
        let asked = objects < 4000 || slowest;
        let beside = asked.then(|| programs.kustomize_library(objects, reference, false)).transpose()?;
        table.times(&format!("{objects} objects, library"), took, beside, goal);
        if objects == 10 {
            let reset = programs.kustomize_library(objects, reference, true)?;
            table.times("10 objects, library; the reference as Flux runs it", took, Some(reset), "");
        }
        medians.push(took);
    }
    if let [_, thousand, four] = medians[..] {
        let times = four.as_secs_f64() / thousand.as_secs_f64();
        table.line("4,000 objects by the time of 1,000", format!("{times:.1}"), "", "", "≤ 5");
    }
    Ok(())
}

/// Two different overlays, one after the other and on two threads: the best of five.
pub(crate) fn threads(table: &mut Table) -> Result<()> {
    let files = tree::read(1000)?;
    let both = || {
        let one = median(1, || (build(&files, OVERLAY), build(&files, "staging")));
        let two = median(1, || {
            std::thread::scope(|scope| {
                scope.spawn(|| build(&files, "staging"));
                std::hint::black_box(build(&files, OVERLAY))
            })
        });
        (one, two)
    };
    let ratio = |(one, two): &(Duration, Duration)| one.as_secs_f64() / two.as_secs_f64();
    let measured: Vec<_> = (0..5).map(|_| both()).collect();
    if let Some(best) = measured.iter().max_by(|one, other| ratio(one).total_cmp(&ratio(other))) {
        let what = "two overlays of 1,000 objects, on two threads and one after the other";
        table.line(what, milliseconds(best.1), milliseconds(best.0), &format!("{:.2} ×", ratio(best)), "≥ 1.7 ×");
    }
    Ok(())
}

pub(crate) fn command(programs: &Programs, table: &mut Table) -> Result<()> {
    for Work { objects, ours, reference, goal } in COMMAND {
        let took = run(&mut thalweg(programs, objects), ours)?;
        let beside = run(&mut kustomize(programs, objects), reference)?;
        table.times(&format!("{objects} objects, command"), took, Some(beside), goal);
    }
    Ok(())
}

pub(crate) fn memory(programs: &Programs, table: &mut Table) -> Result<()> {
    for (objects, goal) in [(10, "≤ 10 MiB"), (1000, "≤ 16 MiB")] {
        let ours = programs.peak(words(&thalweg(programs, objects)))?;
        let reference = programs.peak(words(&kustomize(programs, objects)))?;
        let times = reference as f64 / ours as f64;
        let what = format!("{objects} objects, peak memory of the command");
        table.line(&what, mebibytes(ours), mebibytes(reference), &format!("{times:.1} ×"), goal);
    }
    Ok(())
}

fn build(files: &Files, path: &str) -> Result<String, thalweg_kustomize_build::Error> {
    render(files, &Options { path: path.to_owned(), ..Options::default() }).map(|rendered| rendered.text)
}

fn thalweg(programs: &Programs, objects: usize) -> Command {
    let mut command = Command::new(&programs.thalweg);
    command.arg("build").arg(tree::folder(objects).join(OVERLAY));
    command
}

fn kustomize(programs: &Programs, objects: usize) -> Command {
    let mut command = Command::new(&programs.kustomize);
    command.args(["build", "--reorder", "none"]).arg(tree::folder(objects).join(OVERLAY));
    command
}

fn run(command: &mut Command, times: usize) -> Result<Duration> {
    succeeded(command)?;
    let mut took = Vec::new();
    for _ in 0..times {
        let mut output = None;
        took.push(once(|| output = Some(succeeded(command))));
        output.transpose()?;
    }
    Ok(middle(took))
}

fn words(command: &Command) -> Vec<OsString> {
    std::iter::once(command.get_program()).chain(command.get_args()).map(OsString::from).collect()
}
