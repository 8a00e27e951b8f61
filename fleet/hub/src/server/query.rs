//! The parameters of a query; their names compare without case, as ARM's do.

use std::fmt::Display;
use std::str::FromStr;

use axum::http::Uri;
use thalweg_protocol::{ErrorBody, code};

use crate::api::Failure;

/// The parameters, decoded, in the order given.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// The parameters of an address. What cannot be decoded is as if it were not there.
    pub(super) fn of(uri: &Uri) -> Self {
        Self(axum::extract::Query::try_from_uri(uri).map_or_else(|_| Vec::new(), |axum::extract::Query(given)| given))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first of these names that is given.
    pub(super) fn first_of(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().find(|name| self.get(name).is_some()).copied()
    }

    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Failure> {
        let parse = |value: &str| value.parse().map_err(|fault| refused(name, format!("{fault}")));
        self.get(name).map(parse).transpose()
    }

    pub(super) fn required<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, Failure> {
        self.parsed(name)?.ok_or_else(|| refused(name, "it is required".to_owned()))
    }
}

fn refused(name: &str, why: String) -> Failure {
    let message = format!("The query parameter {name}: {why}.");
    let error = ErrorBody::new(code::INVALID_REQUEST_CONTENT, message);
    Failure::of(400, ErrorBody { target: Some(name.to_owned()), ..error })
}
