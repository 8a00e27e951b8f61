//! The simple JSON paths of `additionalPrinterColumns`: `.spec.replicas`, `.items[0].name`, `.list[*]`,
//! `.status.conditions[?(@.type=="Ready")].status`, `.metadata.labels.a\.b`.

use serde_json::Value;

/// A step from values to values.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Every,
    Index(i64),
    /// Items in which the value at these fields is, or is not, this one.
    Where {
        fields: Vec<String>,
        equal: bool,
        value: Value,
    },
}

/// The first value to which a path leads. A path that cannot be read leads nowhere.
pub(crate) fn first<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut found = vec![value];
    for step in steps(path)? {
        found = found.into_iter().flat_map(|value| step.follow(value)).collect();
    }
    found.first().copied()
}

impl Step {
    fn follow<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        match self {
            Step::Field(name) => value.get(name).into_iter().collect(),
            Step::Every => value.as_object().map_or_else(|| items.iter().collect(), |fields| fields.values().collect()),
            Step::Index(at) => {
                let at = if *at < 0 { usize::try_from(*at + items.len() as i64) } else { usize::try_from(*at) };
                at.ok().and_then(|at| items.get(at)).into_iter().collect()
            }
            Step::Where { fields, equal, value } => {
                let of = |item: &'a Value| fields.iter().try_fold(item, |item, field| item.get(field));
                items.iter().filter(|item| of(item).is_some_and(|found| (found == value) == *equal)).collect()
            }
        }
    }
}

fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.trim().trim_start_matches('{').trim_end_matches('}').trim_start_matches('$');
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let end = closing(after)?;
            steps.extend(bracket(after[..end].trim())?);
            rest = &after[end + 1..];
        } else {
            let after = rest.strip_prefix('.').unwrap_or(rest);
            let (name, after) = field(after);
            match name.as_str() {
                "" => {}
                "*" => steps.push(Step::Every),
                _ => steps.push(Step::Field(name)),
            }
            if after.len() == rest.len() {
                return None;
            }
            rest = after;
        }
    }
    Some(steps)
}

/// Where the bracket ends, whatever stands between quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, character)| {
        match (quote, character) {
            (None, ']') => return Some(at),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), character) if open == character => quote = None,
            _ => {}
        }
        None
    })
}

fn bracket(text: &str) -> Option<Vec<Step>> {
    if text == "*" {
        return Some(vec![Step::Every]);
    }
    if let Some(quoted) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        // A dot within the quotes still separates, unless it is escaped, as in client-go's jsonpath.
        return steps(&format!(".{quoted}"));
    }
    if let Some(filter) = text.strip_prefix("?(").and_then(|text| text.strip_suffix(')')) {
        let (equal, (left, right)) = match filter.split_once("==") {
            Some(sides) => (true, sides),
            None => (false, filter.split_once("!=")?),
        };
        let fields = steps(left.trim().strip_prefix('@')?)?.into_iter().map(|step| match step {
            Step::Field(name) => Some(name),
            _ => None,
        });
        let right = right.trim();
        let quoted = right.trim_matches(['"', '\'']);
        let value = if quoted.len() < right.len() { Value::from(quoted) } else { serde_json::from_str(right).ok()? };
        return Some(vec![Step::Where { fields: fields.collect::<Option<_>>()?, equal, value }]);
    }
    text.parse().ok().map(|at| vec![Step::Index(at)])
}

/// A name up to the next dot or bracket, and what follows it.
fn field(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
            '.' | '[' => return (name, &text[at..]),
            _ => name.push(character),
        }
    }
    (name, "")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn paths_lead_where_kubectl_says() {
        let object = json!({
            "spec": {"replicas": 3, "list": ["x", "z"], "map": {"a.b": "dotted", "c": "d"}},
            "status": {"conditions": [{"type": "Other", "status": "x"}, {"type": "Ready", "status": "True", "n": 2}]},
        });
        for (path, expected) in [
            (".spec.replicas", json!(3)),
            ("spec.replicas", json!(3)),
            ("{.spec.replicas}", json!(3)),
            (".spec.list", json!(["x", "z"])),
            (".spec.list[0]", json!("x")),
            (".spec.list[-1]", json!("z")),
            (".spec.list[7]", Value::Null),
            (".spec.list[*]", json!("x")),
            (r".spec.map.a\.b", json!("dotted")),
            (".spec.map['a.b']", Value::Null),
            (r".spec.map['a\.b']", json!("dotted")),
            (".spec.map['c']", json!("d")),
            (r#".status.conditions[?(@.type=="Ready")].status"#, json!("True")),
            (".status.conditions[?(@.type=='Ready')].status", json!("True")),
            (r#".status.conditions[?(@.type != "Ready")].status"#, json!("x")),
            (".status.conditions[?(@.n==2)].type", json!("Ready")),
            (r#".status.conditions[?(@.type=="]")].status"#, Value::Null),
            (".status.conditions[", Value::Null),
            (".nothing.there", Value::Null),
        ] {
            assert_eq!(super::first(&object, path).cloned().unwrap_or_default(), expected, "{path}");
        }
    }
}
