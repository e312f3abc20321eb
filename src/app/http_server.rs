//! The HTTP servers of a process: the API, and health and metrics at `server.probes`.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, timeout_at};

use super::{App, AppError};
use crate::api::{self, Probes};
use crate::delivery::Waiters;
use crate::intake::Intake;
use crate::sessions::Sessions;
use crate::tls::TlsServer;
use crate::vault::Vault;

/// A bound address that does not serve yet.
pub(super) struct BoundAddress {
    listener: TcpListener,
    pub(super) address: SocketAddr,
}

impl BoundAddress {
    /// Binds the address of the setting `key`.
    pub(super) async fn take(key: &'static str, bind: SocketAddr) -> Result<Self, AppError> {
        let failed = |error| AppError::Bind { key, bind, error };
        let listener = TcpListener::bind(bind).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }
}

/// A running HTTP server.
pub(super) struct HttpServer {
    pub(super) address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl HttpServer {
    /// Serves on at most `most` connections, with TLS if `tls` is given, until
    /// [`HttpServer::close`]; requests that then take longer than `drain` are cut off.
    pub(super) fn open(
        BoundAddress { listener, address }: BoundAddress,
        tls: Option<TlsServer>,
        router: Router,
        most: usize,
        drain: Duration,
    ) -> Self {
        let (stop, mut stopping) = watch::channel(false);
        let stopped = async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        let server = tokio::spawn(async move {
            if let Err(error) = api::serve(listener, tls, router, most, stopped, drain).await {
                tracing::error!(%error, "The API ended unexpectedly");
            }
        });
        Self { address, stop, server }
    }

    /// Accepts no new connections and waits for running requests. `true` if nothing was cut off.
    pub(super) async fn close(self, until: Instant) -> bool {
        self.stop.send_replace(true);
        timeout_at(until, self.server).await.is_ok()
    }

    /// Whether the server has ended.
    pub(super) fn handle(&self) -> AbortHandle {
        self.server.abort_handle()
    }
}

/// The routes of the API and of the operators' pages.
pub(super) fn api(
    app: &App,
    intake: Intake,
    sessions: Sessions,
    vault: Option<Vault>,
    waiters: &Waiters,
    probes: Probes,
    pages: Router,
) -> Router {
    let (server, settings) = (&app.settings.server, &app.settings.vault);
    api::router(api::AppState {
        intake,
        registry: app.registry(),
        vending: api::Vending {
            vault,
            margin: settings.access_token_margin,
            patience: settings.token_patience,
        },
        waiters: waiters.clone(),
        sessions,
        pushes: api::PushEndpoint::new(app.store.clone(), app.clock.clone()),
        orders: app.store.clone(),
        dashboard: app.store.clone(),
        upkeep: app.store.clone(),
        exports: app.lists.clone(),
        lists: app.lists.clone(),
        registry_for_lists: app.registry_for_lists(),
        renamer: app.renamer(),
        audit: app.audit.clone(),
        audit_log: app.lists.clone(),
        pausing: app.store.clone(),
        webhooks: app.store.clone(),
        endpoints: app.store.clone(),
        outages: app.store.clone(),
        merchants: app.merchants(),
        api_keys: app.live.api_keys.clone(),
        clock: app.clock.clone(),
        limits: api::Limits { requests: server.max_requests, waits: server.max_waits },
        docs: server.docs,
        probes,
        pages,
    })
}
