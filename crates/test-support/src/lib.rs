//! What the tests of `klarna-order-worker` share: databases, the program in a process of its own,
//! servers that misbehave, and an issuer of id_tokens.
//!
//! | module | what |
//! |---|---|
//! | [`postgres`] | an empty PostgreSQL database for each test |
//! | [`ports`] | ports at which nothing listens |
//! | [`cluster`] | a PostgreSQL server that a test stops and starts |
//! | [`pooler`] | `PgBouncer` before that server |
//! | [`engine`] | one scenario on both engines |
//! | [`program`] | the program under test in a process of its own |
//! | [`shop`] | a shop: its settings, its sandbox and its signed-in users |
//! | [`service`] | a running service, and a client of its HTTP API |
//! | [`sandbox`] | a client of the sandbox |
//! | [`lock`] | a session that blocks writes to a table |
//! | [`receiver`] | a shop's endpoint for webhooks |
//! | [`faults`] | a server that sends and breaks off what a test says |
//! | [`issuer`] | keys that sign id_tokens |
//! | [`certificates`] | certificates for TLS |
//! | [`merchant`] | a merchant's settings |
//! | [`leaks`] | finds secrets in files and rows |

#![allow(clippy::missing_panics_doc, reason = "a test fails by a panic")]

pub use mockito;

pub mod certificates;
pub mod cluster;
pub mod engine;
pub mod faults;
#[cfg(feature = "fuzzing")]
pub mod fuzz_targets;
pub mod issuer;
pub mod leaks;
pub mod lock;
pub mod merchant;
pub mod pooler;
pub mod ports;
pub mod postgres;
pub mod program;
pub mod receiver;
pub mod sandbox;
pub mod service;
pub mod shop;
