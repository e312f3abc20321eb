//! A stand-in for Klarna's token, Checkout and Payments endpoints: their rules, their error format,
//! and failures on demand.
//!
//! It runs as a program, `klarna-sandbox`, or inside a test with [`Sandbox::start`]. It keeps
//! everything in memory and records what happens: [`Admin::stats`], [`Admin::ledger`],
//! [`Admin::record`]. [`Torture`] drives any client through a list of faults. The crate shares no
//! code with `klarna-order-worker`, so that an error there is not repeated here, and other clients
//! can be tested with it too.
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
//! | `GET`, `POST /{region}/lp/idp/oauth2/auth` | sign-in page (OpenID Connect, authorization code with PKCE) |
//! | `POST /{region}/lp/idp/oauth2/token` | exchange of refresh tokens and codes (RFC 6749 sections 6 and 4.1.3) |
//! | `POST /{region}/lp/idp/oauth2/revoke` | revocation of a token (RFC 7009) |
//! | `GET /{region}/lp/idp/.well-known/jwks.json` | the public key of id_tokens |
//! | `GET /{region}/lp/idp/.well-known/openid-configuration` | the OpenID document that lists these four |
//! | `POST /checkout/v3/orders` | create an order |
//! | `GET`, `POST /checkout/v3/orders/{id}` | read and update an order |
//! | `POST /checkout/v3/orders/{id}/abort` | abort an order |
//! | `POST /payments/v1/sessions` | create a session of Klarna Payments |
//! | `GET`, `POST /payments/v1/sessions/{id}` | read and update a session |
//! | `POST /payments/v1/authorizations/{token}/order` | place the order that the shopper has authorised |
//! | `DELETE /payments/v1/authorizations/{token}` | give the authorization up |
//! | `GET /ordermanagement/v1/orders/{id}` | read an order that was paid or placed |
//! | `POST /ordermanagement/v1/orders/{id}/acknowledge` | acknowledge it |
//! | `GET /stats` | counts since the start |
//! | `POST /sandbox/users` | sign users in; answers their refresh tokens |
//! | `POST /sandbox/revoke` | withdraw a user's consent |
//! | `POST /sandbox/pay` | pay an order or session, as the shopper would |
//! | `GET`, `POST /sandbox/checkout/{id}` | the checkout that the snippet shows, with a button that pays |
//! | `GET /sandbox/payments.js` | stands in for Klarna's script for Payments, which authorises without asking |
//! | `POST /sandbox/payments/authorize` | the same without a browser: the body is the session's client token |
//! | `POST`, `DELETE /sandbox/fail` | make the next request fail in a given way; forget such requests |
//! | `GET /sandbox/ledger` | each refresh token: issued, presented, rotated, lost |
//! | `GET`, `POST /sandbox/options` | read and change the sandbox's behaviour |
//! | `GET /sandbox/record`, `/sandbox/issued` | all events; all secrets that were issued |

mod admin;
mod authorizations;
mod checkout;
mod clock;
mod command;
mod create;
mod durations;
mod faults;
mod html;
mod jwt;
mod ledger;
mod odd_answers;
mod options;
mod order_management;
mod pay_page;
mod payments;
mod profile;
mod pushes;
mod request;
mod respond;
mod revoke;
mod routes;
mod rules;
mod script;
mod sign_in;
mod state;
mod stats;
mod token;
mod torture;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{delete, get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use admin::{Admin, Issued, Registration, SignIn};
pub use clock::Clock;
pub use command::{Addresses, Command};
pub use durations::Latency;
pub use faults::{Endpoint, Failure};
pub use ledger::{Fate, Grant, Ledger, LedgerSums, LedgerToken};
pub use options::{Algorithm, Behaviour, EndpointBehaviour, InvalidGrantForm, Rotation, SandboxOptions};
pub use script::NextFailure;
pub use state::Outcome;
pub use stats::{Event, Exchanges, Leaks, Orders, Recognition, Stats, Time, Times, What};
pub use torture::{CaseReport, Findings, Report, Torture, TortureError};

/// Why a sandbox could not start, or could not sign users in.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address is taken, or does not belong to this machine.
    #[error("cannot listen on {address}: {source}; choose another address, or port 0 for a free one")]
    Bind {
        /// The address to listen on.
        address: SocketAddr,
        /// The operating system's error.
        source: io::Error,
    },
    /// The cryptographic library failed.
    #[error("the id_token key could not be made or used")]
    Crypto,
    /// An option is invalid.
    #[error("{0}")]
    Options(String),
    /// The file for the users' tokens cannot be written.
    #[error("cannot write the users' tokens to {path}: {source}")]
    TokensFile {
        /// The file's path.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

/// A running sandbox. It stops when it is dropped.
pub struct Sandbox {
    admin: Admin,
    address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
}

/// What all requests share.
struct Shared {
    /// The base URL, without a slash at its end.
    base: String,
    options: SandboxOptions,
    clock: Clock,
    /// Tells this sandbox from others in the `sub` of its users. The same seed has the same number.
    run: u64,
    key: jwt::SigningKey,
    behaviour: watch::Sender<Arc<Behaviour>>,
    world: Mutex<World>,
    stop: watch::Sender<bool>,
}

/// Everything that changes, under one lock, so that counts, events and grants always agree.
struct World {
    grants: state::Grants,
    profiles: HashMap<String, Arc<profile::Profile>>,
    /// How many profiles were created.
    people: usize,
    /// The scopes of sign-ins on the page, by family of tokens. Other sign-ins have the whole
    /// profile.
    scopes: HashMap<usize, Arc<str>>,
    recorder: stats::Recorder,
    script: script::Script,
    /// The refresh tokens that requests present at this moment, with the number of these requests.
    presenting: HashMap<String, u32>,
    id_tokens: Vec<String>,
    /// Answers by API user and idempotency key, if idempotency keys are honoured.
    replays: HashMap<create::ReplayKey, create::Created>,
    /// The orders of Checkout, by id; empty if the sandbox keeps no record.
    orders: HashMap<String, checkout::CheckoutOrder>,
    /// The sessions of Klarna Payments, by id.
    sessions: HashMap<String, payments::Session>,
    /// What shoppers have authorised with sessions, by authorization token.
    authorizations: HashMap<String, authorizations::Authorization>,
    /// The orders of order management, by id.
    managed: HashMap<String, order_management::ManagedOrder>,
    /// The codes of sign-ins that were not yet exchanged.
    codes: HashMap<String, sign_in::Code>,
}

impl Sandbox {
    /// Starts a sandbox. It serves until [`Sandbox::shutdown`].
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
        let run = options.seed.unwrap_or_else(rand::random);
        let mut seed = StdRng::seed_from_u64(run);
        let grants = state::Grants::new(StdRng::from_rng(&mut seed));
        let kid = format!("sandbox-{}", uuid::Uuid::new_v4());
        let (stop, _) = watch::channel(false);
        let shared = Arc::new(Shared {
            base,
            run,
            key: jwt::SigningKey::generate(options.algorithm, &kid)?,
            behaviour: watch::Sender::new(Arc::new(options.behaviour.clone())),
            world: Mutex::new(World {
                grants,
                profiles: HashMap::new(),
                people: 0,
                scopes: HashMap::new(),
                recorder: stats::Recorder { record: options.record, ..stats::Recorder::default() },
                script: script::Script { requested: Vec::new(), rng: seed },
                presenting: HashMap::new(),
                id_tokens: Vec::new(),
                replays: HashMap::new(),
                orders: HashMap::new(),
                sessions: HashMap::new(),
                authorizations: HashMap::new(),
                managed: HashMap::new(),
                codes: HashMap::new(),
            }),
            stop,
            options,
            clock,
        });
        let stopping = Arc::clone(&shared);
        // Without this option, a socket delays small answers by 40 ms. If the socket refuses the
        // option, it is only slower.
        let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        let server = axum::serve(listener, router(Arc::clone(&shared)))
            .with_graceful_shutdown(async move { stopping.stopped().await });
        Ok(Self { admin: Admin(shared), address, server: tokio::spawn(server.into_future()) })
    }

    /// Returns the base URL, which is also the issuer of id_tokens, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.admin.0.base
    }

    /// Returns the address that the sandbox listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the control of this sandbox.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Stops the sandbox and cuts off outstanding answers. A clone of [`Sandbox::admin`] can still
    /// read counts and events afterwards.
    pub async fn shutdown(mut self) {
        self.admin.0.stop.send_replace(true);
        // A graceful shutdown would wait forever for a request that never arrives completely.
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
    /// Returns the time of the sandbox's clock.
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn behaviour(&self) -> Arc<Behaviour> {
        Arc::clone(&self.behaviour.borrow())
    }

    fn set_behaviour(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(Arc::new(behaviour));
    }

    /// Waits until answers of this endpoint are not held.
    async fn released(&self, endpoint: Endpoint) {
        let mut behaviour = self.behaviour.subscribe();
        if !behaviour.borrow().endpoint(endpoint).held {
            return;
        }
        self.world().recorder.stats.held += 1;
        // It fails only if the sender is gone, but `self` holds the sender.
        let _ = behaviour.wait_for(|behaviour| !behaviour.endpoint(endpoint).held).await;
        self.world().recorder.stats.held -= 1;
    }

    /// Waits until the sandbox is told to stop.
    async fn stopped(&self) {
        // It fails only if the sender is gone, but `self` holds the sender.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/{region}/lp/idp/oauth2/auth", get(sign_in::show).post(sign_in::decide))
        .route("/{region}/lp/idp/oauth2/token", post(token::exchange))
        .route("/{region}/lp/idp/oauth2/revoke", post(revoke::revoke))
        .route("/{region}/lp/idp/.well-known/jwks.json", get(jwks))
        .route("/{region}/lp/idp/.well-known/openid-configuration", get(openid_document))
        .route("/checkout/v3/orders", post(checkout::create))
        .route("/checkout/v3/orders/{id}", get(checkout::read).post(checkout::update))
        .route("/checkout/v3/orders/{id}/abort", post(checkout::abort))
        .route("/payments/v1/sessions", post(payments::create))
        .route("/payments/v1/sessions/{id}", get(payments::read).post(payments::update))
        .route("/payments/v1/authorizations/{token}", delete(authorizations::release))
        .route("/payments/v1/authorizations/{token}/order", post(authorizations::place))
        .route("/ordermanagement/v1/orders/{id}", get(order_management::read))
        .route("/ordermanagement/v1/orders/{id}/acknowledge", post(order_management::acknowledge))
        .route("/stats", get(routes::stats))
        .route("/sandbox/users", post(routes::users))
        .route("/sandbox/revoke", post(routes::revoke))
        .route("/sandbox/pay", post(routes::pay))
        .route("/sandbox/checkout.js", get(pay_page::script))
        .route("/sandbox/checkout/{id}", get(pay_page::show).post(pay_page::pay))
        .route("/sandbox/payments.js", get(authorizations::script))
        .route("/sandbox/payments/authorize", post(authorizations::authorize))
        .route("/sandbox/payments/{session}", get(authorizations::show))
        .route("/sandbox/issued", get(routes::issued))
        .route("/sandbox/record", get(routes::record))
        .route("/sandbox/options", get(routes::options).post(routes::change_options))
        .route("/sandbox/ledger", get(routes::ledger))
        .route("/sandbox/fail", post(routes::fail).delete(routes::forget_failures))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(create::READ_LIMIT))
        .with_state(shared)
}

/// Every other address.
async fn unknown() -> Response {
    create::refusal(StatusCode::NOT_FOUND, vec!["The sandbox has no such call".to_owned()])
}

/// `GET /{region}/lp/idp/.well-known/jwks.json`
async fn jwks(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.key.jwks().clone())
}

/// `GET /{region}/lp/idp/.well-known/openid-configuration`
async fn openid_document(State(shared): State<Arc<Shared>>, Path(region): Path<String>) -> Json<Value> {
    let base = format!("{}/{region}/lp/idp", shared.base);
    Json(json!({
        "issuer": shared.base,
        "authorization_endpoint": format!("{base}/oauth2/auth"),
        "token_endpoint": format!("{base}/oauth2/token"),
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "revocation_endpoint": format!("{base}/oauth2/revoke"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
    }))
}
