//! The storage seam: the same cases over both engines, through the traits alone.

mod installation;
mod orders;
mod pg;
mod settling;
mod tokens;
mod workers;
