//! The demo's environment: sandbox, settings, service, users and their tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use klarna_sandbox::{
    Behaviour, Endpoint, EndpointBehaviour, Failure, Latency, NextFailure, Sandbox, SandboxError,
    SandboxOptions, SignIn,
};
use toml::Value;

use super::folder::Folder;
use crate::app::{App, Role, Service};
use crate::cli::CliError;
use crate::clock::Clock;
use crate::config::{Settings, private};
use crate::token::Registered;
use crate::vault::Registration;

/// The users who have just signed in with Klarna at the shop.
pub(super) const USERS: [&str; 6] = ["alma", "bo", "carla", "dev", "elsa", REVOKED];
/// The one of them who has revoked the consent since.
pub(super) const REVOKED: &str = "revoked";
/// Users who signed in this many days ago, and have not ordered since. The keeper refreshes their
/// tokens.
pub(super) const LONG_AGO: [(&str, u64); 4] = [("freja", 41), ("gus", 50), ("hanna", 59), (GONE, 45)];
/// The one of them who has revoked the consent since.
pub(super) const GONE: &str = "gone";
/// The user whose first exchange is answered 503.
pub(super) const UNLUCKY: &str = "elsa";

const MERCHANT: &str = "shop";
const CLIENT_ID: &str = "sandbox-client";
/// The sandbox's API user; the password is the same.
const CREDENTIAL: &str = "sandbox";
/// How long the service may take to stop.
const GRACE: Duration = Duration::from_secs(5);

/// A running sandbox and a running service.
pub(super) struct DemoEnv {
    pub sandbox: Sandbox,
    pub app: App,
    pub service: Service,
    /// The settings file, for `--config` of other commands.
    pub config: PathBuf,
}

impl DemoEnv {
    pub(super) async fn start(folder: &Folder) -> Result<Self, CliError> {
        let failed = |error: SandboxError| CliError::failed("start the sandbox", error);
        let sandbox = Sandbox::start(options(), klarna_sandbox::Clock::system()).await.map_err(failed)?;
        let config = folder.join("config.toml");
        let text = settings(folder, sandbox.url())?;
        let doing = || format!("write {}", config.display());
        private::write(&config, text.as_bytes()).map_err(|error| CliError::failed(doing(), error))?;
        // The environment is ignored, because it may name a database with live tokens.
        let settings = Settings::parse(&config.display().to_string(), &text, std::iter::empty())?;
        let app = App::open(settings, &BTreeMap::new(), Clock::system()).await?;
        sign_in(&sandbox, &app).await?;
        let service = Service::start(app.clone(), &BTreeSet::from([Role::Api, Role::Worker])).await?;
        Ok(Self { sandbox, app, service, config })
    }

    /// Returns the address of the service's API.
    pub(super) fn api(&self) -> String {
        self.service.address().map(|address| format!("http://{address}")).unwrap_or_default()
    }

    pub(super) async fn stop(self) {
        self.service.stop(GRACE).await;
        self.sandbox.shutdown().await;
    }
}

/// Returns options with latencies like those of a real service nearby.
fn options() -> SandboxOptions {
    let endpoint = |least, most| EndpointBehaviour {
        latency: Latency { least: Duration::from_millis(least), most: Duration::from_millis(most) },
        ..EndpointBehaviour::default()
    };
    SandboxOptions {
        client_id: Some(CLIENT_ID.to_owned()),
        api_user: Some((CREDENTIAL.to_owned(), CREDENTIAL.into())),
        behaviour: Behaviour {
            token: endpoint(50, 150),
            checkout: endpoint(100, 250),
            ..Behaviour::default()
        },
        ..SandboxOptions::default()
    }
}

fn settings(folder: &Folder, sandbox: &str) -> Result<String, CliError> {
    let path = |name: &str| quoted(&folder.join(name));
    let database = folder.join("worker.db");
    let database = Value::String(format!("sqlite://{}", text(&database)?));
    Ok(format!(
        "# The demo's settings. The sandbox stops with the demo; the database stays until the next demo.
installation = \"demo\"

[database]
url = {database}

[server]
bind = \"127.0.0.1:0\"

[vault]
instance_dir = {instance}

[vault.keys.k1]
file = {key}

[merchants.{MERCHANT}]
region = \"eu\"
environment = \"playground\"
client_id = \"{CLIENT_ID}\"
api_username = \"{CREDENTIAL}\"
api_password = \"{CREDENTIAL}\"
token_url = \"{sandbox}/eu/lp/idp/oauth2/token\"
checkout_url = \"{sandbox}\"
payments_url = \"{sandbox}\"
",
        instance = path("instance")?,
        key = path("k1.key")?,
    ))
}

fn quoted(path: &Path) -> Result<Value, CliError> {
    Ok(Value::String(text(path)?.to_owned()))
}

fn text(path: &Path) -> Result<&str, CliError> {
    let wrong = || {
        CliError::Usage(
            "--data: the path is not valid UTF-8, which the settings file needs; name another folder"
                .to_owned(),
        )
    };
    path.to_str().ok_or_else(wrong)
}

/// Signs the users in at the sandbox and registers their tokens. Also revokes two consents and
/// makes one exchange fail with 503.
async fn sign_in(sandbox: &Sandbox, app: &App) -> Result<(), CliError> {
    let failed = |user: &str| format!("register the token of {user}");
    let registry = app.registry();
    let merchant = app
        .settings
        .merchants
        .get(MERCHANT)
        .ok_or_else(|| CliError::failed("run the demo", "no merchant"))?;
    for (user, days) in USERS.into_iter().map(|user| (user, 0)).chain(LONG_AGO) {
        let age = Duration::from_hours(24 * days);
        let signed_in = sandbox.admin().sign_in(SignIn { user: user.to_owned(), age, ..SignIn::default() });
        let registration = Registration {
            user: signed_in.user.into(),
            refresh_token: signed_in.refresh_token.into(),
            issued_at: Some(signed_in.issued_at),
            expires_at: None,
        };
        match registry.register(merchant, &registration).await {
            Ok(Registered::Stored(_)) => {}
            Ok(_) => return Err(CliError::failed(failed(user), "the new database already has it")),
            Err(error) => return Err(CliError::failed(failed(user), error)),
        }
    }
    for user in [REVOKED, GONE] {
        let _ = sandbox.admin().revoke(user);
    }
    let user = Some(UNLUCKY.to_owned());
    sandbox.admin().fail_next(NextFailure { endpoint: Endpoint::Token, user, failure: Failure::Unavailable });
    Ok(())
}
