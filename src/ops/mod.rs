//! What keeps an installation in shape, and looks it over.

pub mod doctor;
mod retention;

pub use retention::{Removed, Retention};
