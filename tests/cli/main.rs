//! The commands, as a shell sees them: the real program, in folders of its own.

mod bench;
mod demo;
mod enqueue;
mod migrate;
mod orders;
mod program;
mod tokens;

#[path = "../support/postgres.rs"]
mod postgres;
