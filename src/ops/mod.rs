//! What an operator needs beside the doors.

pub mod metrics;
