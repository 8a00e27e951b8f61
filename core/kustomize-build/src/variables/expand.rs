//! `$(NAME)` in a text.

use std::collections::HashMap;

use super::VarValue;

/// The text with its vars replaced. `$$` is one dollar sign; what no var has for a name stays. A text that is one var and
/// nothing else becomes the value with its type.
pub(super) fn expand(text: &str, values: &HashMap<&str, VarValue>) -> VarValue {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            after
        } else if let Some((name, after)) = after.strip_prefix('(').and_then(|inside| inside.split_once(')')) {
            match values.get(name) {
                None | Some(VarValue::Collection) => expanded.push_str(&format!("$({name})")),
                Some(value) if name.len() + 3 == text.len() => {
                    return value.clone();
                }
                Some(value) => expanded.push_str(&value.shown()),
            }
            after
        } else {
            expanded.push('$');
            after
        };
    }
    expanded.push_str(rest);
    VarValue::Text(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vars_are_replaced_as_kustomize_does() {
        let values = HashMap::from([
            ("A", VarValue::Text("a$(B)".to_owned())),
            ("N", VarValue::Int(8080)),
            ("F", VarValue::Float(1e21)),
            ("T", VarValue::Bool(true)),
            ("M", VarValue::Collection),
        ]);
        let text = |text: &str| VarValue::Text(text.to_owned());
        for (input, expected) in [
            ("$(A)", text("a$(B)")),
            ("$(N)", VarValue::Int(8080)),
            ("$(T)", VarValue::Bool(true)),
            ("x$(N)$(T)", text("x8080true")),
            ("x-$(N)", text("x-8080")),
            ("$(N)-x", text("8080-x")),
            ("$(F) ", text("1e+21 ")),
            ("$$(N)", text("$(N)")),
            ("$$$(N)", text("$8080")),
            ("$(X) $(M)", text("$(X) $(M)")),
            ("$(M)", text("$(M)")),
            ("$(N", text("$(N")),
            ("$N $", text("$N $")),
            ("$($(N))", text("$($(N))")),
            ("", text("")),
        ] {
            assert_eq!(expand(input, &values), expected, "{input}");
        }
    }
}
