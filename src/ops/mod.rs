//! For operators: `doctor`, metrics and retention.

pub mod doctor;
pub mod metrics;
mod providers;
mod retention;

pub use providers::foreign_tokens;
pub use retention::{Removed, Retention};
