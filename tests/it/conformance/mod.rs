//! The storage seam: the same cases over both engines, through the traits alone.

mod installation;
mod keeper;
mod order_admin;
mod orders;
mod overview;
pub mod pg;
mod restore;
mod service;
pub mod settling;
mod sql_door;
pub mod tokens;
mod upkeep;
pub mod webhooks;
mod workers;
