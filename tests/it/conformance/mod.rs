//! The storage seam: the same cases over both engines, through the traits alone.

mod installation;
mod keeper;
mod orders;
mod overview;
pub mod pg;
mod service;
mod settling;
pub mod tokens;
mod workers;
