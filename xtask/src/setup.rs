//! `cargo xtask setup`: installs and builds what is missing. Safe to run twice; what is there already is left alone.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::program::{cargo, follow, program, read, run};
use crate::terminal::{Progress, note, step};
use crate::{reference, workspace};

/// Programs that the operating system provides, and the Debian package of each.
const SYSTEM_PROGRAMS: [(&str, &str); 3] =
    [("git", "git"), ("cc", "build-essential"), ("kubectl", "kubernetes-client")];

/// The least Go that builds Kubernetes 1.36.
const GO_VERSION_MIN: (u32, u32) = (1, 26);

/// The tools that `cargo xtask check` uses, each at the version that it was written for.
pub(crate) const CARGO_TOOLS: [CargoTool; 3] = [
    CargoTool { package: "cargo-machete", version: "0.9.2", asked: &["--version"] },
    CargoTool { package: "typos-cli", version: "1.52.0", asked: &["--version"] },
    CargoTool { package: "cargo-deny", version: "0.20.2", asked: &["deny", "--version"] },
];

/// What `cargo xtask fuzz` uses, with nightly Rust.
const CARGO_FUZZ: CargoTool = CargoTool { package: "cargo-fuzz", version: "0.13.2", asked: &["fuzz", "--version"] };

pub(crate) struct CargoTool {
    package: &'static str,
    version: &'static str,
    /// The arguments that make it tell its version.
    asked: &'static [&'static str],
}

/// All of it.
pub(crate) fn everything() -> Result<()> {
    note("Installs missing Debian packages, builds a Kubernetes control plane from its Go modules (7 minutes on two");
    note("cores) and three cargo tools (5 minutes). Safe to run again: it then takes seconds.");
    system_programs()?;
    control_plane()?;
    programs()?;
    reference::build_asked()?;
    cargo_tools()?;
    look_for_nightly();
    Ok(())
}

/// What `cargo xtask fuzz` needs. Fails without nightly Rust.
pub(crate) fn fuzzing() -> Result<()> {
    if !nightly_is_there() {
        bail!("nightly Rust is missing: `rustup toolchain install nightly --profile minimal`");
    }
    CARGO_FUZZ.install()
}

/// What the end-to-end suite and the demo need.
pub(crate) fn control_plane() -> Result<()> {
    step("Go", go)?;
    step("control plane: etcd, kube-apiserver, kube-controller-manager, scheduler, kwok", build_control_plane)
}

/// What the end-to-end suite runs on both API servers.
pub(crate) fn programs() -> Result<()> {
    step("programs that use client-go and controller-runtime", || {
        let mut build = program("go", &["install", "-trimpath", "-ldflags", "-s -w", "."]);
        run(build.current_dir(workspace::root().join("tests/programs")).env("GOBIN", workspace::tools()))
    })
}

/// Whether [`control_plane`] has been built (or another is named).
pub(crate) fn control_plane_is_there() -> bool {
    let named = ["THALWEG_CLUSTER", "KUBECONFIG_TEST"].iter().any(|name| std::env::var_os(name).is_some());
    named || workspace::tools().join("cluster").is_file()
}

fn system_programs() -> Result<()> {
    step("system programs: git, a C compiler, kubectl", || {
        let missing: Vec<&str> =
            SYSTEM_PROGRAMS.iter().filter(|(name, _)| !on_path(name)).map(|(_, package)| *package).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let packages = missing.join(" ");
        if !on_path("apt-get") || read(&mut program("id", &["-u"]))? != "0" {
            bail!(
                "missing: {packages} (Debian's names). Install them, for example with `sudo apt-get install {packages}`"
            );
        }
        note(&format!("installing {packages}"));
        run(&mut program("apt-get", &["update", "-qq"]))?;
        let mut install = program("apt-get", &["install", "-y", "-qq", "--no-install-recommends"]);
        run(install.args(&missing).env("DEBIAN_FRONTEND", "noninteractive"))
    })
}

/// That there is one new enough.
pub(crate) fn go() -> Result<()> {
    let version = read(&mut program("go", &["env", "GOVERSION"])).context(
        "Go is missing: install Go 1.26 or newer from your distribution or go.dev. It builds the control plane of the tests",
    )?;
    match parse_go_version(&version) {
        Some(found) if found >= GO_VERSION_MIN => Ok(()),
        _ => {
            bail!("this is {version}; building Kubernetes needs Go {}.{} or newer", GO_VERSION_MIN.0, GO_VERSION_MIN.1)
        }
    }
}

/// `go1.26.8` → (1, 26).
fn parse_go_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("go")?.split(['.', '-', 'r', 'b']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn build_control_plane() -> Result<()> {
    let module = workspace::root().join("tests/cluster");
    let kubernetes = kubernetes_version(&module.join("go.mod"))?;
    if !workspace::tools().join("cluster").is_file() {
        note(&format!("building Kubernetes {kubernetes}: 7 minutes on two cores when Go's caches are empty"));
    }
    let flags = linker_flags(&kubernetes).with_context(|| format!("reading the version {kubernetes} of Kubernetes"))?;
    let mut build =
        program("go", &["install", "-v", "-trimpath", "-ldflags", &flags, ".", "sigs.k8s.io/kwok/cmd/kwok"]);
    build.current_dir(&module).env("GOBIN", workspace::tools());
    let (mut progress, mut done) = (Progress::new(), 0_u32);
    follow(&mut build, |_| {
        done += 1;
        progress.at(&format!("{done} modules and packages fetched or compiled"));
    })
}

/// The version that `go.mod` requires, such as `v1.36.3`.
fn kubernetes_version(go_mod: &Path) -> Result<String> {
    let text = std::fs::read_to_string(go_mod).with_context(|| format!("reading {}", go_mod.display()))?;
    let version = text.lines().find_map(|line| {
        let mut words = line.trim().trim_start_matches("require ").split_whitespace();
        (words.next() == Some("k8s.io/kubernetes")).then(|| words.next()).flatten()
    });
    version.map(str::to_string).with_context(|| format!("{} requires no k8s.io/kubernetes", go_mod.display()))
}

/// Without these the API server announces no version, and kubectl asks for one.
fn linker_flags(version: &str) -> Option<String> {
    let mut numbers = version.strip_prefix('v')?.split('.');
    let (major, minor) = (numbers.next()?, numbers.next()?);
    let package = "k8s.io/component-base/version";
    Some(format!("-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"))
}

fn cargo_tools() -> Result<()> {
    CARGO_TOOLS.iter().try_for_each(CargoTool::install)
}

/// Nothing but `cargo xtask fuzz`, which most never run, needs nightly Rust.
fn look_for_nightly() {
    if !nightly_is_there() {
        note(
            "nightly Rust is missing, which `cargo xtask fuzz` alone needs: `rustup toolchain install nightly` if you fuzz",
        );
    }
}

fn nightly_is_there() -> bool {
    read(&mut program("rustup", &["run", "nightly", "rustc", "--version"])).is_ok()
}

impl CargoTool {
    /// Unless it is there.
    fn install(&self) -> Result<()> {
        step(&format!("{} {}", self.package, self.version), || if self.is_installed() { Ok(()) } else { self.build() })
    }

    fn program(&self) -> &'static str {
        if self.package == "typos-cli" { "typos" } else { self.package }
    }

    fn is_installed(&self) -> bool {
        let said = read(&mut program(self.program(), self.asked)).unwrap_or_default();
        said.split_whitespace().any(|word| word == self.version)
    }

    /// Hardly optimised: the tools run for seconds, and are built for minutes.
    fn build(&self) -> Result<()> {
        let mut progress = Progress::new();
        let mut compiled = 0_u32;
        let package = format!("{}@{}", self.package, self.version);
        let mut install = cargo(&["install", "--locked", "--force", &package]);
        install.env("CARGO_TARGET_DIR", workspace::tools().join("build")).env("CARGO_TERM_COLOR", "never");
        for (setting, value) in
            [("OPT_LEVEL", "1"), ("LTO", "off"), ("CODEGEN_UNITS", "256"), ("DEBUG", "0"), ("STRIP", "true")]
        {
            install.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
        }
        follow(&mut install, |line| {
            compiled += u32::from(line.trim_start().starts_with("Compiling"));
            progress.at(&format!("{}: {compiled} crates compiled", self.package));
        })
    }
}

fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_go_is_read_whatever_follows_it() {
        for (text, expected) in [
            ("go1.26.8", Some((1, 26))),
            ("go1.27rc1", Some((1, 27))),
            ("go1.30", Some((1, 30))),
            ("devel +1a2b3c", None),
        ] {
            assert_eq!(parse_go_version(text), expected, "{text}");
        }
    }

    #[test]
    fn the_announced_version_has_its_parts() {
        let flags = linker_flags("v1.36.3").unwrap();
        for part in ["gitVersion=v1.36.3", "gitMajor=1", "gitMinor=36"] {
            assert!(flags.contains(part), "{flags}");
        }
    }
}
