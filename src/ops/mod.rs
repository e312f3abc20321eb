//! For operators: what keeps an installation in shape, looks it over and counts.

pub mod doctor;
pub mod metrics;
mod retention;

pub use retention::{Removed, Retention};
