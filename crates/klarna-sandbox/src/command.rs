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
    Algorithm, Behaviour, Clock, Conduct, Failure, Latency, Registration, Rotation, Sandbox, SandboxError,
    SandboxOptions, SignIn,
};

/// The options of a sandbox that runs in a process of its own.
#[derive(Debug, Args)]
pub struct Command {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8090")]
    bind: SocketAddr,
    /// Base of its URLs, and issuer of its id_tokens, where clients reach it by another name
    #[arg(long)]
    public_url: Option<Url>,
    /// Repeat a run: the same seed issues the same tokens and plays the same faults
    #[arg(long)]
    seed: Option<u64>,
    /// Signature of id_tokens
    #[arg(long, value_enum, default_value = "es256")]
    id_token_algorithm: Algorithm,
    /// The only client id to accept; any by default
    #[arg(long)]
    client_id: Option<String>,
    /// Make the client a confidential one
    #[arg(long, env = "SANDBOX_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<SecretString>,
    /// The only API user to accept at Checkout and Payments; any by default
    #[arg(long, requires = "api_password")]
    api_username: Option<String>,
    /// Its password
    #[arg(long, env = "SANDBOX_API_PASSWORD", hide_env_values = true)]
    api_password: Option<SecretString>,
    /// The only API key to accept at Checkout, instead of an API user
    #[arg(long, env = "SANDBOX_API_KEY", hide_env_values = true, conflicts_with = "api_username")]
    api_key: Option<SecretString>,

    /// What becomes of a refresh token that is presented
    #[arg(long, value_enum, default_value = "strict")]
    rotation: Rotation,
    /// How long a spent token gives its successor back, with `--rotation grace`
    #[arg(long, default_value = "30m", value_parser = humantime::parse_duration)]
    grace_period: Duration,
    /// Lifetime of refresh tokens
    #[arg(long, default_value = "60d", value_parser = humantime::parse_duration)]
    refresh_token_lifetime: Duration,
    /// Lifetime of access tokens and id_tokens
    #[arg(long, default_value = "299s", value_parser = humantime::parse_duration)]
    access_token_lifetime: Duration,
    /// Honour Klarna-Idempotency-Key, which Klarna does not promise
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
    /// How they fail, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_value = "500,503,429,lost")]
    token_failures: Vec<Failure>,
    /// Latency of the Checkout and Payments endpoints
    #[arg(long, default_value = "0s")]
    checkout_latency: Latency,
    /// Share of orders and sessions that fail, 0 to 1
    #[arg(long, default_value_t = 0.0)]
    checkout_failure_rate: f64,
    /// How they fail, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_value = "500,503,429,lost")]
    checkout_failures: Vec<Failure>,
    /// What answers 503 and 429 ask for
    #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
    retry_after: Duration,

    /// Keep no record of events and id_tokens, for long or fast runs
    #[arg(long)]
    no_record: bool,
    /// Sign in users u-1 to u-N at the start
    #[arg(long, default_value_t = 0, requires = "tokens_file")]
    users: u64,
    /// How long ago they signed in
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    users_age: Duration,
    /// Where to write their tokens, for `tokens import`
    #[arg(long)]
    tokens_file: Option<PathBuf>,
    /// The merchant named in that file
    #[arg(long, default_value = "shop")]
    merchant: String,
}

/// Where a sandbox is reached, as its command prints it.
#[derive(Debug, Serialize)]
pub struct Addresses {
    /// The base of its URLs.
    pub sandbox: String,
    /// Exchanges refresh tokens, as Klarna's hosts in the region `eu` do.
    pub token_url: String,
    /// The key of its id_tokens.
    pub jwks_url: String,
    /// The base of the Checkout endpoint.
    pub checkout_url: String,
    /// The base of the Payments endpoint.
    pub payments_url: String,
    /// What it counted since its start.
    pub stats: String,
    /// The file that the first users' tokens were written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_file: Option<PathBuf>,
}

impl Addresses {
    fn new(url: &str, tokens_file: Option<PathBuf>) -> Self {
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
    /// Starts the sandbox on the system's clock, signs the first users in, and writes their tokens.
    ///
    /// # Errors
    /// Where the address is taken, the options contradict each other, or the tokens' file cannot be
    /// written.
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
    let orders = Conduct {
        latency: args.checkout_latency,
        failure_rate: args.checkout_failure_rate,
        failures: args.checkout_failures,
        retry_after: args.retry_after,
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
            token: Conduct {
                latency: args.token_latency,
                failure_rate: args.token_failure_rate,
                failures: args.token_failures,
                retry_after: args.retry_after,
            },
            checkout: orders.clone(),
            payments: orders,
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
