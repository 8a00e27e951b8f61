//! The contract of the kinds: types, checked-in schemas and tables agree, and every kind has all that a kind needs.

#![expect(clippy::unwrap_used, reason = "tests; clippy sees only the functions marked as such")]
#![expect(clippy::disallowed_methods, reason = "tests read and, with UPDATE_EXPECT, write checked-in files")]

mod generated;
mod kinds;
mod schema;
mod support;
mod types;
