//! Selectors as objects have them: a LabelSelector of meta/v1.

use serde_json::Value;

/// Whether a LabelSelector selects these labels: none selects nothing, an empty one everything.
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    let equal = selector["matchLabels"].as_object().into_iter().flatten().all(|(key, value)| labels[key] == *value);
    let requirements = selector["matchExpressions"].as_array();
    selector.is_object() && equal && requirements.into_iter().flatten().all(|requirement| holds(requirement, labels))
}

fn holds(requirement: &Value, labels: &Value) -> bool {
    let label = requirement["key"].as_str().and_then(|key| labels.get(key));
    let listed =
        || requirement["values"].as_array().is_some_and(|values| label.is_some_and(|label| values.contains(label)));
    match requirement["operator"].as_str() {
        Some("In") => listed(),
        Some("NotIn") => !listed(),
        Some("Exists") => label.is_some(),
        Some("DoesNotExist") => label.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_selects_labels() {
        let labels = serde_json::json!({"app": "shop", "tier": "web"});
        for (selector, expected) in [
            ("null", false),
            ("{}", true),
            ("{matchLabels: {app: shop}}", true),
            ("{matchLabels: {app: shop, tier: db}}", false),
            ("{matchExpressions: [{key: tier, operator: In, values: [web, db]}]}", true),
            ("{matchExpressions: [{key: tier, operator: NotIn, values: [web, db]}]}", false),
            ("{matchExpressions: [{key: other, operator: NotIn, values: [web, db]}]}", true),
            ("{matchExpressions: [{key: other, operator: Exists}]}", false),
            ("{matchLabels: {app: shop}, matchExpressions: [{key: other, operator: DoesNotExist}]}", true),
        ] {
            let selector: Value = serde_yaml::from_str(selector).unwrap();
            assert_eq!(selects(&selector, &labels), expected, "{selector}");
        }
    }
}
