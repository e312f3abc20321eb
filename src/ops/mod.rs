//! For operators: `doctor`, metrics and retention.

pub mod doctor;
pub mod metrics;
mod retention;

pub use retention::{Removed, Retention};
