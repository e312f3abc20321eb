//! The commands, as a shell sees them: the real program, in folders of its own.

mod demo;
mod documents;
mod enqueue;
mod keys;
mod migrate;
mod orders;
mod program;
mod tokens;

#[path = "../support/postgres.rs"]
mod postgres;
