//! The `Accept` header: what a client would like, best first.

/// One media type that a client accepts, with its parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Clause<'a> {
    /// Such as `application/json`.
    pub(crate) media_type: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    quality: f32,
}

impl<'a> Clause<'a> {
    /// The value of a parameter; empty when it is not given.
    pub(crate) fn parameter(&self, name: &str) -> &'a str {
        self.parameters.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// Whether JSON satisfies it, whatever its parameters.
    pub(crate) fn allows_json(&self) -> bool {
        matches!(self.media_type, "application/json" | "application/*" | "*/*")
    }

    fn read(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let mut clause = Self { media_type, parameters: Vec::new(), quality: 1.0 };
        for (key, value) in parts.map(|part| part.split_once('=').unwrap_or((part, ""))) {
            match key {
                "q" => clause.quality = value.parse().unwrap_or(1.0),
                key => clause.parameters.push((key, value.trim_matches('"'))),
            }
        }
        clause
    }
}

/// The clauses of the header, best first; among equals as they were given, wildcards last.
pub(crate) fn clauses(accept: &str) -> Vec<Clause<'_>> {
    let mut clauses: Vec<_> = accept
        .split(',')
        .filter(|text| !text.trim().is_empty())
        .map(Clause::read)
        .filter(|clause| clause.quality > 0.0)
        .collect();
    clauses.sort_by(|left, right| {
        let wild = |clause: &Clause<'_>| clause.media_type.matches('*').count();
        right.quality.total_cmp(&left.quality).then(wild(left).cmp(&wild(right)))
    });
    clauses
}

#[cfg(test)]
mod tests {
    use super::clauses;

    #[test]
    fn clauses_are_ordered_by_quality_and_wildcards_come_last() {
        check("", &[]);
        check("application/json", &["application/json"]);
        check("*/*, application/*;q=1, application/json", &["application/json", "application/*", "*/*"]);
        check("application/yaml;q=0.5,application/json", &["application/json", "application/yaml"]);
        check("application/json;q=0, text/plain", &["text/plain"]);
        check(
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
            &["application/json Table", "application/json"],
        );
    }

    fn check(accept: &str, expected: &[&str]) {
        let named =
            |clause: &super::Clause<'_>| format!("{} {}", clause.media_type, clause.parameter("as")).trim().to_owned();
        assert_eq!(clauses(accept).iter().map(named).collect::<Vec<_>>(), expected, "{accept}");
    }
}
