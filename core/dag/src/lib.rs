//! The order of things that depend on each other, and the cycle when there is none.
//!
//! A [`Dag`] holds nodes and what each depends on. [`Dag::order`] puts every node behind what it depends on, equal input
//! giving equal output whatever the order of insertion; where that is impossible it answers the [`Cycle`], as a path that
//! ends where it began.
//!
//! ```
//! use thalweg_dag::Dag;
//!
//! let dag = Dag::from_iter([("apps", vec!["infra"]), ("infra", vec![])]);
//! assert_eq!(dag.order(), Ok(vec!["infra", "apps"]));
//!
//! let dag = Dag::from_iter([("apps", vec!["infra"]), ("infra", vec!["apps"])]);
//! assert_eq!(dag.order().expect_err("a cycle").to_string(), "apps → infra → apps");
//! ```

mod dag;

pub use dag::{Cycle, Dag};
