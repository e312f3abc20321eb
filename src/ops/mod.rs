//! For operators: `doctor`, metrics, retention, and the comparison with the provider's OpenID
//! documents.

pub mod discovery;
pub mod doctor;
mod exposed;
pub mod metrics;
mod predecessors;
mod providers;
mod retention;

pub use exposed::exposed_files;
pub use predecessors::{Before, NewFolder, before};
pub use providers::foreign_tokens;
pub use retention::{Removed, Retention};
