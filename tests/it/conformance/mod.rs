//! The storage seam: the same cases over both engines, through the traits alone.

mod installation;
mod keeper;
mod orders;
pub mod pg;
mod restore;
mod service;
mod settling;
pub mod tokens;
mod workers;
