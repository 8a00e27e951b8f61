//! /healthz, /livez and /readyz: a server that answers is well.

/// What is reported one by one; each has a path of its own.
const CHECKS: [&str; 3] = ["ping", "log", "etcd"];

pub(super) fn exists(check: &str) -> bool {
    CHECKS.contains(&check)
}

/// `ok`, or with `verbose` a line a check. `kind` is the last part of the path.
pub(super) fn report(kind: &str, query: &str) -> String {
    let verbose = query.split('&').any(|parameter| parameter == "verbose" || parameter.starts_with("verbose="));
    if !verbose {
        return "ok".to_owned();
    }
    let lines: String = CHECKS.map(|check| format!("[+]{check} ok\n")).concat();
    format!("{lines}{kind} check passed\n")
}
