//! PATCH: JSON patch, merge patch, strategic merge patch, and apply.

use serde_json::Value;
use thalweg_merge::{PatchError, check_merge_patch, json_patch, merge_patch, strategic_merge_patch};
use thalweg_schema::{Node, Schema};

use super::options::{Options, Strictness};
use super::update::change;
use super::{Write, strict_errors, type_of};
use crate::answer::Answer;
use crate::decode::{self, Decoded};
use crate::names::quoted;
use crate::request::{Call, Payload};
use crate::shape;
use crate::state::State;
use crate::status::{Cause, Status};

/// How a patch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchType {
    /// By the media type of the body.
    pub(super) fn of(call: &Call) -> Result<Self, Status> {
        Ok(match decode::media_type(call.payload.media_type()) {
            "application/json-patch+json" => Self::Json,
            "application/merge-patch+json" => Self::Merge,
            "application/strategic-merge-patch+json" if !call.served.is_custom() => Self::Strategic,
            "application/apply-patch+yaml" => Self::Apply,
            "application/strategic-merge-patch+json" => {
                let accepted =
                    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
                return Err(Status::unsupported_media_type(accepted));
            }
            _ => {
                let status = Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
                return Err(Status { details: Some(Box::default()), ..status });
            }
        })
    }
}

pub(super) fn patch(state: &mut State, call: &Call) -> Result<Answer, Status> {
    let kind = PatchType::of(call)?;
    let apply = kind == PatchType::Apply;
    let mut write = Write::new(call, Options::read(call, "PatchOptions", Some(apply))?);
    let patch = body(&call.payload, kind)?;
    let may_create = apply && call.subresource.is_empty();
    let written = change(state, &mut write, may_create, None, |state, write, live| {
        let mut new = if apply {
            write.apply(state, live, &patch)?
        } else {
            let live = live.expect("only an apply creates");
            write.merge(state, live, &patch, kind)?
        };
        write.settle_namespace(&mut new)?;
        write.check_name(&new)?;
        write.drop_duplicate_owners(&mut new);
        Ok(new)
    });
    write.answered(written)
}

/// What a patch makes of a Scale, which is no stored object.
pub(super) fn patched(document: &Value, call: &Call) -> Result<Value, Status> {
    let kind = PatchType::of(call)?;
    let patch = body(&call.payload, kind)?.value;
    // Nothing in a Scale is a list: all patches of objects are the same.
    let schema = Schema::new(Node { preserve_unknown: true, ..Node::default() });
    if kind == PatchType::Apply { Ok(patch) } else { merged(document, &patch, kind, &schema) }
}

fn body(payload: &Payload, kind: PatchType) -> Result<Decoded, Status> {
    let bytes = match payload {
        Payload::Read(_, value) => return Ok(Decoded { value: value.clone(), duplicates: Vec::new() }),
        Payload::Raw(_, bytes) => bytes.clone(),
        Payload::Empty => Default::default(),
    };
    match kind {
        PatchType::Apply => {
            decode::yaml(&bytes).map_err(|error| format!("error decoding YAML: error converting YAML to JSON: {error}"))
        }
        PatchType::Strategic => decode::json(&bytes),
        PatchType::Json | PatchType::Merge => {
            decode::json(&bytes).map_err(|error| format!("error decoding patch: {error}"))
        }
    }
    .map_err(Status::bad_request)
}

fn merged(document: &Value, patch: &Value, kind: PatchType, schema: &Schema) -> Result<Value, Status> {
    let refusal = |error: PatchError| {
        let status = Status::new(error.code(), error.reason(), error.to_string());
        if error.code() == 422 { Status { details: Some(Box::default()), ..status } } else { status }
    };
    match kind {
        PatchType::Json => json_patch(document, patch).map_err(refusal),
        PatchType::Merge => check_merge_patch(patch).map(|()| merge_patch(document, patch)).map_err(refusal),
        PatchType::Strategic | PatchType::Apply => strategic_merge_patch(document, patch, schema).map_err(refusal),
    }
}

impl Write<'_> {
    fn merge(&mut self, state: &State, live: &Value, patch: &Decoded, kind: PatchType) -> Result<Value, Status> {
        let served = &self.call.served;
        let mut new = merged(live, &patch.value, kind, &served.schema)?;
        let before = new.clone();
        let wrong = |why: &str| {
            let cause = Cause::invalid("patch", &quoted(&before.to_string()), why);
            Status::invalid("", "", "", vec![cause])
        };
        if type_of(&new) != (&served.api_version(), &served.kind) {
            return Err(match served.is_custom() {
                true => self.another_custom_kind(&new),
                false => wrong(&self.another_kind(state, &new)),
            });
        }
        let unknown = shape::read(served, &mut new).map_err(|error| wrong(&error))?;
        let errors = strict_errors(&patch.duplicates, unknown);
        match self.options.strictness {
            Strictness::Strict if !errors.is_empty() => {
                return Err(wrong(&format!("strict decoding error: {}", errors.join(", "))));
            }
            Strictness::Warn => self.warnings.extend(errors),
            _ => {}
        }
        self.writer(state).updated(Some(live), &mut new);
        Ok(new)
    }

    fn apply(&mut self, state: &State, live: Option<&Value>, config: &Decoded) -> Result<Value, Status> {
        let mut new = self.writer(state).applied(live, &config.value, self.options.force)?;
        shape::read_applied(&self.call.served, &mut new).map_err(Status::bad_request)?;
        let duplicates: Vec<String> =
            config.duplicates.iter().map(|path| format!("duplicate field \"{path}\"")).collect();
        match self.options.strictness {
            Strictness::Strict if !duplicates.is_empty() => {
                return Err(Status::bad_request(format!("error strict decoding YAML: {}", duplicates.join(", "))));
            }
            Strictness::Warn => self.warnings.extend(duplicates),
            _ => {}
        }
        if let Some(uid) = new["metadata"]["uid"].as_str().filter(|uid| live.is_none() && !uid.is_empty()) {
            let why =
                format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
            return Err(Status::conflict(&self.call.served, &self.call.name, &why));
        }
        Ok(new)
    }
}
