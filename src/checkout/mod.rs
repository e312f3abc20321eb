//! Klarna's order call: what is sent, and what its answers mean.

pub mod answer;
pub mod client;
mod redact;
