//! A kubeconfig: how clients find the server, and who they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The name of the cluster, the user and the context.
const NAME: &str = "thalweg";

/// A kubeconfig for one server, YAML. `authority` is a certificate, PEM; `token` a bearer token.
pub fn kubeconfig(server: &str, authority: Option<&str>, token: Option<&str>) -> String {
    let authority = authority.map(|pem| format!("    certificate-authority-data: {}\n", STANDARD.encode(pem)));
    let user = token.map_or_else(|| "  user: {}\n".to_owned(), |token| format!("  user:\n    token: {token}\n"));
    format!(
        "apiVersion: v1\nkind: Config\n\
         clusters:\n- name: {NAME}\n  cluster:\n    server: {server}\n{}\
         users:\n- name: {NAME}\n{user}\
         contexts:\n- name: {NAME}\n  context:\n    cluster: {NAME}\n    user: {NAME}\n    namespace: default\n\
         current-context: {NAME}\n",
        authority.unwrap_or_default(),
    )
}
