//! The model's tests: every scenario keeps every promise, and without any rule some scenario breaks
//! one.

mod rules;
mod scenarios;
