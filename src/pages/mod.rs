//! Pages for operators: the state of the service, its orders, users and webhooks, and actions on
//! them.
//!
//! The server renders the HTML (`maud`, which escapes every value), and pages work without scripts.
//! One small script (`assets/live.js`) requests a page again every few seconds, and replaces the
//! parts that have changed.
//!
//! A request passes `shell.rs` (the headers of every page) and becomes a `viewer::Viewer`: who is
//! signed in, by a session that began with an API key of the scope `ops` (`session.rs`,
//! `sign_in.rs`). An action is a `viewer::Posted` form from a page of this service with the
//! session's token. It uses the same functions as the API. Without API keys, everybody on this
//! machine may do everything, as at the API.

mod act;
mod assets;
mod attention;
mod audit_log;
mod audited;
mod breakers;
mod bulk;
mod bulk_tokens;
mod charts;
mod codes;
mod counts;
mod csv;
mod deadlines;
mod endpoint;
mod failure;
mod fields;
mod filters;
mod frame;
mod links;
mod merchants;
mod order;
mod order_tabs;
mod orders;
mod outages;
mod overview;
mod pauses;
mod pausing;
mod pieces;
mod replica;
mod resend;
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
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};

use crate::audit::Audit;
use crate::clock::Clock;
use crate::config::{ApiKey, ApiKeys, Live, Merchants, Scope, SettingsStatus};
use crate::ids::WorkerId;
use crate::intake::Intake;
use crate::klarna::accepted_credentials::AcceptedCredentials;
use crate::store::{
    AuditLog, DashboardQueries, InstallationStats, Keeper, OrderAdmin, Outages, Pausing, ProcessFacts,
    Providers, Replica, Resolving, WebhookEndpoints, Webhooks, WorkerView,
};
use crate::vault::Registry;
use crate::vault::sealing::Secrets;

/// Returns what only this process knows of its troubles. It has not compared the clocks.
pub type AskFacts = Arc<dyn Fn() -> ProcessFacts + Send + Sync>;

/// Returns when the keeper starts next after a given time; `None` if it has no schedule.
pub type NextSweep = Arc<dyn Fn(DateTime<Utc>) -> Option<DateTime<Utc>> + Send + Sync>;

/// What the pages need.
pub struct Dependencies {
    /// Retries failed orders.
    pub intake: Intake,
    /// Shows, resolves and forgets tokens.
    pub registry: Registry,
    /// Reads and cancels orders.
    pub orders: Arc<dyn OrderAdmin>,
    /// Reads webhooks and sends them again.
    pub webhooks: Arc<dyn Webhooks>,
    /// Has the webhook endpoints and their last answers, and tests them.
    pub endpoints: Arc<dyn WebhookEndpoints>,
    /// Counts tokens, and has the last sweep.
    pub keeper: Arc<dyn Keeper>,
    /// Has the figures of charts and the history of an order.
    pub dashboard: Arc<dyn DashboardQueries>,
    /// Has the backlog, and the tokens that are due.
    pub stats: Arc<dyn InstallationStats>,
    /// Records who read or changed what.
    pub audit: Audit,
    /// Where the audit log is read.
    pub audit_log: Arc<dyn AuditLog>,
    /// Tells how the read replica stands.
    pub replica: Arc<dyn Replica>,
    /// Where pauses begin and end.
    pub pausing: Arc<dyn Pausing>,
    /// Has the outages.
    pub outages: Arc<dyn Outages>,
    /// Decides about many tokens.
    pub resolving: Arc<dyn Resolving>,
    /// Has the merchants that were stopped after too many rejections.
    pub providers: Arc<dyn Providers>,
    /// The merchants in the settings.
    pub merchants: Live<Merchants>,
    /// The keys of the scopes `ops` and `ops:read` may sign in. If there are no keys at all, no
    /// sign-in is needed.
    pub api_keys: Live<ApiKeys>,
    /// When the settings in force were read, and how the last reload ended.
    pub settings: Live<SettingsStatus>,
    /// Which of a merchant's two API passwords this process uses.
    pub accepted_credentials: AcceptedCredentials,
    /// Signs sessions with the installation's hash key, so that every process accepts them.
    pub secrets: Arc<Secrets>,
    /// Gives the time of a request.
    pub clock: Clock,
    /// What only this process knows of its troubles.
    pub facts: AskFacts,
    /// The name of this process: host name and process id.
    pub process: String,
    /// The id under which this process tells the database the same; `None` if it has only the role
    /// `api`.
    pub worker: Option<WorkerId>,
    /// The keeper's schedule.
    pub next_sweep: NextSweep,
    /// A process whose last heartbeat is older than this counts as lost.
    pub worker_lost_after: Duration,
}

/// What the handlers share.
struct Pages {
    deps: Dependencies,
    sessions: session::Sessions,
    counts: counts::Counts,
    refusals: sign_in::Refusals,
}

impl Pages {
    /// Returns whether there are no API keys at all now, so that no sign-in is needed.
    fn is_open(&self) -> bool {
        self.deps.api_keys.now().is_empty()
    }

    /// Returns whether a process is not this one.
    fn is_other(&self, worker: &WorkerView) -> bool {
        self.deps.worker != Some(worker.id)
    }

    /// Returns the keys that may sign in now.
    fn keys(&self) -> Vec<Arc<ApiKey>> {
        let keys = self.deps.api_keys.now();
        keys.iter().filter(|key| key.scopes.contains(&Scope::OpsRead)).cloned().collect()
    }
}

/// Builds the router of all pages.
pub fn router(deps: Dependencies) -> Router {
    let pages = Pages {
        sessions: session::Sessions::new(Arc::clone(&deps.secrets)),
        counts: counts::Counts::default(),
        refusals: sign_in::Refusals::default(),
        deps,
    };
    let pages = Arc::new(pages);
    Router::new()
        .route("/", get(overview::show))
        .route("/orders", get(orders::list))
        .route("/orders.csv", get(csv::orders))
        .route("/orders/bulk", get(bulk::ask_bulk).post(bulk::bulk))
        .route("/orders/{id}", get(order::show))
        .route("/orders/{id}/retry", get(act::ask_retry).post(act::retry))
        .route("/orders/{id}/cancel", get(act::ask_cancel).post(act::cancel))
        .route("/users", get(users::list))
        .route("/users/resolve", get(bulk_tokens::ask_resolve_many).post(bulk_tokens::resolve_many))
        .route("/user", get(user::show))
        .route("/user/resolve", get(act::ask_resolve).post(act::resolve))
        .route("/user/forget", get(act::ask_forget).post(act::forget))
        .route("/user/sign-out", get(act::ask_sign_out).post(act::sign_out))
        .route("/webhooks", get(webhooks::list))
        .route("/webhooks/endpoint", get(endpoint::show))
        .route("/webhooks/test", post(endpoint::test))
        .route("/webhooks/resend", get(resend::ask_resend_all).post(resend::resend_all))
        .route("/webhooks/{id}/resend", get(act::ask_resend).post(act::resend))
        .route("/merchants", get(merchants::show))
        .route("/audit", get(audit_log::list))
        .route("/pauses", get(pauses::list).post(pausing::pause))
        .route("/pauses/new", get(pausing::ask_pause))
        .route("/pauses/resume", get(pausing::ask_resume).post(pausing::resume))
        .route("/outages", get(outages::list))
        .route("/breakers/probe", get(breakers::ask_probe).post(breakers::probe))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/assets/{name}", get(assets::asset))
        .layer(from_fn(replica::or_primary))
        .layer(from_fn(shell::add_headers))
        .layer(from_fn_with_state(Arc::clone(&pages), audited::record))
        .with_state(pages)
}
