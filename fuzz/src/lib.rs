//! The fuzz targets, one function each. The workspace's tests run the same functions with random
//! bytes.

pub use test_support::fuzz_targets::*;
