//! The parameters of a write: `dryRun`, `fieldManager`, `fieldValidation`, `force`.

use thalweg_merge::managed;

use crate::names::quoted;
use crate::request::Call;
use crate::status::{Cause, Status};

/// Bytes of a manager's name, at most.
const MANAGER_BYTES_MAX: usize = 128;

/// The parameters of a write.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// Nothing is to be written.
    pub(super) dry_run: bool,
    /// Who comes to own what is written.
    pub(super) manager: String,
    pub(super) strictness: Strictness,
    /// An apply takes fields away from other managers.
    pub(super) force: bool,
}

/// What becomes of a body with unknown fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Strictness {
    Ignore,
    #[default]
    Warn,
    Strict,
}

impl Options {
    /// Reads them; `kind` is what they are called in errors (`CreateOptions`). `apply` says whether a patch is one; none for
    /// what is no patch.
    pub(super) fn read(call: &Call, kind: &str, apply: Option<bool>) -> Result<Self, Status> {
        let query = &call.query;
        let mut causes = Vec::new();
        let force = !query.get("force").is_empty();
        match apply {
            Some(false) if force => {
                causes.push(Cause::forbidden("force", "may not be specified for non-apply patch"));
            }
            Some(true) if query.get("fieldManager").is_empty() => {
                causes.push(Cause::required("fieldManager", "is required for apply patch"));
            }
            _ => {}
        }
        let manager = query.get("fieldManager");
        if manager.len() > MANAGER_BYTES_MAX {
            let message = format!("Too long: may not be more than {MANAGER_BYTES_MAX} bytes");
            causes.push(Cause::new("FieldValueTooLong", "fieldManager", message));
        }
        if manager.chars().any(char::is_control) {
            let why = "should only contain printable characters";
            causes.push(Cause::invalid("fieldManager", &quoted(manager), why));
        }
        causes.extend(dry_run(call));
        let strictness = match query.get("fieldValidation") {
            "" | "Warn" => Strictness::Warn,
            "Ignore" => Strictness::Ignore,
            "Strict" => Strictness::Strict,
            other => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                causes.push(Cause::not_supported("fieldValidation", &quoted(other), &supported));
                Strictness::Warn
            }
        };
        if !causes.is_empty() {
            return Err(Status::invalid_options(kind, causes));
        }
        Ok(Self {
            dry_run: call.dry_run(),
            manager: if manager.is_empty() { managed::default_manager(&call.user_agent) } else { manager.to_owned() },
            strictness,
            force: query.flag("force"),
        })
    }
}

/// What is wrong with `dryRun`.
pub(super) fn dry_run(call: &Call) -> Option<Cause> {
    let values: Vec<&str> = call.query.all("dryRun").collect();
    let known = values.iter().all(|value| *value == "All");
    let printed = serde_json::to_string(&values).unwrap_or_default();
    (!known).then(|| Cause::not_supported("dryRun", &printed, &["All"]))
}
