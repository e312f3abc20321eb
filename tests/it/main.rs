//! Tests through the public doors.

mod cli;
mod conformance;
mod form;
mod keeper;
mod model;
mod rooms;
mod support;
mod vault;
