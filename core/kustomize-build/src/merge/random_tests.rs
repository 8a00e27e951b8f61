//! Random objects and patches, as texts.

use crate::judge_tests::Chance;

/// A value that is written as block or flow YAML.
enum Value {
    Scalar(String),
    List(Vec<Value>),
    Mapping(Vec<(String, Value)>),
}

const SCALARS: [&str; 34] = [
    "a",
    "b",
    "x y",
    "1",
    "2",
    "80",
    "\"5\"",
    "'5'",
    "5",
    "1.50",
    "0x1F",
    "0777",
    "1e3",
    "true",
    "\"true\"",
    "yes",
    "on",
    "\"on\"",
    "null",
    "~",
    "\"\"",
    "''",
    "1:30",
    "2001-12-14",
    "\"a: b\"",
    "'#c'",
    "!!str 7",
    "\"two\\nlines\"",
    "100m",
    "1.2.3",
    "n",
    ".5",
    "+1",
    "\"tab\\t\"",
];

const NAMES: [&str; 5] = ["a", "b", "c", "\"d\"", "e"];

pub(crate) struct Pair {
    pub(crate) target: String,
    pub(crate) patch: String,
}

/// An object and a patch for it. Later seeds are wilder.
pub(crate) fn pair(chance: &mut Chance) -> Pair {
    let (version, kind) = *chance.one_of(&[
        ("apps/v1", "Deployment"),
        ("apps/v1", "Deployment"),
        ("v1", "Pod"),
        ("v1", "Service"),
        ("v1", "ServiceAccount"),
        ("v1", "ConfigMap"),
        ("networking.k8s.io/v1", "Ingress"),
        ("example.com/v1", "Thing"),
    ]);
    let object = |chance: &mut Chance, is_patch: bool| {
        let mut object = vec![
            ("apiVersion".to_owned(), Value::Scalar(version.to_owned())),
            ("kind".to_owned(), Value::Scalar(kind.to_owned())),
            ("metadata".to_owned(), metadata(chance, is_patch)),
        ];
        if is_patch && chance.one_in(60) {
            object.push(directive(chance));
        }
        body(kind, chance, is_patch, &mut object);
        written(&Value::Mapping(object), chance)
    };
    let target = object(chance, false);
    Pair { target, patch: object(chance, true) }
}

fn body(kind: &str, chance: &mut Chance, is_patch: bool, object: &mut Vec<(String, Value)>) {
    match kind {
        "Deployment" => {
            let pod = pod(chance, is_patch);
            let template = mapping(chance, is_patch, vec![("spec", pod)]);
            let replicas = scalar(chance);
            let spec = mapping(chance, is_patch, vec![("template", template), ("replicas", replicas)]);
            object.push(("spec".to_owned(), spec));
        }
        "Pod" => object.push(("spec".to_owned(), pod(chance, is_patch))),
        "Service" => {
            let ports = list(chance, is_patch, &["port", "protocol"], &["name", "targetPort"]);
            let fields = vec![("ports", ports), ("type", scalar(chance)), ("externalIPs", scalars(chance))];
            object.push(("spec".to_owned(), mapping(chance, is_patch, fields)));
        }
        "ServiceAccount" => {
            object.push(("secrets".to_owned(), list(chance, is_patch, &["name"], &["kind"])));
            object.push(("imagePullSecrets".to_owned(), list(chance, is_patch, &["name"], &[])));
        }
        "ConfigMap" => {
            object.push(("data".to_owned(), labels(chance, is_patch)));
        }
        "Ingress" => {
            let rules = list(chance, is_patch, &["host"], &["http"]);
            object.push(("spec".to_owned(), mapping(chance, is_patch, vec![("rules", rules)])));
        }
        _ => {
            let inner = list(chance, is_patch, &["name"], &["value"]);
            let mut nested = vec![
                ("apiVersion".to_owned(), Value::Scalar("v1".to_owned())),
                ("kind".to_owned(), Value::Scalar("Pod".to_owned())),
            ];
            nested.push(("spec".to_owned(), pod(chance, is_patch)));
            let spec = mapping(chance, is_patch, vec![("items", inner), ("embedded", Value::Mapping(nested))]);
            object.push(("spec".to_owned(), spec));
        }
    }
}

fn metadata(chance: &mut Chance, is_patch: bool) -> Value {
    let mut fields = vec![("name".to_owned(), Value::Scalar("it".to_owned()))];
    for key in ["labels", "annotations"] {
        if chance.one_in(2) {
            fields.push((key.to_owned(), labels(chance, is_patch)));
        }
    }
    if chance.one_in(3) {
        fields.push(("finalizers".to_owned(), scalars(chance)));
    }
    Value::Mapping(fields)
}

fn labels(chance: &mut Chance, is_patch: bool) -> Value {
    let mut fields = Vec::new();
    for _ in 0..chance.below(4) {
        let key = (*chance.one_of(&["a", "b", "c", "\"5\"", "on", "'q r'"])).to_owned();
        if !fields.iter().any(|(other, _)| *other == key) {
            fields.push((key, scalar(chance)));
        }
    }
    if is_patch && chance.one_in(8) {
        fields.push(directive(chance));
    }
    maybe_odd(Value::Mapping(fields), chance)
}

fn pod(chance: &mut Chance, is_patch: bool) -> Value {
    let containers = containers(chance, is_patch);
    let init = containers_if(chance, is_patch);
    let volumes = list(chance, is_patch, &["name"], &["emptyDir", "secret"]);
    let secrets = list(chance, is_patch, &["name"], &[]);
    let tolerations = list(chance, is_patch, &["key"], &["value"]);
    let hosts = list(chance, is_patch, &["ip"], &["hostnames"]);
    let spread = list(chance, is_patch, &["topologyKey", "whenUnsatisfiable"], &["maxSkew"]);
    let fields = vec![
        ("containers", containers),
        ("initContainers", init),
        ("volumes", volumes),
        ("imagePullSecrets", secrets),
        ("tolerations", tolerations),
        ("hostAliases", hosts),
        ("topologySpreadConstraints", spread),
        ("hostNetwork", scalar(chance)),
        ("nodeSelector", labels(chance, is_patch)),
    ];
    mapping(chance, is_patch, fields)
}

fn containers_if(chance: &mut Chance, is_patch: bool) -> Value {
    if chance.one_in(3) { containers(chance, is_patch) } else { Value::List(Vec::new()) }
}

fn containers(chance: &mut Chance, is_patch: bool) -> Value {
    let mut items = Vec::new();
    for _ in 0..chance.below(4) {
        let mut fields = Vec::new();
        keys(chance, &["name"], &mut fields);
        for (key, value) in [
            ("env", list(chance, is_patch, &["name"], &["value"])),
            ("ports", list(chance, is_patch, &["containerPort", "protocol"], &["name", "hostPort"])),
            ("volumeMounts", list(chance, is_patch, &["mountPath"], &["name"])),
            ("args", scalars(chance)),
            ("image", scalar(chance)),
            ("resources", labels(chance, is_patch)),
        ] {
            if chance.one_in(3) {
                fields.push((key.to_owned(), value));
            }
        }
        if is_patch && chance.one_in(8) {
            fields.push(directive(chance));
        }
        items.push(Value::Mapping(fields));
    }
    odd_list(items, chance, is_patch)
}

fn list(chance: &mut Chance, is_patch: bool, key_fields: &[&str], others: &[&str]) -> Value {
    let mut items = Vec::new();
    for _ in 0..chance.below(5) {
        let mut fields = Vec::new();
        keys(chance, key_fields, &mut fields);
        for other in others {
            if chance.one_in(2) {
                let value = if chance.one_in(4) { labels(chance, is_patch) } else { scalar(chance) };
                fields.push(((*other).to_owned(), value));
            }
        }
        if is_patch && chance.one_in(8) {
            fields.push(directive(chance));
        }
        items.push(Value::Mapping(fields));
    }
    odd_list(items, chance, is_patch)
}

fn keys(chance: &mut Chance, keys: &[&str], fields: &mut Vec<(String, Value)>) {
    for (index, key) in keys.iter().enumerate() {
        if chance.one_in(if index == 0 { 20 } else { 3 }) {
            continue;
        }
        let value = match *key {
            "port" | "containerPort" => *chance.one_of(&["80", "81", "\"80\"", "82"]),
            "protocol" => *chance.one_of(&["TCP", "UDP", "\"TCP\""]),
            _ => *chance.one_of(&NAMES),
        };
        let value = if chance.one_in(40) { scalar(chance) } else { Value::Scalar(value.to_owned()) };
        fields.push(((*key).to_owned(), value));
    }
}

fn odd_list(mut items: Vec<Value>, chance: &mut Chance, is_patch: bool) -> Value {
    if chance.one_in(25) {
        items.push(maybe_odd(Value::Mapping(Vec::new()), chance));
    }
    if chance.one_in(25) {
        items.push(scalar(chance));
    }
    if is_patch && chance.one_in(8) {
        items.push(Value::Mapping(vec![directive(chance)]));
    }
    maybe_odd(Value::List(items), chance)
}

fn scalars(chance: &mut Chance) -> Value {
    let mut items: Vec<Value> = (0..chance.below(5)).map(|_| scalar(chance)).collect();
    if chance.one_in(15) {
        items.push(Value::Mapping(vec![("a".to_owned(), Value::Scalar("b".to_owned()))]));
    }
    if chance.one_in(15) {
        items.push(Value::Mapping(vec![directive(chance)]));
    }
    maybe_odd(Value::List(items), chance)
}

fn mapping(chance: &mut Chance, is_patch: bool, fields: Vec<(&str, Value)>) -> Value {
    let mut kept: Vec<(String, Value)> =
        fields.into_iter().filter(|_| !chance.one_in(3)).map(|(key, value)| (key.to_owned(), value)).collect();
    if is_patch && chance.one_in(15) {
        kept.push(directive(chance));
    }
    maybe_odd(Value::Mapping(kept), chance)
}

fn directive(chance: &mut Chance) -> (String, Value) {
    let value = *chance.one_of(&["delete", "delete", "replace", "merge", "\"delete\"", "other"]);
    ("$patch".to_owned(), Value::Scalar(value.to_owned()))
}

/// Now and then something else.
fn maybe_odd(value: Value, chance: &mut Chance) -> Value {
    match chance.below(60) {
        0 => Value::Scalar("null".to_owned()),
        1 => Value::Scalar(String::new()),
        2 => Value::Mapping(Vec::new()),
        3 => Value::List(Vec::new()),
        4 if chance.one_in(4) => scalar(chance),
        _ => value,
    }
}

fn scalar(chance: &mut Chance) -> Value {
    Value::Scalar(if chance.one_in(25) { String::new() } else { (*chance.one_of(&SCALARS)).to_owned() })
}

fn written(value: &Value, chance: &mut Chance) -> String {
    let mut text = String::new();
    write_block(value, 0, chance, &mut text);
    text
}

fn write_block(value: &Value, indent: usize, chance: &mut Chance, text: &mut String) {
    let flow = indent > 0 && chance.one_in(6);
    match value {
        Value::Mapping(fields) if !fields.is_empty() && !flow => {
            for (index, (key, value)) in fields.iter().enumerate() {
                if index > 0 || !text.ends_with("- ") {
                    text.push_str(&" ".repeat(indent));
                }
                text.push_str(key);
                text.push(':');
                write_field(key, value, indent + 2, chance, text);
            }
        }
        Value::List(items) if !items.is_empty() && !flow => {
            for item in items {
                text.push_str(&" ".repeat(indent));
                text.push('-');
                match item {
                    Value::Mapping(fields) if !fields.is_empty() => {
                        text.push(' ');
                        write_block_mapping_item(item, indent + 2, chance, text);
                    }
                    _ => write_value(item, indent + 2, chance, text),
                }
            }
        }
        _ => {
            text.push_str(&" ".repeat(indent));
            write_flow(value, text);
            text.push('\n');
        }
    }
}

fn write_block_mapping_item(item: &Value, indent: usize, chance: &mut Chance, text: &mut String) {
    if chance.one_in(6) {
        write_flow(item, text);
        text.push('\n');
        return;
    }
    let Value::Mapping(fields) = item else { return };
    for (index, (key, value)) in fields.iter().enumerate() {
        if index > 0 {
            text.push_str(&" ".repeat(indent));
        }
        text.push_str(key);
        text.push(':');
        write_field(key, value, indent + 2, chance, text);
    }
}

fn write_field(key: &str, value: &Value, indent: usize, chance: &mut Chance, text: &mut String) {
    match value {
        Value::Scalar(scalar) if matches!(key, "apiVersion" | "kind" | "name") => {
            text.push_str(&format!(" {scalar}\n"));
        }
        _ => write_value(value, indent, chance, text),
    }
}

fn write_value(value: &Value, indent: usize, chance: &mut Chance, text: &mut String) {
    match value {
        Value::Scalar(scalar) => {
            match chance.below(30) {
                0 => text.push_str(&format!(" |-\n{}{}", " ".repeat(indent), "block text")),
                1 => text.push_str(&format!(" >\n{0}folded\n{0}text", " ".repeat(indent))),
                _ => text.push_str(&format!(" {scalar}")),
            }
            text.push('\n');
        }
        Value::Mapping(fields) if fields.is_empty() => text.push_str(" {}\n"),
        Value::List(items) if items.is_empty() => text.push_str(" []\n"),
        _ => {
            text.push('\n');
            write_block(value, indent, chance, text);
        }
    }
}

fn write_flow(value: &Value, text: &mut String) {
    match value {
        Value::Scalar(scalar) if scalar.is_empty() => text.push_str("null"),
        Value::Scalar(scalar) => text.push_str(scalar),
        Value::List(items) => {
            text.push('[');
            for item in items {
                write_flow(item, text);
                text.push_str(", ");
            }
            text.push(']');
        }
        Value::Mapping(fields) => {
            text.push('{');
            for (key, value) in fields {
                text.push_str(key);
                text.push_str(": ");
                write_flow(value, text);
                text.push_str(", ");
            }
            text.push('}');
        }
    }
}
