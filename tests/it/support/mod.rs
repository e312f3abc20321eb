//! Helpers of the tests.

pub mod klarna;
pub mod log;
pub mod raw;
pub mod stores;
