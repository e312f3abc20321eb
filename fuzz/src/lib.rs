//! The fuzz targets, one function each. The main package's tests run the same over arbitrary bytes.

#[path = "../../tests/support/merchant.rs"]
mod merchant;
#[path = "../../tests/fuzzing/targets.rs"]
mod targets;

pub use targets::*;
