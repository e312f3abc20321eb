//! A stand-in for Klarna's token, Checkout and Payments endpoints: its rules, the shape of its errors, and
//! its failures.
//!
//! It runs as a program of its own, `klarna-sandbox`, or within a test by [`Sandbox::start`]. It
//! keeps everything in memory and records what it sees: [`Admin::stats`], [`Admin::record`]. It
//! shares no code with `klarna-order-worker`, so that an error there is not repeated here, and any
//! other client may be tested against it.
//!
//! ```
//! use klarna_sandbox::{Clock, Sandbox, SandboxOptions, SignIn};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let sandbox = Sandbox::start(SandboxOptions::default(), Clock::system()).await?;
//! let alma = sandbox.admin().sign_in(SignIn { user: "alma".to_owned(), ..SignIn::default() });
//!
//! // Here the code under test exchanges `alma.refresh_token` at this address, and creates an order.
//! let token_url = format!("{}/eu/lp/idp/oauth2/token", sandbox.url());
//! assert_eq!(sandbox.admin().stats().exchanges.spent_presented, 0);
//! # drop((alma, token_url));
//! sandbox.shutdown().await;
//! # Ok::<(), klarna_sandbox::SandboxError>(())
//! # }).unwrap();
//! ```
//!
//! | endpoint | what |
//! |---|---|
//! | `POST /{region}/lp/idp/oauth2/token` | refresh token exchange (RFC 6749 section 6) |
//! | `GET /{region}/lp/idp/.well-known/jwks.json` | the key of its id_tokens |
//! | `POST /checkout/v3/orders` | create an order |
//! | `POST /payments/v1/sessions` | create a session of Klarna Payments |
//! | `GET`, `POST /payments/v1/sessions/{id}` | read and update a session |
//! | `GET /stats` | counts since the start |
//! | `POST /sandbox/users` | sign users in, and answer their refresh tokens |
//! | `POST /sandbox/revoke` | withdraw a user's consent |
//! | `POST /sandbox/fail` | make the next request fail in a given way |
//! | `GET`, `POST /sandbox/options` | read and change its behaviour |
//! | `GET /sandbox/record`, `/sandbox/issued` | every event, and every secret ever issued |

mod admin;
mod checkout;
mod clock;
mod command;
mod create;
mod disguise;
mod durations;
mod faults;
mod jwt;
mod options;
mod payments;
mod play;
mod profile;
mod request;
mod routes;
mod rules;
mod script;
mod state;
mod stats;
mod token;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use admin::{Admin, Issued, Registration, SignIn};
pub use clock::Clock;
pub use command::{Addresses, Command};
pub use durations::Latency;
pub use faults::{Endpoint, Failure};
pub use options::{Algorithm, Behaviour, Conduct, Rotation, SandboxOptions};
pub use script::Ordered;
pub use state::Outcome;
pub use stats::{Event, Exchanges, Leaks, Orders, Recognition, Stats, Time, Times, What};

/// Why a sandbox could not start or be used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}; choose another address, or port 0 for a free one")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The cryptographic library failed.
    #[error("the id_token key could not be made or used")]
    Crypto,
    /// Options that can't be.
    #[error("{0}")]
    Options(String),
    /// The file for the users' tokens.
    #[error("cannot write the users' tokens to {path}: {source}")]
    TokensFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A running sandbox. Dropped, it stops.
pub struct Sandbox {
    admin: Admin,
    address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
}

/// What all requests share.
struct Shared {
    /// Without a slash at its end.
    base: String,
    options: SandboxOptions,
    clock: Clock,
    key: jwt::SigningKey,
    behaviour: RwLock<Arc<Behaviour>>,
    world: Mutex<World>,
    stop: watch::Sender<bool>,
}

/// All that changes, under one lock, so that counts, events and grants never disagree.
struct World {
    grants: state::Grants,
    profiles: HashMap<String, Arc<profile::Profile>>,
    /// How many profiles were ever made.
    people: usize,
    witness: stats::Witness,
    script: script::Script,
    /// How many requests present a refresh token at this moment.
    presenting: HashMap<String, u32>,
    id_tokens: Vec<String>,
    /// Answers by API user and idempotency key, where those are honoured.
    replays: HashMap<(String, String), create::Created>,
    /// The sessions of Klarna Payments, by id.
    sessions: HashMap<String, payments::Session>,
}

impl Sandbox {
    /// Listens, and serves until [`Sandbox::shutdown`].
    ///
    /// # Errors
    /// [`SandboxError::Bind`], [`SandboxError::Options`] and [`SandboxError::Crypto`].
    pub async fn start(options: SandboxOptions, clock: Clock) -> Result<Self, SandboxError> {
        options.behaviour.check().map_err(SandboxError::Options)?;
        let bound = |source| SandboxError::Bind { address: options.bind, source };
        let listener = TcpListener::bind(options.bind).await.map_err(bound)?;
        let address = listener.local_addr().map_err(bound)?;
        let base = match &options.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{address}"),
        };
        let mut seed = StdRng::seed_from_u64(options.seed.unwrap_or_else(rand::random));
        let grants = state::Grants::new(StdRng::from_rng(&mut seed));
        let kid = format!("sandbox-{}", uuid::Uuid::new_v4());
        let (stop, _) = watch::channel(false);
        let shared = Arc::new(Shared {
            base,
            key: jwt::SigningKey::generate(options.algorithm, &kid)?,
            behaviour: RwLock::new(Arc::new(options.behaviour.clone())),
            world: Mutex::new(World {
                grants,
                profiles: HashMap::new(),
                people: 0,
                witness: stats::Witness { record: options.record, ..stats::Witness::default() },
                script: script::Script { ordered: Vec::new(), rng: seed },
                presenting: HashMap::new(),
                id_tokens: Vec::new(),
                replays: HashMap::new(),
                sessions: HashMap::new(),
            }),
            stop,
            options,
            clock,
        });
        let stopping = Arc::clone(&shared);
        // A socket that waits to fill its packets adds 40 ms to small answers; one that refuses is
        // only slower.
        let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        let server = axum::serve(listener, router(Arc::clone(&shared)))
            .with_graceful_shutdown(async move { stopping.stopped().await });
        Ok(Self { admin: Admin(shared), address, server: tokio::spawn(server.into_future()) })
    }

    /// The base of its URLs, and the issuer of its id_tokens, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.admin.0.base
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The powers over it.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Stops: answers still outstanding are cut off. The witness stays readable through a clone of
    /// [`Sandbox::admin`].
    pub async fn shutdown(mut self) {
        self.admin.0.stop.send_replace(true);
        // Graceful shutdown would wait for ever on a half-sent request.
        let _ = tokio::time::timeout(Duration::from_secs(1), &mut self.server).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.admin.0.stop.send_replace(true);
        self.server.abort();
    }
}

impl Shared {
    /// The present time by the sandbox's clock.
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn behaviour(&self) -> Arc<Behaviour> {
        Arc::clone(&self.behaviour.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_behaviour(&self, behaviour: Behaviour) {
        *self.behaviour.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(behaviour);
    }

    /// Resolves once the sandbox is told to stop.
    async fn stopped(&self) {
        // An error would mean that the sender is gone, which lives in `self`.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/{region}/lp/idp/oauth2/token", post(token::exchange))
        .route("/{region}/lp/idp/.well-known/jwks.json", get(jwks))
        .route("/checkout/v3/orders", post(checkout::create))
        .route("/checkout/v3/orders/{id}", get(checkout::read))
        .route("/payments/v1/sessions", post(payments::create))
        .route("/payments/v1/sessions/{id}", get(payments::read).post(payments::update))
        .route("/stats", get(routes::stats))
        .route("/sandbox/users", post(routes::users))
        .route("/sandbox/revoke", post(routes::revoke))
        .route("/sandbox/issued", get(routes::issued))
        .route("/sandbox/record", get(routes::record))
        .route("/sandbox/options", get(routes::options).post(routes::change_options))
        .route("/sandbox/fail", post(routes::fail))
        .layer(DefaultBodyLimit::max(create::READ_LIMIT))
        .with_state(shared)
}

/// `GET /{region}/lp/idp/.well-known/jwks.json`
async fn jwks(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.key.jwks().clone())
}
