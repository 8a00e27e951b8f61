//! The protected settings of a FluxConfiguration: what its Secret holds.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;

/// ARM's name of the password or token for HTTPS.
pub(crate) const HTTPS_KEY: &str = "httpsKey";

/// The protected settings, by ARM's names. Prints as their names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings(BTreeMap<String, Vec<u8>>);

impl Settings {
    /// The data of a Secret.
    pub(crate) fn of(data: Option<&BTreeMap<String, ByteString>>) -> Self {
        Self(data.into_iter().flatten().map(|(name, value)| (name.clone(), value.0.clone())).collect())
    }

    /// A setting that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_print_without_their_values() {
        let data = BTreeMap::from([(HTTPS_KEY.to_owned(), ByteString(b"canary".to_vec()))]);
        let text = format!("{:?}", Settings::of(Some(&data)));
        assert_eq!(text, "{\"httpsKey\"}");
    }
}
