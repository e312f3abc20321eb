//! The storage seam: the same cases over both engines, through the traits alone.

mod installation;
mod keeper;
mod orders;
pub mod pg;
mod service;
mod settling;
mod steering;
pub mod tokens;
mod workers;
