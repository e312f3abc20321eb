//! Klarna's order call.

pub mod request;
