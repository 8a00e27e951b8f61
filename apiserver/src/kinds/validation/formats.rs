//! Formats that only built-in kinds have, with the messages of apimachinery's `validation` package. Names and labels are in
//! [`crate::names`].

use std::sync::LazyLock;

use regex::Regex;

static DATA_KEY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^[-._a-zA-Z0-9]+$").expect("a pattern of ours compiles"));
const DATA_KEY_RULE: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// A key in the data of a ConfigMap or a Secret.
pub(crate) fn data_key(value: &str) -> Vec<String> {
    let rule = (!DATA_KEY.is_match(value)).then(|| DATA_KEY_RULE.to_owned());
    let dots = match value {
        "." | ".." => Some(format!("must not be '{value}'")),
        _ if value.starts_with("..") => Some("must not start with '..'".to_owned()),
        _ => None,
    };
    longer(value, 253).into_iter().chain(rule).chain(dots).collect()
}

/// The name of a port.
pub(crate) fn port_name(value: &str) -> Vec<String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let characters = !value.is_empty() && value.chars().all(allowed);
    let rules = [
        (characters, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"),
        (value.chars().any(|c| c.is_ascii_lowercase()), "must contain at least one letter (a-z)"),
        (!value.contains("--"), "must not contain consecutive hyphens"),
        (!value.starts_with('-') && !value.ends_with('-'), "must not begin or end with a hyphen"),
    ];
    let broken = rules.iter().filter(|(holds, _)| !holds).map(|(_, message)| (*message).to_owned());
    longer(value, 15).into_iter().chain(broken).collect()
}

/// The number of a port.
pub(crate) fn port(value: i64) -> Vec<String> {
    if (1..=65535).contains(&value) { Vec::new() } else { vec!["must be between 1 and 65535, inclusive".into()] }
}

/// A share such as `25%`.
pub(crate) fn percent(value: &str) -> Vec<String> {
    let digits =
        value.strip_suffix('%').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    if digits { Vec::new() } else { vec!["must be an integer or percentage (e.g '5%%')".into()] }
}

fn longer(value: &str, bytes_max: usize) -> Option<String> {
    (value.len() > bytes_max).then(|| format!("must be no more than {bytes_max} characters"))
}
