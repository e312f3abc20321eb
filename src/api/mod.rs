//! The HTTP API: routes, authentication, and the server.
//!
//! `serve.rs` limits connections and heads. A request then passes, in this order: the frame
//! (`frame.rs`: id, span, panics); without API keys, the check that it comes from this machine
//! (`local.rs`); the audit log (`audit_trail.rs`); authentication (`auth.rs`); the limits
//! (`limits.rs`); and its handler (`orders/`, `tokens.rs`, `access_token.rs`, `resolve.rs`,
//! `users.rs`, `pauses.rs`, `breakers.rs`, `health.rs`). `routes.rs` has the routes by scope. A
//! handler only translates between HTTP and the modules behind it. Every error is a `Problem`
//! (`problem.rs`). `openapi.rs` generates `openapi.json` from the code.
//!
//! Lists are compressed, and descriptions once for all (`prepared.rs`). A single order is not,
//! because of the BREACH attack: it contains its secret `html_snippet` beside text that a shopper
//! may have chosen, and the compressed length of both would reveal the one through the other.

mod access_token;
mod answers;
mod audit_log;
mod audit_trail;
mod auth;
mod breakers;
mod docs;
mod drain;
mod erase;
mod export;
mod extract;
mod frame;
mod health;
mod limits;
mod local;
mod openapi;
mod orders;
mod outages;
mod pauses;
mod prepared;
mod problem;
mod push;
mod read_replica;
mod rename;
mod request_id;
mod resolve;
mod routes;
mod serve;
mod shared;
mod tokens;
mod users;
mod webhook_endpoint;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

pub use access_token::{ShopperAddress, ShopperClaims, UserAccessToken, Vending};
pub use audit_log::{AuditList, AuditRecord};
pub use auth::{Refusals, Refused};
pub use breakers::{OrderedProbe, ProbeRequest};
pub use drain::Draining;
pub use export::{Export, ExportedOrder, ExportedWebhook, FailedAttempt, UserExport};
pub use health::{
    AskBreakers, AskHealth, Breakers, Health, Probes, Readiness, Scrape, SharedAnswers, WebhookEndpoint,
    ask_health,
};
pub use limits::Limits;
pub use openapi::document;
pub use orders::{
    BatchAnswer, BatchOutcome, BatchResult, BulkAnswer, Order, OrderList, OrderRequest, OrderSelection,
    OrderUpdate, UnchangedOrders,
};
pub use outages::{Outage, OutageList};
pub use pauses::{Pause, PauseList, PauseRequest};
pub use problem::ProblemDetails;
pub use push::PushEndpoint;
pub use read_replica::ReadReplica;
pub use resolve::{Decision, ResolveRequest};
pub use serve::serve;
pub use tokens::{Token, TokenRequest};
pub use users::{Exchange, History, UserList};
pub use webhook_endpoint::{EndpointAnswer, EndpointAnswers, WebhookTest};
pub use webhooks::{ResendAnswer, WebhookSelection};

use crate::audit::Audit;
use crate::clock::Clock;
use crate::config::{ApiKeys, Live, Merchant, Merchants, Scope};
use crate::delivery::Waiters;
use crate::ids::MerchantName;
use crate::intake::Intake;
use crate::sessions::Sessions;
use crate::store::{
    AuditLog, DashboardQueries, Exports, OrderAdmin, Orders, Outages, Pausing, Upkeep, WebhookEndpoints,
    Webhooks,
};
use crate::vault::{Registry, Renamer};
use auth::Guard;
use limits::{ConcurrencyLimits, Limited, RouteGroup};
use problem::{Kind, Problem};

/// What the handlers need.
pub struct AppState {
    /// Accepts orders.
    pub intake: Intake,
    /// Accepts refresh tokens.
    pub registry: Registry,
    /// Gives access tokens.
    pub vending: Vending,
    /// Waits for the ends of orders.
    pub waiters: Waiters,
    /// Follows submitted orders at Klarna.
    pub sessions: Sessions,
    /// Takes Klarna's pushes.
    pub pushes: PushEndpoint,
    /// Where orders are read and called back.
    pub orders: Arc<dyn OrderAdmin>,
    /// Where the history of an order is read.
    pub dashboard: Arc<dyn DashboardQueries>,
    /// Where orders are listed. A list may be a little old.
    pub lists: Arc<dyn Orders>,
    /// Where refresh tokens are listed. A list may be a little old.
    pub registry_for_lists: Registry,
    /// Where a user is erased.
    pub upkeep: Arc<dyn Upkeep>,
    /// Where the data of a user is read.
    pub exports: Arc<dyn Exports>,
    /// Renames users.
    pub renamer: Renamer,
    /// Records who read or changed what.
    pub audit: Audit,
    /// Where webhooks are sent again.
    pub webhooks: Arc<dyn Webhooks>,
    /// Where webhook endpoints are tested, and where their last answers are.
    pub endpoints: Arc<dyn WebhookEndpoints>,
    /// Where the audit log is read.
    pub audit_log: Arc<dyn AuditLog>,
    /// Where pauses begin and end, and tries of circuit breakers are ordered.
    pub pausing: Arc<dyn Pausing>,
    /// Where outages are read.
    pub outages: Arc<dyn Outages>,
    /// The merchants in the settings, by name.
    pub merchants: Live<Merchants>,
    /// The API keys. If empty, every caller may do everything, so only this machine may reach the
    /// API.
    pub api_keys: Live<ApiKeys>,
    /// Tells when API keys expire.
    pub clock: Clock,
    /// The most requests at a time.
    pub limits: Limits,
    /// Whether `/docs` and `/openapi.json` are served.
    pub docs: bool,
    /// The operators' pages. They have their own sign-in.
    pub pages: Router,
    /// Health checks and metrics.
    pub probes: Probes,
}

impl AppState {
    /// Returns a merchant of the settings.
    fn merchant(&self, name: &MerchantName) -> Result<Arc<Merchant>, Problem> {
        let absent = || Problem::new(Kind::UnknownMerchant, "the settings have no merchant with this name");
        self.merchants.get(name).ok_or_else(absent)
    }
}

impl FromRef<Arc<AppState>> for Probes {
    fn from_ref(app: &Arc<AppState>) -> Self {
        app.probes.clone()
    }
}

/// Builds a router for health checks and metrics only. It needs no key and accepts any `Host`.
pub fn probes(probes: Probes) -> Router {
    let routes = livez_route().merge(readyz_route()).merge(metrics_route());
    let routes = routes.fallback(frame::no_route).method_not_allowed_fallback(frame::no_method);
    frame::framed(routes.with_state(probes))
}

fn livez_route<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new().route("/livez", get(health::livez))
}

fn readyz_route<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Probes: FromRef<S>,
{
    Router::new().route("/readyz", get(health::readyz))
}

fn metrics_route<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Probes: FromRef<S>,
{
    Router::new().route("/metrics", get(health::metrics))
}

/// Builds the router of the whole API.
pub fn router(mut app: AppState) -> Router {
    let keys = app.api_keys.clone();
    let pages = std::mem::take(&mut app.pages);
    let permits = ConcurrencyLimits::new(app.limits);
    let (refusals, clock) = (app.probes.refusals.clone(), app.clock.clone());
    let guard_of = |scope| Guard {
        keys: keys.clone(),
        scope,
        all_merchants: false,
        clock: clock.clone(),
        refusals: refusals.clone(),
    };
    let guard = |scope| from_fn_with_state(guard_of(scope), auth::guard);
    let limit = |group| from_fn_with_state(Limited { permits: permits.clone(), group }, limits::limit);
    let guarded = |router: Router<Arc<AppState>>, scope| {
        // The layer that is added last runs first: unauthenticated requests must not use permits.
        let router = router.route_layer(limit(RouteGroup::Api));
        router.route_layer(guard(scope))
    };
    let ops_of_all = || Guard { all_merchants: true, ..guard_of(Scope::OpsRead) };
    let of_all = |router: Router<Arc<AppState>>| {
        let router = router.route_layer(limit(RouteGroup::Api));
        router.route_layer(from_fn_with_state(ops_of_all(), auth::guard))
    };
    let ready = readyz_route().route_layer(from_fn_with_state(ops_of_all(), auth::guard_details));
    let descriptions =
        if app.docs { docs::routes().route_layer(limit(RouteGroup::Descriptions)) } else { Router::new() };
    // Those with two scopes touch data of both.
    let whole_users = guarded(routes::whole_users(), Scope::OrdersWrite);
    let exports = guarded(routes::exports(), Scope::OrdersRead);
    let routes = livez_route()
        .merge(ready)
        .merge(descriptions)
        .merge(guarded(routes::read_orders(), Scope::OrdersRead))
        .merge(guarded(routes::orders(), Scope::OrdersWrite))
        .merge(guarded(routes::read_tokens(), Scope::TokensRead))
        .merge(guarded(routes::tokens(), Scope::TokensWrite))
        .merge(guarded(routes::vending(), Scope::TokensVend))
        .merge(whole_users.route_layer(guard(Scope::TokensWrite)))
        .merge(exports.route_layer(guard(Scope::TokensRead)))
        .merge(of_all(metrics_route()))
        .merge(of_all(routes::audit_log()))
        .merge(guarded(routes::read_ops(), Scope::OpsRead))
        .merge(routes::pushes().route_layer(limit(RouteGroup::Pushes)))
        .merge(guarded(routes::ops(), Scope::Ops));
    let audit = app.audit.clone();
    let routes = routes.route_layer(from_fn_with_state(audit, audit_trail::record));
    let routes = routes.with_state(Arc::new(app)).merge(pages.route_layer(limit(RouteGroup::Pages)));
    let routes = routes.fallback(frame::no_route).method_not_allowed_fallback(frame::no_method);
    let routes = routes.layer(from_fn_with_state(keys, local::without_keys));
    frame::framed(routes)
}
