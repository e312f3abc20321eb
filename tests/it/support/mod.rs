//! What tests stand on.

pub mod klarna;
pub mod raw;
pub mod stores;
