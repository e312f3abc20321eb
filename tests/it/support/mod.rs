//! Helpers of the tests.

pub mod klarna;
pub mod raw;
pub mod stores;
