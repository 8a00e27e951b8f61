//! A Kubernetes API server as a `tower` service: in memory, deterministic, and faithful enough that programs cannot tell.
//!
//! [`ApiServer`] takes `http` requests and gives `http` responses. All that it knows is behind one lock; it starts no thread
//! and opens no socket, and its clock and its randomness are passed in with [`Options`]. A request is read into a `Call`
//! (`request`), answered by the functions of `read`, `watch` and `write`, and recorded in the [`audit`] trail.
//!
//! ```
//! use http::Request;
//! use http_body_util::BodyExt;
//! use thalweg_apiserver::{ApiServer, Body, Options};
//! use tower::ServiceExt;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let server = ApiServer::new(Options::default());
//! let request = Request::get("/api/v1/namespaces/default").body(Body::empty()).unwrap();
//! let answer = server.oneshot(request).await.unwrap();
//! assert_eq!(answer.status(), 200);
//! # });
//! ```

mod answer;
pub mod audit;
mod auth;
mod body;
pub mod controllers;
mod decode;
mod definitions;
mod discovery;
mod field_selector;
mod kinds;
mod label_selector;
mod loopback;
mod metadata;
mod names;
mod newest;
mod object;
mod openapi;
mod options;
mod ownership;
mod protobuf;
mod read;
mod registry;
mod request;
mod respond;
mod selector;
pub mod serve;
mod server;
mod shape;
mod state;
mod status;
mod store;
mod table;
mod watch;
mod write;

pub use auth::User;
pub use body::Body;
pub use loopback::Loopback;
pub use object::Object;
pub use options::Options;
pub use request::Verb;
pub use server::ApiServer;
pub use status::{Cause, Details, Status};
