//! Tests through the public interfaces.

mod audit;
mod cli;
mod conformance;
mod delivery;
mod intake;
mod keeper;
mod migrations;
mod model;
mod modules;
mod repository_files;
mod sessions;
mod support;
mod vault;
mod watch;
