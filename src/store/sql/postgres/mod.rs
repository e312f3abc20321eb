//! Every statement for PostgreSQL. The parameter `now` is null except in tests: the statement uses
//! the database's clock at the moment when it runs (`clock_timestamp()`), not when its transaction
//! began.

mod audit;
mod dashboard;
mod erasure;
mod export;
mod follow_ups;
mod inspect;
mod installation;
mod keeper;
mod keys;
mod migrate;
mod order_admin;
mod orders;
mod outages;
mod overview;
mod own;
mod pausing;
mod providers;
mod rates;
mod renaming;
mod resolving;
mod restore;
mod revocations;
mod sessions;
mod tokens;
mod upkeep;
mod user_changes;
mod webhooks;
mod workers;

pub(in crate::store) use self::inspect::*;
pub(in crate::store) use self::migrate::*;
pub(in crate::store) use self::own::*;
use crate::store::sql::Statements;

pub(in crate::store) const STATEMENTS: Statements = Statements {
    audit: audit::AUDIT,
    dashboard: dashboard::DASHBOARD,
    erasure: erasure::ERASURE,
    export: export::EXPORT,
    follow_ups: follow_ups::FOLLOW_UPS,
    installation: installation::INSTALLATION,
    keeper: keeper::KEEPER,
    keys: keys::KEYS,
    order_admin: order_admin::ORDER_ADMIN,
    orders: orders::ORDERS,
    outages: outages::OUTAGES,
    overview: overview::OVERVIEW,
    pausing: pausing::PAUSING,
    providers: providers::PROVIDERS,
    rates: rates::RATES,
    renaming: renaming::RENAMING,
    resolving: resolving::RESOLVING,
    restore: restore::RESTORE,
    revocations: revocations::REVOCATIONS,
    sessions: sessions::SESSIONS,
    tokens: tokens::TOKENS,
    upkeep: upkeep::UPKEEP,
    user_changes: user_changes::USER_CHANGES,
    webhooks: webhooks::WEBHOOKS,
    workers: workers::WORKERS,
    error_code: "error::json ->> 'code'",
    id_among: "id = ANY($)",
    // As an array, which is read once: the orders of a few ids are never looked for among all.
    id_in: "id = ANY(ARRAY($))",
};

/// The statements that only this engine has, with their names.
#[cfg(test)]
pub(in crate::store) const OWN: &[&[(&str, &str)]] = &[inspect::ALL, migrate::ALL, own::ALL];
