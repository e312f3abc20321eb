//! Every statement for SQLite. Times are microseconds since 1970; the program's clock is the database's, since both are
//! on one machine.

mod erasure;
mod installation;
mod keeper;
mod keys;
mod order_admin;
mod orders;
mod overview;
mod pages;
mod resolving;
mod restore;
mod tokens;
mod upkeep;
mod webhooks;
mod workers;

pub(super) use self::erasure::*;
pub(super) use self::installation::*;
pub(super) use self::keeper::*;
pub(super) use self::keys::*;
pub(super) use self::order_admin::*;
pub(super) use self::orders::*;
pub(super) use self::overview::*;
pub(super) use self::pages::*;
pub(super) use self::resolving::*;
pub(super) use self::restore::*;
pub(super) use self::tokens::*;
pub(super) use self::upkeep::*;
pub(super) use self::webhooks::*;
pub(super) use self::workers::*;

/// Those of each room, with their names.
#[cfg(test)]
pub(in crate::store) const ALL: &[&[(&str, &str)]] = &[
    erasure::ALL,
    installation::ALL,
    keeper::ALL,
    keys::ALL,
    orders::ALL,
    overview::ALL,
    pages::ALL,
    resolving::ALL,
    restore::ALL,
    order_admin::ALL,
    tokens::ALL,
    upkeep::ALL,
    webhooks::ALL,
    workers::ALL,
];
