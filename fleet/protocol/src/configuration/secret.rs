//! Finds fields that may hold a secret, by name, wherever they stand in a body.

use serde_json::Value;

/// Names of fields that ARM marks as secret, and near neighbours, in lower case.
const SECRET_NAMES: &[&str] = &[
    "accountkey",
    "bucketsecretkey",
    "clientcertificate",
    "clientcertificatepassword",
    "clientsecret",
    "configurationprotectedsettings",
    "httpskey",
    "password",
    "privatekey",
    "protectedsettings",
    "sastoken",
    "secretkey",
    "sshprivatekey",
];

/// Fields whose keys are the user's own names, not the type's.
const USERS_OWN_KEYS: &[&str] = &["kustomizations", "substitute", "tags", "verificationconfig"];

/// The paths of all fields in `body` that may hold a secret and are not null or empty, such as
/// `properties.azureBlob.accountKey`. Names compare without case, so that a misspelt secret is not stored as an unknown
/// field; an address with a password or token in it counts too. Never returns a value.
pub fn secret_fields(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(body, "", false, &mut found);
    found
}

fn walk(value: &Value, path: &str, users_own_keys: bool, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let lower = name.to_ascii_lowercase();
                if users_own_keys {
                    walk(value, &path, false, found);
                } else if is_secret(&lower, &path) {
                    if !is_empty(value) {
                        found.push(path);
                    }
                } else if lower == "url" && value.as_str().is_some_and(holds_credentials) {
                    found.push(path);
                } else {
                    walk(value, &path, USERS_OWN_KEYS.contains(&lower.as_str()), found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{index}]"), false, found);
            }
        }
        _ => {}
    }
}

fn is_secret(lower: &str, path: &str) -> bool {
    // A CA certificate is public, but ARM marks the one of an OCI source's TLS settings as secret.
    SECRET_NAMES.contains(&lower) || (lower == "cacertificate" && path.to_ascii_lowercase().contains("tlsconfig."))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Array(items) => items.iter().all(is_empty),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether an address carries a password, or over HTTP any user at all (there it is usually a token), or a shared
/// access signature.
fn holds_credentials(url: &str) -> bool {
    let Some((scheme, rest)) = url.trim().split_once("://") else { return false };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let signed = path.split_once('?').is_some_and(|(_, query)| {
        query.split('&').any(|pair| pair.split('=').next().is_some_and(|name| name.eq_ignore_ascii_case("sig")))
    });
    signed || user.is_some_and(|user| user.contains(':') || scheme.to_ascii_lowercase().starts_with("http"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_secret_field_is_found_by_name_and_nothing_else_is() {
        let cases = [
            (
                json!({"properties": {"configurationProtectedSettings": {"httpsKey": "x"}}}),
                "properties.configurationProtectedSettings",
            ),
            (
                json!({"properties": {"CONFIGURATIONPROTECTEDSETTINGS": {"a": "x"}}}),
                "properties.CONFIGURATIONPROTECTEDSETTINGS",
            ),
            (json!({"configurationProtectedSettings": {"a": "x"}}), "configurationProtectedSettings"),
            (json!({"properties": {"azureBlob": {"accountKey": "x"}}}), "properties.azureBlob.accountKey"),
            (json!({"properties": {"azureBlob": {"sasToken": "x"}}}), "properties.azureBlob.sasToken"),
            (
                json!({"properties": {"azureBlob": {"servicePrincipal": {"clientSecret": "x"}}}}),
                "properties.azureBlob.servicePrincipal.clientSecret",
            ),
            (
                json!({"properties": {"azureBlob": {"servicePrincipal": {"clientCertificate": "x"}}}}),
                "properties.azureBlob.servicePrincipal.clientCertificate",
            ),
            (
                json!({"properties": {"azureBlob": {"servicePrincipal": {"clientCertificatePassword": "x"}}}}),
                "properties.azureBlob.servicePrincipal.clientCertificatePassword",
            ),
            (
                json!({"properties": {"ociRepository": {"tlsConfig": {"privateKey": "x"}}}}),
                "properties.ociRepository.tlsConfig.privateKey",
            ),
            (
                json!({"properties": {"ociRepository": {"tlsConfig": {"clientCertificate": "x"}}}}),
                "properties.ociRepository.tlsConfig.clientCertificate",
            ),
            (
                json!({"properties": {"ociRepository": {"tlsConfig": {"caCertificate": "x"}}}}),
                "properties.ociRepository.tlsConfig.caCertificate",
            ),
            (
                json!({"properties": {"gitRepository": {"url": "https://user:pw@host/r"}}}),
                "properties.gitRepository.url",
            ),
            (json!({"properties": {"gitRepository": {"url": "https://token@host/r"}}}), "properties.gitRepository.url"),
            (
                json!({"properties": {"azureBlob": {"url": "https://a.blob.core.windows.net/?sv=1&sig=x"}}}),
                "properties.azureBlob.url",
            ),
            (json!({"properties": {"gitRepository": {"url": "ssh://git:pw@host/r"}}}), "properties.gitRepository.url"),
            (
                json!({"properties": {"arcAgentryConfigurations": [{"protectedSettings": {"a": "x"}}]}}),
                "properties.arcAgentryConfigurations[0].protectedSettings",
            ),
            (
                json!({"properties": {"kustomizations": {"a": {"password": "x"}}}}),
                "properties.kustomizations.a.password",
            ),
            (json!({"properties": {"configurationProtectedSettings": null}}), ""),
            (json!({"properties": {"configurationProtectedSettings": {}}}), ""),
            (json!({"properties": {"configurationProtectedSettings": {"httpsKey": ""}}}), ""),
            (json!({"properties": {"kustomizations": {"password": {"path": "x"}}}}), ""),
            (
                json!({"properties": {"gitRepository": {"url": "ssh://git@host/r", "httpsCACert": "x", "httpsUser": "u"}}}),
                "",
            ),
            (json!({"properties": {"gitRepository": {"url": "git@host:r"}}}), ""),
            (json!({"properties": {"gitRepository": {"url": "https://host/a@b:c"}}}), ""),
            (json!({"properties": {"bucket": {"accessKey": "public-id"}}}), ""),
            (json!({"tags": {"password": "policy"}}), ""),
        ];
        for (body, expected) in cases {
            assert_eq!(secret_fields(&body).join(" "), expected, "{body}");
        }
    }
}
