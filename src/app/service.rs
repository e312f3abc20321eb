//! The running service: its roles are started in order and stopped in reverse order.

mod background;
mod endpoints;
mod liveness;
mod outages;
mod probes;
mod work_off;
mod worker_role;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use self::background::{Wakeups, follow_others, keep_ready, look_after_refresh};
use self::endpoints::watch_endpoints;
use self::outages::{end_lost_outages, publish_breakers};
use self::probes::follow_probes;
use self::worker_role::WorkerRole;
use super::ending::Ending;
use super::http_server::{self, BoundAddress, HttpServer};
use super::process::{Process, nothing_in_memory_alone};
use super::reload::{ReadSettings, ReloadedParts, Reloader};
use super::scrape::{ask_breakers, breaker_states, scrape};
use super::{App, AppError, audit, facts};
use crate::api::{self, Probes, Readiness, Refusals, SharedAnswers, ask_health};
use crate::breaker::CircuitBreakers;
use crate::config::{Engine, private};
use crate::delivery::{Outbox, Waiters};
use crate::intake::InsertOrder;
use crate::keeper::SweepSchedule;
use crate::klarna::breakers::TargetBreakers;
use crate::klarna::discovery::DiscoveryClient;
use crate::pages;
use crate::store::StoreError;
use crate::tls::TlsServer;
use crate::vault::Vault;

/// The most connections of the server at `server.probes`.
const PROBE_CONNECTIONS: usize = 256;

/// The longest time that a request can wait for an order.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How long the database connections and the server at `server.probes` have to close.
const CLOSE: Duration = Duration::from_secs(2);

/// A role of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Serves the HTTP API.
    Api,
    /// Runs orders, sends webhooks, and deletes data after its retention.
    Worker,
    /// Refreshes tokens before they expire.
    Keeper,
}

/// A running service.
pub struct Service {
    app: App,
    ready: Readiness,
    waiters: Waiters,
    wakes: Wakeups,
    api: Option<HttpServer>,
    /// The server at `server.probes`; it stays open until everything else has ended.
    probes: Option<HttpServer>,
    /// What workers and keepers share: instance folder, heartbeat and vault.
    process: Option<Process>,
    worker: Option<WorkerRole>,
    /// All circuit breakers of this process.
    breakers: Vec<CircuitBreakers>,
    keeper: Option<SweepSchedule>,
    /// Tasks that listen for signals, poll and clean up; they end with the service.
    background: JoinSet<()>,
    /// SQLite only: the lock that this process holds while it serves the file.
    _served: Option<File>,
}

/// Addresses that are taken before anything runs.
struct Addresses {
    api: Option<BoundAddress>,
    probes: Option<BoundAddress>,
}

impl Service {
    /// Starts the roles. Problems with folders, locks and addresses are found here.
    ///
    /// # Errors
    /// Another process holds a lock, an address is in use, or the database cannot be used.
    pub async fn start(app: App, roles: &BTreeSet<Role>) -> Result<Self, AppError> {
        let served = lock_file(&app)?;
        app.store
            .publish(&Outbox::published(&app.settings.merchants, app.settings.queue.order_deadline))
            .await?;
        // The addresses first: after the worker has started, an error here would cut off its
        // exchanges.
        let addresses = Addresses::take(&app, roles).await?;
        let tls = if roles.contains(&Role::Api) { open_tls(&app).await? } else { None };
        let (wakes, waiters, ready) =
            (Wakeups::default(), Waiters::new(app.store.clone()), Readiness::default());
        let mut background = JoinSet::new();

        let spends = roles.contains(&Role::Worker) || roles.contains(&Role::Keeper);
        let discovery = if spends { Some(DiscoveryClient::new()?) } else { None };
        let process = if spends { Some(start_process(&app, &mut background).await?) } else { None };
        let of = |role| process.as_ref().filter(|_| roles.contains(&role));
        // One of a process, so that its roles share rate limits and circuit breakers.
        let sessions = app.sessions()?;
        let worker = of(Role::Worker)
            .map(|process| WorkerRole::start(&app, process, &sessions, &wakes, &waiters, &mut background))
            .transpose()?;
        let keeper = of(Role::Keeper).and_then(|process| start_keeper(&app, process));
        let probes = probes(&app, &ready, process.as_ref(), worker.as_ref());
        if let Some(process) = &process {
            publish_state(&app, process, breakers_of(worker.as_ref()), &mut background);
        }
        let vault = vault_of(process.as_ref());
        let breakers = all_breakers(vault.as_ref(), worker.as_ref(), &sessions.breakers());
        background.spawn(follow_probes(app.store.clone(), breakers.clone()));
        let worker_id = process.as_ref().map(|process| process.worker.id);
        let pages = pages::router(pages::Dependencies { worker: worker_id, ..app.pages() });
        let api = addresses.api.map(|at| {
            let intake = app.intake().with_direct(direct_of(worker.as_ref()));
            let router = http_server::api(&app, intake, sessions, vault, &waiters, probes.clone(), pages);
            start_api(&app, at, tls, router, &mut background)
        });
        let probes = addresses.probes.map(|at| open_probes(at, probes));
        // After `probes` above, which builds the metrics that it sets.
        if let Some(client) = discovery {
            background.spawn(watch_endpoints(client, app.merchants()));
        }
        follow_others(&app, process.as_ref(), &wakes, &waiters, &mut background);
        let names: Vec<String> = roles.iter().map(|role| format!("{role:?}").to_lowercase()).collect();
        app.audit.record(audit::started(&app, &names.join(",")));
        ready.set_ready(true);
        Ok(Self {
            app,
            ready,
            waiters,
            wakes,
            api,
            probes,
            process,
            worker,
            breakers,
            keeper,
            background,
            _served: served,
        })
    }

    /// The address of the API, if this process has it.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.api.as_ref().map(|api| api.address)
    }

    /// The address of `server.probes`, if it is set.
    #[must_use]
    pub fn probes(&self) -> Option<SocketAddr> {
        self.probes.as_ref().map(|probes| probes.address)
    }

    /// Returns what reloads the settings of this service; `read` reads them.
    #[must_use]
    pub fn reloader(&self, read: ReadSettings) -> Reloader {
        let parts = ReloadedParts {
            breakers: self.breakers.clone(),
            wakes: [self.wakes.orders.clone(), self.wakes.webhooks.clone()],
            has_folder: self.process.is_some(),
        };
        Reloader::new(self.app.clone(), read, parts)
    }

    /// The requests that wait for orders in this process.
    #[must_use]
    pub fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    /// Accepts nothing new, answers waiting requests, and completes running work, for at most
    /// `grace`.
    pub async fn stop(self, grace: Duration) -> Ending {
        let until = Instant::now() + grace;
        self.ready.set_ready(false);
        self.waiters.close();
        if let Some(process) = &self.process {
            process.vault.stop_waiting();
        }
        // At the same time, so that a slow caller does not use up the handlers' time.
        let api = async {
            let Some(api) = self.api else { return true };
            api.close(until).await
        };
        // Handlers and sweep first, then exchanges that nobody waits for any more, then the
        // heartbeats.
        let work = async {
            let worker = async {
                let Some(worker) = self.worker else { return true };
                worker.stop(until).await
            };
            let keeper = async {
                let Some(keeper) = self.keeper else { return true };
                timeout_at(until, keeper.stop()).await.is_ok()
            };
            let (worker, keeper) = tokio::join!(worker, keeper);
            match self.process {
                Some(process) => process.end(&self.app, until, worker && keeper).await,
                None => Ending::default(),
            }
        };
        let (api, ending) = tokio::join!(api, work);
        let mut background = self.background;
        background.abort_all();
        if let Some(probes) = self.probes {
            probes.close(Instant::now() + CLOSE).await;
        }
        self.app.audit.close(CLOSE).await;
        // It waits for every connection, and a handler that was cut off may hold one.
        let _ = timeout(CLOSE, self.app.store.close()).await;
        Ending { cut_off: ending.cut_off || !api, ..ending }
    }

    /// Resolves when the database requires a newer program. From then on `/readyz` answers 503, and
    /// the caller should stop the service.
    pub fn outdated(&self) -> impl Future<Output = StoreError> + use<> {
        let (outdated, ready) = (self.app.outdated(), self.ready.clone());
        async move {
            let error = outdated.await;
            ready.set_outdated(&error);
            error
        }
    }

    /// Takes nothing new in from now on.
    pub fn drain(&self) {
        self.ready.drain();
    }

    /// Resolves when somebody has asked this process to drain and the requests that wait for orders
    /// are answered, at most a minute later. The caller should then stop the service.
    pub fn drained(&self) -> impl Future<Output = ()> + use<> {
        let (ready, waiters) = (self.ready.clone(), self.waiters.clone());
        async move {
            ready.draining().await;
            tracing::info!("This process drains: it takes nothing new in, and ends when no request waits");
            let _ = timeout(LONGEST_WAIT, waiters.idle()).await;
        }
    }

    /// Resolves when no exchange holds a new refresh token only in memory, or after two seconds.
    /// Even a hard stop waits for this. Returns what a hard stop leaves.
    pub fn nothing_in_memory_alone(&self) -> impl Future<Output = Ending> + use<> {
        let process = self.process.as_ref().map(|process| (process.vault.clone(), process.results.clone()));
        async move {
            match process {
                Some((vault, results)) => nothing_in_memory_alone(&vault, &results).await,
                None => Ending { cut_off: true, spooled: 0 },
            }
        }
    }
}

impl Addresses {
    async fn take(app: &App, roles: &BTreeSet<Role>) -> Result<Self, AppError> {
        let settings = &app.settings.server;
        let api = if roles.contains(&Role::Api) {
            Some(BoundAddress::take("server.bind", settings.bind).await?)
        } else {
            None
        };
        let probes = match settings.probes {
            Some(bind) => Some(BoundAddress::take("server.probes", bind).await?),
            None => None,
        };
        Ok(Self { api, probes })
    }
}

/// Starts what workers and keepers share, with its background tasks.
async fn start_process(app: &App, background: &mut JoinSet<()>) -> Result<Process, AppError> {
    let process = Process::begin(app, &app.settings.vault.instance_dir).await?;
    background.spawn(look_after_refresh(app.clone()));
    background.spawn(keep_ready(app.store.clone()));
    Ok(process)
}

/// Starts the role `keeper`; `None` if the settings have no schedule.
fn start_keeper(app: &App, process: &Process) -> Option<SweepSchedule> {
    let schedule = app.settings.keeper.schedule.clone()?;
    Some(SweepSchedule::start(process.sweeper(app), schedule, app.clock.clone()))
}

/// Loads the files for TLS, if the settings name them.
async fn open_tls(app: &App) -> Result<Option<TlsServer>, AppError> {
    match app.settings.server.tls.clone() {
        Some(files) => Ok(Some(TlsServer::open(files, app.clock.clone()).await?)),
        None => Ok(None),
    }
}

/// Starts the role `api`.
fn start_api(
    app: &App,
    at: BoundAddress,
    tls: Option<TlsServer>,
    router: Router,
    background: &mut JoinSet<()>,
) -> HttpServer {
    if let Some(tls) = tls.clone() {
        background.spawn(tls.watch());
    }
    let server = &app.settings.server;
    HttpServer::open(at, tls, router, server.max_connections, server.shutdown_grace)
}

/// Opens the server at `server.probes`.
fn open_probes(at: BoundAddress, probes: Probes) -> HttpServer {
    HttpServer::open(at, None, api::probes(probes), PROBE_CONNECTIONS, CLOSE)
}

/// Writes to the database what the pages of other processes show of this one.
fn publish_state(
    app: &App,
    process: &Process,
    targets: Option<TargetBreakers>,
    background: &mut JoinSet<()>,
) {
    let (store, id, clock) = (app.store.clone(), process.worker.id, app.clock.clone());
    background.spawn(facts::publish(store.clone(), store.clone(), id, facts::asking(app), clock.clone()));
    let breakers = breaker_states(Some(process.vault.clone()), targets);
    background.spawn(publish_breakers(store.clone(), store.clone(), id, breakers, clock));
    let silence = process.heartbeat.watch().silence();
    background.spawn(end_lost_outages(store, silence, app.settings.queue.worker_lost_after));
}

/// Returns what health checks and metrics read of this process.
fn probes(app: &App, ready: &Readiness, process: Option<&Process>, worker: Option<&WorkerRole>) -> Probes {
    let (vault, targets) = (vault_of(process), breakers_of(worker));
    Probes {
        ready: ready.clone(),
        health: ask_health(app.store.clone()),
        endpoints: app.store.clone(),
        providers: app.store.clone(),
        pausing: app.store.clone(),
        replica: app.store.clone(),
        breakers: ask_breakers(vault.clone(), targets.clone()).unwrap_or_else(|| Arc::new(BTreeMap::new)),
        settings: app.live.status.clone(),
        refusals: Refusals::default(),
        scrape: scrape(app, vault, targets),
        answers: SharedAnswers::default(),
    }
}

fn vault_of(process: Option<&Process>) -> Option<Vault> {
    process.map(|process| process.vault.clone())
}

fn breakers_of(worker: Option<&WorkerRole>) -> Option<TargetBreakers> {
    worker.map(|worker| worker.breakers.clone())
}

/// Returns all circuit breakers of this process. `sessions`: those of calls about submitted orders.
fn all_breakers(
    vault: Option<&Vault>,
    worker: Option<&WorkerRole>,
    sessions: &TargetBreakers,
) -> Vec<CircuitBreakers> {
    let of_worker = worker.map(|worker| &worker.breakers);
    let targets = of_worker.into_iter().chain([sessions]).flat_map(TargetBreakers::each);
    vault.map(Vault::circuit_breakers).into_iter().chain(targets).collect()
}

/// Returns how new orders start at once in this process.
fn direct_of(worker: Option<&WorkerRole>) -> Option<Arc<dyn InsertOrder>> {
    worker.map(|worker| Arc::clone(&worker.direct) as Arc<dyn InsertOrder>)
}

/// On SQLite, takes the lock that lets one process serve the file.
fn lock_file(app: &App) -> Result<Option<File>, AppError> {
    let Engine::Sqlite { path } = &app.settings.database.engine else { return Ok(None) };
    let mut name = path.clone().into_os_string();
    name.push(".lock");
    let failed = |error| AppError::Lock { file: path.clone(), error };
    let file = private::options().write(true).create(true).truncate(false).open(name).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(AppError::Served(path.clone())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
