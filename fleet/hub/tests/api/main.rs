//! The hub over real HTTP, as clients and agents meet it.
#![expect(clippy::disallowed_methods, reason = "tests look at the hub's files from outside")]
#![expect(clippy::unwrap_used, reason = "what a test cannot do without may end it")]

mod access;
mod agents;
mod documents;
mod secrets;
mod serving;
mod world;
