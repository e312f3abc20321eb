//! Tests through the public doors.

mod cli;
mod conformance;
mod delivery;
mod form;
mod intake;
mod keeper;
mod migrations;
mod model;
mod rooms;
mod support;
mod vault;
mod watch;
