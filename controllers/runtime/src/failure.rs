//! Why a pass failed unexpectedly.

use std::error::Error;
use std::fmt;

/// An error that ends a pass and is retried with growing delays. Made from any error with `?`.
///
/// What a user can mend belongs into conditions and ends with a [`Next`](crate::Next); this is for the rest, such as an
/// API server that does not answer. Its text is the whole chain of causes.
pub struct Failure(Box<dyn Error + Send + Sync>);

impl Failure {
    /// A failure that has no cause but this text.
    pub fn message(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&chain(self.0.as_ref()))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The texts of an error and its causes, joined by `: `; a cause whose text its effect already ends with is left out.
/// Of a refusal by the API server it is the message that counts.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let refusal = match error.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) if !status.message.is_empty() => Some(status.message.clone()),
            _ => None,
        };
        next = if refusal.is_some() { None } else { error.source() };
        let part = refusal.unwrap_or_else(|| error.to_string());
        if text.is_empty() {
            text = part;
        } else if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("applying ConfigMap/a")]
    struct Applying(#[source] std::fmt::Error);

    #[test]
    fn a_failure_tells_the_whole_chain_once() {
        let failure = Failure::from(Applying(std::fmt::Error));
        assert_eq!(failure.to_string(), format!("applying ConfigMap/a: {}", std::fmt::Error));
    }

    #[test]
    fn a_refusal_by_the_api_server_is_told_in_its_own_words() {
        let status = kube::core::Status::failure("namespaces \"apps\" not found", "NotFound").with_code(404);
        assert_eq!(chain(&kube::Error::Api(Box::new(status))), "namespaces \"apps\" not found");
    }
}
