//! The hub: the fleet's central API, in the Azure Resource Manager wire format, over an embedded store.
//!
//! Clients PUT resource groups, connected clusters and Flux configurations; agents pull what is desired of their cluster
//! and push its state. [`Api`] is what the hub can do, [`server`] puts it on HTTP, [`Hub`] does it over a [`Store`].
//! [`serve`] runs all three; [`mint_token`] makes the bearer tokens that callers need.
//!
//! What the hub never does: keep a secret or a token (it keeps digests of tokens and refuses secrets by name), delete
//! anything in a cluster without a tombstone, or serve plain HTTP outside loopback.

pub mod api;
mod clock;
mod hub;
mod serve;
pub mod server;
pub mod store;
mod token;

pub use api::Api;
pub use clock::Clock;
pub use hub::Hub;
pub use serve::{Options, ServeError, Serving, TlsFiles, serve};
pub use store::{Store, StoreError};
pub use token::{MintError, Subject, mint_token};
