//! Gives names to what must differ between two servers: uids, resourceVersions, times, generated names, addresses and ports.
//!
//! Names are given in the order in which values appear, so that what is equal on one server must be equal on the other.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::server::Answer;

/// A warning of the embedded server about itself.
const OF_THE_EMBEDDED: &str = "not enforced by this server";

/// The names that one server's values were given in a sequence.
#[derive(Default)]
pub(crate) struct Names {
    known: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

/// Recent times are those of this century's present: clients send times of long ago.
const RECENT: &str = "2025";

impl Names {
    /// Gives names to the values of an answer.
    pub(crate) fn normalise(&mut self, answer: &Answer, namespace: &str) -> Answer {
        let mut body = answer.body.clone();
        self.learn(&body);
        settle_order(&mut body);
        self.rewrite(&mut body, "", namespace);
        let warnings = answer.warnings.iter().filter(|text| !text.contains(OF_THE_EMBEDDED));
        let warnings = warnings.map(|text| self.text(text, namespace)).collect();
        Answer { status: answer.status, warnings, body }
    }

    /// Finds values in the places that say what they are.
    fn learn(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(map) => {
                if let Some(Value::Object(metadata)) = map.get("metadata") {
                    self.name("uid", metadata.get("uid"));
                    let is_list = map.contains_key("items");
                    self.name("version", metadata.get("resourceVersion").filter(|_| !is_list));
                    if let (Some(prefix), Some(name)) = (metadata.get("generateName"), metadata.get("name"))
                        && name.as_str().unwrap_or_default().starts_with(prefix.as_str().unwrap_or_default())
                    {
                        self.name("generated", Some(name));
                    }
                }
                if let Some(address) =
                    map.get("clusterIP").filter(|address| address.as_str().is_some_and(|a| a.starts_with("10.")))
                {
                    self.name("address", Some(address));
                }
                // A generated name that was refused is told in the details alone.
                let refused = map.get("details").and_then(|details| details.get("causes")).and_then(Value::as_array);
                let generated = refused.into_iter().flatten().any(|cause| cause["field"] == "metadata.generateName");
                if generated {
                    self.name("generated", map["details"].get("name"));
                }
                self.name("port", map.get("nodePort"));
                self.name("continue", map.get("continue"));
                let token_volume = map
                    .get("name")
                    .filter(|name| name.as_str().is_some_and(|name| name.starts_with("kube-api-access-")));
                self.name("token volume", token_volume);
                map.values().for_each(|value| self.learn(value));
            }
            _ => {}
        }
    }

    fn name(&mut self, what: &'static str, value: Option<&Value>) {
        let value = match value {
            Some(Value::String(text)) if !text.is_empty() => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return,
        };
        let count = self.counts.entry(what).or_default();
        self.known.entry(value).or_insert_with(|| {
            *count += 1;
            format!("<{what} {count}>")
        });
    }

    fn rewrite(&self, value: &mut Value, key: &str, namespace: &str) {
        match value {
            Value::Array(items) => {
                items.iter_mut().for_each(|item| self.rewrite(item, key, namespace));
                if key == "managedFields" {
                    // Their order depends on the second in which each was written.
                    items.sort_by_key(|entry| {
                        ["operation", "manager", "apiVersion", "subresource"].map(|field| entry[field].to_string())
                    });
                }
            }
            Value::Object(map) => {
                let is_list = map.contains_key("items");
                if let Some(metadata) = map.get_mut("metadata").filter(|_| is_list)
                    && metadata.get("resourceVersion").is_some()
                {
                    metadata["resourceVersion"] = "<newest>".into();
                }
                for (key, value) in map.iter_mut() {
                    self.rewrite(value, key, namespace);
                }
                let renamed: Vec<(String, String)> =
                    map.keys().map(|key| (key.clone(), self.text(key, namespace))).filter(|(a, b)| a != b).collect();
                for (old, new) in renamed {
                    let value = map.remove(&old).unwrap_or_default();
                    map.insert(new, value);
                }
            }
            Value::String(text) => *value = self.text(text, namespace).into(),
            Value::Number(number) if key == "nodePort" => {
                if let Some(name) = self.known.get(&number.to_string()) {
                    *value = name.as_str().into();
                }
            }
            _ => {}
        }
    }

    fn text(&self, text: &str, namespace: &str) -> String {
        if is_recent_time(text) {
            return "<time>".into();
        }
        if let Some(name) = self.known.get(text) {
            return name.clone();
        }
        if text.starts_with("duplicate nodePort: {") {
            return "duplicate nodePort: <port>".into();
        }
        // Go tells the errors of a map in the order in which it happens upon its fields, up to one that it does not know.
        if let Some((before, _)) =
            text.split_once("): ").filter(|(_, why)| why.contains("field not declared in schema"))
        {
            return self.text(&format!("{before}): <unknown field>"), namespace);
        }
        if let Some((before, errors)) = text.split_once("errors:\n") {
            let mut errors: Vec<&str> = errors.lines().collect();
            errors.sort_unstable();
            return self.text(&format!("{before}errors: {}", errors.join("; ")), namespace);
        }
        // The object that a patch makes is quoted in the order of Go's fields.
        if let (Some(start), Some(end)) = (text.find("Invalid value: \"{"), text.rfind("}\": ")) {
            return self.text(&format!("{}<object>{}", &text[..start], &text[end + 1..]), namespace);
        }
        let mut text = text.replace(namespace, "<namespace>");
        // Short numbers would be found in anything.
        for (value, name) in self.known.iter().filter(|(value, _)| value.len() > 8) {
            text = text.replace(value, name);
        }
        for (value, name) in self.known.iter().filter(|(value, _)| value.bytes().all(|byte| byte.is_ascii_digit())) {
            text = text.replace(&format!("({value})"), &format!("({name})"));
        }
        text
    }
}

/// Conflicts, and what is wrong with a custom object or the keys of a map, are told in the order in which Go happens upon the fields.
fn settle_order(body: &mut Value) {
    let of_maps = body["details"]["kind"] == "ConfigMap" || body["details"]["kind"] == "Secret";
    let custom = (body["details"]["group"] == "agreement.thalweg.dev" || of_maps) && body["reason"] == "Invalid";
    if !custom && body["reason"] != "Conflict" {
        return;
    }
    let Some(causes) = body["details"]["causes"].as_array_mut() else { return };
    causes.sort_by_key(ToString::to_string);
    if !custom {
        return;
    }
    let told =
        body["message"].as_str().unwrap_or_default().split(" is invalid: ").next().unwrap_or_default().to_owned();
    body["message"] = format!("{told} is invalid").into();
}

fn is_recent_time(text: &str) -> bool {
    text.len() >= 20
        && text.as_bytes()[4] == b'-'
        && text.ends_with('Z')
        && text.as_bytes()[10] == b'T'
        && &text[..4] >= RECENT
}
