//! Klarna's order call: how it is built, sent, and what its answer means.

pub mod answer;
pub mod client;
mod probe;
pub(crate) mod redact;
pub mod request;
