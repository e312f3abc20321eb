//! What keeps an installation in shape.

mod retention;

pub use retention::{Removed, Retention};
