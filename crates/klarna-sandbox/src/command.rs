//! The sandbox's command line, for programs that run it as one of their commands.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use crate::admin::lines;
use crate::{
    Algorithm, Behaviour, Clock, EndpointBehaviour, Failure, InvalidGrantForm, Latency, Registration,
    Rotation, Sandbox, SandboxError, SandboxOptions, SignIn,
};

/// The options of a sandbox that runs in a process of its own.
#[derive(Debug, Args)]
pub struct Command {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8090")]
    bind: SocketAddr,
    /// Base URL and issuer of id_tokens, if clients do not reach the sandbox at --bind
    #[arg(long)]
    public_url: Option<Url>,
    /// Make a run repeatable: the same seed issues the same tokens and injects the same failures
    #[arg(long)]
    seed: Option<u64>,
    /// Signature algorithm of id_tokens
    #[arg(long, value_enum, default_value = "es256")]
    id_token_algorithm: Algorithm,
    /// The only client id to accept [default: any]
    #[arg(long)]
    client_id: Option<String>,
    /// The secret that the client has to send (a confidential client)
    #[arg(long, env = "SANDBOX_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<SecretString>,
    /// The only API user to accept at Checkout and Payments [default: any]
    #[arg(long, requires = "api_password")]
    api_username: Option<String>,
    /// The password of --api-username
    #[arg(long, env = "SANDBOX_API_PASSWORD", hide_env_values = true)]
    api_password: Option<SecretString>,
    /// The only API key to accept at Checkout, instead of an API user
    #[arg(long, env = "SANDBOX_API_KEY", hide_env_values = true, conflicts_with = "api_username")]
    api_key: Option<SecretString>,

    /// What happens to a refresh token that is presented
    #[arg(long, value_enum, default_value = "strict")]
    rotation: Rotation,
    /// How long a spent token is answered with its successor again, with `--rotation grace`
    #[arg(long, default_value = "30m", value_parser = humantime::parse_duration)]
    grace_period: Duration,
    /// Lifetime of refresh tokens
    #[arg(long, default_value = "60d", value_parser = humantime::parse_duration)]
    refresh_token_lifetime: Duration,
    /// Lifetime of access tokens and id_tokens
    #[arg(long, default_value = "299s", value_parser = humantime::parse_duration)]
    access_token_lifetime: Duration,
    /// Answer a repeated Klarna-Idempotency-Key with the first order. Klarna does not promise this
    #[arg(long)]
    honour_idempotency_key: bool,
    /// Check orders by the letter of Klarna's API description
    #[arg(long)]
    strict: bool,

    /// Latency of the token endpoint: 50ms, or 50ms..200ms
    #[arg(long, default_value = "0s")]
    token_latency: Latency,
    /// Share of token requests that fail, 0 to 1
    #[arg(long, default_value_t = 0.0)]
    token_failure_rate: f64,
    /// The kinds of failures of token requests, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_value = "500,503,429,lost")]
    token_failures: Vec<Failure>,
    /// Latency of the Checkout and Payments endpoints
    #[arg(long, default_value = "0s")]
    checkout_latency: Latency,
    /// Share of orders and sessions that fail, 0 to 1
    #[arg(long, default_value_t = 0.0)]
    checkout_failure_rate: f64,
    /// The kinds of failures of orders and sessions, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_value = "500,503,429,lost")]
    checkout_failures: Vec<Failure>,
    /// The wait that answers with 503 and 429 ask for
    #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
    retry_after: Duration,

    /// Do not keep events and id_tokens in memory, for long or fast runs
    #[arg(long)]
    no_record: bool,
    /// Sign in users u-1 to u-N at the start
    #[arg(long, default_value_t = 0, requires = "tokens_file")]
    users: u64,
    /// How long ago these users signed in
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    users_age: Duration,
    /// File for these users' refresh tokens, for `tokens import`
    #[arg(long)]
    tokens_file: Option<PathBuf>,
    /// The merchant's name in that file
    #[arg(long, default_value = "shop")]
    merchant: String,
}

/// The addresses of a sandbox, as its command prints them.
#[derive(Debug, Serialize)]
pub struct Addresses {
    /// The base of all URLs.
    pub sandbox: String,
    /// The token endpoint, with the path of Klarna's region `eu`.
    pub token_url: String,
    /// The public key of id_tokens.
    pub jwks_url: String,
    /// The base of the Checkout endpoint.
    pub checkout_url: String,
    /// The base of the Payments endpoint.
    pub payments_url: String,
    /// The counts since the start.
    pub stats: String,
    /// The file with the refresh tokens of the users that were signed in at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_file: Option<PathBuf>,
}

impl Addresses {
    pub(crate) fn new(url: &str, tokens_file: Option<PathBuf>) -> Self {
        Self {
            sandbox: url.to_owned(),
            token_url: format!("{url}/eu/lp/idp/oauth2/token"),
            jwks_url: format!("{url}/eu/lp/idp/.well-known/jwks.json"),
            checkout_url: url.to_owned(),
            payments_url: url.to_owned(),
            stats: format!("{url}/stats"),
            tokens_file,
        }
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "sandbox       {}", self.sandbox)?;
        writeln!(f, "token_url     {}", self.token_url)?;
        writeln!(f, "jwks_url      {}", self.jwks_url)?;
        writeln!(f, "checkout_url  {}", self.checkout_url)?;
        writeln!(f, "payments_url  {}", self.payments_url)?;
        write!(f, "stats         {}", self.stats)?;
        self.tokens_file.as_ref().map_or(Ok(()), |file| write!(f, "\ntokens        {}", file.display()))
    }
}

impl Command {
    /// Starts the sandbox with the system's clock, signs the users of `--users` in, and writes
    /// their tokens to `--tokens-file`.
    ///
    /// # Errors
    /// If the address is taken, an option is invalid, or the file cannot be written.
    pub async fn start(self) -> Result<(Sandbox, Addresses), SandboxError> {
        let (users, age, merchant) = (self.users, self.users_age, self.merchant.clone());
        let tokens_file = self.tokens_file.clone();
        let sandbox = Sandbox::start(options(self), Clock::system()).await?;
        if let Some(path) = &tokens_file {
            sign_in(&sandbox, users, age, &merchant, path)?;
        }
        let addresses = Addresses::new(sandbox.url(), tokens_file);
        Ok((sandbox, addresses))
    }
}

fn options(args: Command) -> SandboxOptions {
    let orders = EndpointBehaviour {
        latency: args.checkout_latency,
        failure_rate: args.checkout_failure_rate,
        failures: args.checkout_failures,
        retry_after: args.retry_after,
        ..EndpointBehaviour::default()
    };
    SandboxOptions {
        bind: args.bind,
        public_url: args.public_url,
        seed: args.seed,
        algorithm: args.id_token_algorithm,
        client_id: args.client_id,
        client_secret: args.client_secret,
        api_user: args.api_username.zip(args.api_password),
        api_key: args.api_key,
        record: !args.no_record,
        behaviour: Behaviour {
            rotation: args.rotation,
            grace_period: args.grace_period,
            refresh_token_lifetime: args.refresh_token_lifetime,
            access_token_lifetime: args.access_token_lifetime,
            honour_idempotency_key: args.honour_idempotency_key,
            strict: args.strict,
            push_after: Behaviour::default().push_after,
            invalid_grant: InvalidGrantForm::default(),
            token: EndpointBehaviour {
                latency: args.token_latency,
                failure_rate: args.token_failure_rate,
                failures: args.token_failures,
                retry_after: args.retry_after,
                ..EndpointBehaviour::default()
            },
            checkout: orders.clone(),
            payments: orders,
            revoke: EndpointBehaviour { retry_after: args.retry_after, ..EndpointBehaviour::default() },
        },
    }
}

fn sign_in(
    sandbox: &Sandbox,
    count: u64,
    age: Duration,
    merchant: &str,
    path: &std::path::Path,
) -> Result<(), SandboxError> {
    let registrations = (1..=count).map(|number| {
        let sign_in = SignIn { user: format!("u-{number}"), age, ..SignIn::default() };
        Registration { merchant: Some(merchant.to_owned()), ..sandbox.admin().sign_in(sign_in) }
    });
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    folder
        .and_then(|()| std::fs::write(path, lines(registrations)))
        .map_err(|source| SandboxError::TokensFile { path: path.to_owned(), source })
}
