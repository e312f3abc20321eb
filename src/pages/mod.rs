//! Pages for operators: how the service stands, its orders, users and webhooks, and what an operator may do to them.
//!
//! HTML is written by the server (`maud`, which escapes whatever it is given), and is whole without scripts. One small script
//! (`assets/live.js`) asks for a page again every few seconds and puts what changed in the place of what stands there.
//!
//! A request passes `shell.rs` (the headers that every page has) and a `viewer::Viewer`: who looks on, by the session that
//! a sign-in with an API key of the scope `ops` began (`session.rs`, `sign_in.rs`). What changes something is a
//! `viewer::Posted` form, from a page of this service and with the session's token, and is done by the same functions as the
//! API's. Where there are no API keys, everybody on this machine may do everything, here as at the API.

mod act;
mod assets;
mod charts;
mod counts;
mod failure;
mod fields;
mod frame;
mod links;
mod order;
mod orders;
mod overview;
mod pieces;
mod session;
mod shell;
mod sign_in;
mod tokens;
mod user;
mod users;
mod viewer;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};

use crate::breaker::BreakerState;
use crate::clock::Clock;
use crate::config::{ApiKey, Scope};
use crate::intake::Intake;
use crate::store::{DashboardQueries, InstallationStats, Keeper, OrderAdmin, Webhooks};
use crate::vault::Registry;
use crate::vault::sealing::Secrets;

/// Where the breakers of this process stand: endpoint, merchant, stand.
pub type AskBreakers = Arc<dyn Fn() -> Vec<(&'static str, String, BreakerState)> + Send + Sync>;

/// When the keeper next begins, from then on; `None` where it has no schedule.
pub type NextSweep = Arc<dyn Fn(DateTime<Utc>) -> Option<DateTime<Utc>> + Send + Sync>;

/// What the pages show and act on.
pub struct Dependencies {
    /// Where failed orders are tried again.
    pub intake: Intake,
    /// Where tokens are looked at, resolved and forgotten.
    pub registry: Registry,
    /// Where orders are read and called back.
    pub orders: Arc<dyn OrderAdmin>,
    /// Where webhooks are read and sent again.
    pub webhooks: Arc<dyn Webhooks>,
    /// Where tokens are counted.
    pub keeper: Arc<dyn Keeper>,
    /// What charts and time lines show.
    pub dashboard: Arc<dyn DashboardQueries>,
    /// How the installation stands.
    pub stats: Arc<dyn InstallationStats>,
    /// The names of the settings' merchants.
    pub merchants: Vec<String>,
    /// Who may sign in: those of the scope `ops`. Everybody may look on where there are no keys at all.
    pub api_keys: Vec<ApiKey>,
    /// Whose keyed hash signs sessions, so that every process of the installation knows them.
    pub secrets: Arc<Secrets>,
    /// The time.
    pub clock: Clock,
    /// The breakers of this process; an empty answer where it runs no orders.
    pub breakers: AskBreakers,
    /// The keeper's schedule.
    pub next_sweep: NextSweep,
    /// A process that has sent no heartbeat for so long is not alive.
    pub worker_lost_after: Duration,
}

/// What the handlers share.
struct Pages {
    deps: Dependencies,
    /// The keys that may sign in.
    keys: Vec<Arc<ApiKey>>,
    /// No API key at all: this machine's.
    open: bool,
    sessions: session::Sessions,
    counts: counts::Counts,
    refusals: sign_in::Refusals,
}

/// All pages.
pub fn router(mut deps: Dependencies) -> Router {
    let keys = std::mem::take(&mut deps.api_keys);
    let pages = Pages {
        open: keys.is_empty(),
        keys: keys.into_iter().filter(|key| key.scopes.contains(&Scope::Ops)).map(Arc::new).collect(),
        sessions: session::Sessions::new(Arc::clone(&deps.secrets)),
        counts: counts::Counts::default(),
        refusals: sign_in::Refusals::default(),
        deps,
    };
    Router::new()
        .route("/", get(overview::show))
        .route("/orders", get(orders::list))
        .route("/orders/{id}", get(order::show))
        .route("/orders/{id}/retry", get(act::ask_retry).post(act::retry))
        .route("/orders/{id}/cancel", get(act::ask_cancel).post(act::cancel))
        .route("/users", get(users::list))
        .route("/user", get(user::show))
        .route("/user/resolve", get(act::ask_resolve).post(act::resolve))
        .route("/user/forget", get(act::ask_forget).post(act::forget))
        .route("/webhooks", get(webhooks::list))
        .route("/webhooks/{id}/resend", get(act::ask_resend).post(act::resend))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/assets/{name}", get(assets::asset))
        .layer(from_fn(shell::dress))
        .with_state(Arc::new(pages))
}
