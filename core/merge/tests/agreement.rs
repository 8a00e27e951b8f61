//! What kube-apiserver answered to the steps of testdata/merge, and what we make of the same objects.
#![expect(clippy::disallowed_methods, reason = "tests read testdata")]

mod shapes;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use thalweg_merge::managed::{self, ApplyError, FieldSet, PathElement, Writing};

/// What the recorder calls itself.
const USER_AGENT: &str = "recorder/1.0";

#[test]
fn answers_are_those_of_kube_apiserver() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/merge");
    let wanted = std::env::var("CASE").ok();
    let mut failures = Vec::new();
    let mut steps = 0;
    for entry in fs::read_dir(&folder).expect("testdata/merge") {
        let case = entry.expect("a case").path();
        let name = case.file_name().expect("a name").to_string_lossy().to_string();
        if !case.is_dir() || wanted.as_ref().is_some_and(|wanted| *wanted != name) {
            continue;
        }
        let read =
            |file: &str| fs::read_to_string(case.join(file)).unwrap_or_else(|error| panic!("{name}/{file}: {error}"));
        let input: Value = serde_yaml::from_str(&read("case.yaml")).expect("YAML");
        let answers: Vec<Value> = serde_json::from_str(&read("answers.json")).expect("JSON");
        steps += answers.len();
        failures.extend(Replay::new(&input).failures(&answers).into_iter().map(|failure| format!("{name} {failure}")));
    }
    assert!(steps > 0, "no cases");
    assert!(failures.is_empty(), "{} of {steps} steps differ\n\n{}", failures.len(), failures.join("\n\n"));
}

struct Replay<'a> {
    case: &'a Value,
    definition: Value,
    /// What is stored; null when nothing is.
    live: Value,
}

impl<'a> Replay<'a> {
    fn new(case: &'a Value) -> Self {
        Self { case, definition: case["definition"].clone(), live: Value::Null }
    }

    fn failures(mut self, answers: &[Value]) -> Vec<String> {
        let steps = self.case["steps"].as_array().expect("steps");
        assert_eq!(steps.len(), answers.len(), "recorded before the steps changed");
        let mut failures = Vec::new();
        for (position, (step, answer)) in steps.iter().zip(answers).enumerate() {
            if let Some(definition) = step.get("definition") {
                self.definition["spec"]["versions"] = definition["spec"]["versions"].clone();
                continue;
            }
            if let Some(before) = answer.get("before") {
                self.live = before.clone();
            }
            let ours = self.answer(
                step,
                &answer["body"],
                answer["code"] != json!(200) && answer["code"] != json!(201),
                position,
            );
            let theirs = relevant(&answer["body"]);
            if let Some(ours) = ours.filter(|ours| *ours != theirs) {
                failures.push(format!("step {position}: {}\nours:   {ours}\ntheirs: {theirs}", json!(step)));
            }
            if answer["code"] == json!(200) || answer["code"] == json!(201) {
                self.live = answer["body"].clone();
            }
        }
        failures
    }

    /// The message of an error, or the managedFields; `None` when the rules of the kind decide.
    fn answer(&self, step: &Value, theirs: &Value, refused: bool, position: usize) -> Option<Value> {
        let path = step["path"].as_str().or(self.case["path"].as_str()).expect("a path");
        let (api_version, plural) = shapes::addressed(path);
        let kind = shapes::kind(&self.definition, &api_version, plural);
        let versions = |version: &str| shapes::schema(&self.definition, version, plural);
        let subresource = step["subresource"].as_str().unwrap_or_default();
        let fields = self.case["reset_fields"][subresource].as_array().cloned().unwrap_or_default();
        let mut reset_fields = FieldSet::default();
        for path in &fields {
            let path =
                path.as_array().expect("a path").iter().map(|name| PathElement::field(name.as_str().expect("a name")));
            reset_fields.insert(&path.collect::<Vec<_>>());
        }
        let agent = managed::default_manager(USER_AGENT);
        let writing = Writing {
            versions: &versions,
            api_version: &api_version,
            kind: &kind,
            subresource,
            manager: step["manager"].as_str().unwrap_or(&agent),
            reset_fields: &reset_fields,
            now: format!("2000-01-01T00:00:{position:02}Z").parse().expect("a time"),
        };
        let live = Some(&self.live).filter(|live| !live.is_null());
        let mut body = step["body"].clone();
        if step["do"] == "apply" {
            if body["metadata"].is_object() {
                body["metadata"]["name"] = path.rsplit('/').next().into();
            }
            return match managed::apply(&writing, live, &body, step["force"] == true) {
                Ok(_) if refused => None,
                Ok(new) => Some(self.stored(&writing, new, theirs)),
                Err(error) => Some(refusal(&error)),
            };
        }
        if refused {
            return None;
        }
        let mut new = theirs.clone();
        let metadata = new["metadata"].as_object_mut().expect("metadata");
        metadata.remove("managedFields");
        if let Some(live) = live {
            metadata.insert("managedFields".to_string(), live["metadata"]["managedFields"].clone());
        }
        if let Some(brought) = body.pointer("/metadata/managedFields") {
            metadata.insert("managedFields".to_string(), brought.clone());
        }
        managed::update(&writing, live, &mut new);
        Some(self.stored(&writing, new, theirs))
    }

    /// The managedFields that are stored, when the rules of the kind make the object equal to theirs.
    fn stored(&self, writing: &Writing<'_>, new: Value, theirs: &Value) -> Value {
        let mut stored = theirs.clone();
        stored["metadata"]["managedFields"] = new["metadata"]["managedFields"].clone();
        stored["metadata"]["resourceVersion"] = self.live["metadata"]["resourceVersion"].clone();
        managed::keep_times(&self.live, &mut stored);
        lost(&new, theirs, writing.subresource).map_or_else(|| relevant(&stored), Value::from)
    }
}

fn refusal(error: &ApplyError) -> Value {
    let causes = match error {
        ApplyError::Conflicts(conflicts) => conflicts
            .causes()
            .into_iter()
            .map(|cause| json!({"reason": "FieldManagerConflict", "message": cause.message, "field": cause.field}))
            .collect(),
        _ => Vec::new(),
    };
    let code = match error {
        ApplyError::Conflicts(_) => 409,
        ApplyError::BadRequest(_) => 400,
        ApplyError::Unfit(_) => 500,
    };
    relevant(
        &json!({"kind": "Status", "status": "Failure", "message": error.to_string(), "code": code, "details": {"causes": causes}}),
    )
}

/// What we answer for: managedFields, or why not.
fn relevant(body: &Value) -> Value {
    if body["status"] == "Failure" {
        let mut causes = body["details"]["causes"].as_array().cloned().unwrap_or_default();
        causes.sort_by_key(Value::to_string);
        return json!({"message": body["message"], "code": body["code"], "causes": causes});
    }
    body["metadata"]["managedFields"].clone()
}

/// A field that we merged and they did not; or that they have, and neither defaults nor the rules of the kind explain.
fn lost(ours: &Value, theirs: &Value, subresource: &str) -> Option<String> {
    let custom = theirs["apiVersion"].as_str().is_some_and(|version| version.starts_with("merge.example.com"));
    let plain = custom || theirs["kind"] == "ConfigMap";
    let parts = if subresource == "status" { vec!["status"] } else { vec!["metadata", "spec", "data"] };
    parts.into_iter().find_map(|part| difference(&ours[part], &theirs[part], plain && part != "metadata", part))
}

fn difference(ours: &Value, theirs: &Value, exact: bool, path: &str) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let defaulted = |name: &str| name == "protocol";
            let missing = theirs
                .keys()
                .find(|name| exact && !defaulted(name) && !ours.contains_key(*name))
                .map(|name| format!("{path}.{name} missing"));
            let ignored = ["managedFields", "creationTimestamp", "resourceVersion", "generation"];
            let fields = ours.iter().filter(|(name, value)| !ignored.contains(&name.as_str()) && !value.is_null());
            let fields = fields.filter(|(_, value)| !is_empty(value));
            let mut fields = fields.map(|(name, ours)| {
                difference(ours, theirs.get(name).unwrap_or(&Value::Null), exact, &format!("{path}.{name}"))
            });
            missing.or_else(|| fields.find_map(|difference| difference))
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            let mut items =
                ours.iter().zip(theirs).map(|(ours, theirs)| difference(ours, theirs, exact, &format!("{path}[]")));
            items.find_map(|difference| difference)
        }
        (Value::Null, _) => None,
        (ours, Value::Null) if is_empty(ours) => None,
        (ours, theirs) if ours == theirs || ours.as_f64().is_some_and(|ours| theirs.as_f64() == Some(ours)) => None,
        (Value::Number(ours), Value::String(theirs)) if ours.to_string() == *theirs => None,
        (ours, theirs) => Some(format!("{path}: {ours} is not {theirs}")),
    }
}

fn is_empty(value: &Value) -> bool {
    *value == json!({}) || *value == json!([]) || *value == json!(false)
}
