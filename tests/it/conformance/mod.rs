//! The storage traits: the same cases on both engines.

mod direct;
mod endpoints;
mod enqueue_order;
mod inserting;
mod installation;
mod keeper;
mod late_results;
mod locks;
mod order_admin;
mod orders;
mod overview;
mod pauses;
pub mod pg;
mod pooler;
mod renaming;
mod restore;
mod searching;
mod service;
mod sessions;
pub mod settling;
mod shared_claims;
pub mod tokens;
mod upkeep;
mod waiting;
mod wal;
pub mod webhooks;
mod workers;
