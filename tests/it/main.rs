//! Tests through the public doors.

mod cli;
mod form;
