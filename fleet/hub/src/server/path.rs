//! ARM paths in any case: the words of a path are lowered, the names in it stay as they are.

use axum::http::uri::PathAndQuery;
use axum::http::{Request, Uri};

/// The request with its path in the form that the routes are written in.
pub(super) fn canonical_request<B>(mut request: Request<B>) -> Request<B> {
    if let Some(uri) = canonical_uri(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn canonical_uri(uri: &Uri) -> Option<Uri> {
    let path = canonical(uri.path());
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path_and_query).ok()?);
    Uri::from_parts(parts).ok()
}

/// Lowers the words of an ARM path: a type, then a name, and after `providers` a provider, then types and names again.
fn canonical(path: &str) -> String {
    const ROOT: &str = "/subscriptions";
    if !path.get(..ROOT.len()).is_some_and(|start| start.eq_ignore_ascii_case(ROOT)) {
        return path.to_owned();
    }
    enum Expected {
        Type,
        Name,
        Provider,
    }
    let mut expected = Expected::Type;
    let mut canonical = String::with_capacity(path.len());
    for segment in path.trim_end_matches('/').split('/').skip(1) {
        let lower = segment.to_ascii_lowercase();
        canonical.push('/');
        canonical.push_str(match expected {
            Expected::Name => segment,
            Expected::Type | Expected::Provider => &lower,
        });
        expected = match expected {
            Expected::Type if lower == "providers" => Expected::Provider,
            Expected::Type => Expected::Name,
            Expected::Name | Expected::Provider => Expected::Type,
        };
    }
    canonical
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lowered_and_names_are_kept() {
        let cases = [
            ("/Subscriptions/S/ResourceGroups/RG", "/subscriptions/S/resourcegroups/RG"),
            ("/subscriptions/S/resourcegroups/", "/subscriptions/S/resourcegroups"),
            (
                "/subscriptions/S/Providers/Microsoft.Kubernetes/ConnectedClusters",
                "/subscriptions/S/providers/microsoft.kubernetes/connectedclusters",
            ),
            (
                "/subscriptions/S/resourceGroups/Providers/providers/Microsoft.Kubernetes/connectedClusters/C\
                 /providers/Microsoft.KubernetesConfiguration/fluxConfigurations/F",
                "/subscriptions/S/resourcegroups/Providers/providers/microsoft.kubernetes/connectedclusters/C\
                 /providers/microsoft.kubernetesconfiguration/fluxconfigurations/F",
            ),
            ("/agent/v1/Register", "/agent/v1/Register"),
            ("/", "/"),
        ];
        for (path, expected) in cases {
            assert_eq!(canonical(path), expected);
        }
    }
}
