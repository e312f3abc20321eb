//! The model's tests: every scene keeps every promise, and without any rule some scene breaks one.

mod rules;
mod scenes;
