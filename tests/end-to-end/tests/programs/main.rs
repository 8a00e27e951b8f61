//! Programs in Go that know nothing of the API server (tests/programs) do the same things on the embedded one and on a real
//! one, and each of their checks passes on both.
#![expect(clippy::disallowed_methods, reason = "tests start programs")]
#![expect(clippy::unwrap_used, reason = "tests; clippy sees only the functions marked as such")]

mod kubectl;

use std::process::Command;

use thalweg_harness::{ApiServerKind, ControlPlane, ControlPlaneOptions, programs_binary};

#[test]
fn programs_work_on_the_embedded_api_server() {
    run_on(ApiServerKind::Embedded);
}

#[test]
fn programs_work_on_a_real_api_server() {
    run_on(ApiServerKind::Real);
}

fn run_on(api_server: ApiServerKind) {
    let plane = ControlPlane::start(&ControlPlaneOptions { api_server, nodes: 1, ..ControlPlaneOptions::default() });
    let plane = plane.unwrap();
    let ran = Command::new(programs_binary().unwrap()).arg("-kubeconfig").arg(plane.kubeconfig()).output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    let failed: Vec<&str> = said.lines().filter(|line| !line.starts_with("PASS ")).collect();
    assert!(ran.status.success(), "{}\n{complained}", failed.join("\n"));
}
