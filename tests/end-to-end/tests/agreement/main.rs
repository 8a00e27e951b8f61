//! The embedded API server and a real kube-apiserver are asked the same things and must answer the same.
//!
//! | module | what it asks |
//! | --- | --- |
//! | [`cases`] | the sequences of requests in testdata/agreement/*.yaml |
//! | [`random`] | random writes by several managers, over the kinds of testdata/agreement/random.yaml |
//! | [`kinds`] | the objects of testdata/kinds/*.yaml, whose recorded answers the embedded server's own tests use |
//!
//! Answers are compared after [`normal`] has given names to what must differ: uids, times, resourceVersions, addresses.
#![expect(clippy::disallowed_methods, reason = "tests start programs, read files and the clock")]
#![expect(clippy::print_stdout, reason = "tests tell figures, and how answers differ")]
#![expect(clippy::unwrap_used, reason = "tests; clippy sees only the functions marked as such")]

mod cases;
mod difference;
mod ground;
mod kinds;
mod normal;
mod random;
mod server;
mod step;
