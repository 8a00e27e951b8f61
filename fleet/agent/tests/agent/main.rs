//! The agent between a real hub, on loopback, and an API server in process.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without may end it")]

mod api_server;
mod configurations;
mod epochs;
mod registration;
mod world;
