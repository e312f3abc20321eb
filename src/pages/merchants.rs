//! The merchants in force in this process, and how to add one.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::breakers::{self, SeenBreaker};
use super::endpoint;
use super::failure::Failure;
use super::frame::MenuItem;
use super::links::link;
use super::pauses::{self, whose};
use super::pieces::{at, badge, command, facts, number, time};
use super::viewer::Viewer;
use crate::config::{
    Address, AddressOf, ApiCredentials, CheckoutProvider, ClientAuth, Environment, Merchant, Region,
    SettingsStatus,
};
use crate::klarna::session::MANAGEMENT;
use crate::order::Target;
use crate::pauses::Pause;
use crate::store::{Backlog, Endpoint, WorkerView};

/// A section of the settings, without what has a default.
const SECTION: &str = "[merchants.NAME]
region = \"eu\"
environment = \"playground\"
client_id = \"…\"
checkout_provider = \"kustom\"
api_username = \"…\"
api_password_file = \"/run/secrets/NAME-password\"";

/// What the database and the processes know of the merchants.
struct Known {
    endpoints: Vec<Endpoint>,
    paused: Vec<Pause>,
    backlogs: Vec<Backlog>,
    workers: Vec<WorkerView>,
}

impl Known {
    async fn now(pages: &Pages, viewer: &Viewer) -> Result<Self, Failure> {
        let deps = &pages.deps;
        Ok(Self {
            endpoints: endpoint::seen(pages, viewer).await?,
            paused: pauses::seen(pages, viewer).await?,
            backlogs: deps.stats.overview(deps.worker_lost_after, Duration::ZERO).await?.merchants,
            workers: deps.dashboard.workers(deps.worker_lost_after).await?,
        })
    }
}

pub(super) async fn show(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let known = Known::now(&pages, &viewer).await?;
    let mut merchants: Vec<Arc<Merchant>> = pages.deps.merchants.now().values().cloned().collect();
    merchants.retain(|merchant| viewer.sees(&merchant.name));
    let main = html! {
        div.heading {
            div { p.crumb { a href="/" { "Overview" } } h1 { "Merchants" } }
        }
        section #settings data-live { (read(&pages.deps.settings.now(), &viewer)) }
        @if merchants.is_empty() { p.quiet.empty { "The settings have no merchants for you." } }
        @for merchant in &merchants {
            section id={ "merchant-" (merchant.name) } data-live {
                h2 { (merchant.name) }
                (about(&pages, &viewer, merchant, &known))
            }
        }
        section #add { (add()) }
    };
    Ok(viewer.answer(MenuItem::Overview, "Merchants", &main))
}

/// When this process read its settings, and why.
fn read(status: &SettingsStatus, viewer: &Viewer) -> Markup {
    html! {
        p { "As this process read its settings at " (at(status.read_at)) ", "
            @match &status.reloaded_by {
                None => "at its start.",
                Some(cause) => {
                    "by a reload"
                    @if viewer.sees_all() { " (" (cause) ")" }
                    "."
                }
            }
            " Each process reads them by itself."
        }
        @if let Some(failed) = status.failed.as_ref().filter(|_| viewer.sees_all()) {
            p.wrong { "The reload at " (at(failed.at)) " failed, and everything stayed as it was: " (failed.reason) }
        }
    }
}

fn about(pages: &Pages, viewer: &Viewer, merchant: &Merchant, known: &Known) -> Markup {
    let address = |of| html! { @if let Some(address) = merchant.address(of) { (shown(&address)) } };
    let mut told = vec![
        (
            "Region and environment",
            html! { (region(merchant.region)) ", " (environment(merchant.environment)) },
        ),
        ("Orders go to", html! { (merchant.target.as_str()) }),
        (
            "Checkout provider",
            html! {
                @match merchant.checkout_provider {
                    Some(CheckoutProvider::Klarna) => "klarna",
                    Some(CheckoutProvider::Kustom) => "kustom",
                    None => { span.quiet { "–" } }
                }
            },
        ),
        ("Queued and running orders", backlog(merchant, known)),
        ("Token endpoint", address(AddressOf::Token)),
        ("Revocation", address(AddressOf::Revoke)),
        ("Keys of id_tokens", address(AddressOf::Jwks)),
    ];
    for target in Target::ALL {
        let to = AddressOf::Target(target);
        match target {
            Target::Checkout => {
                if let Some(checkout) = merchant.address(to) {
                    let below = format!("{}{MANAGEMENT}", checkout.url.trim_end_matches('/'));
                    let below = html! { code { (below) } " " span.quiet { "(below checkout_url)" } };
                    told.extend([("Checkout", shown(&checkout)), ("Order management", below)]);
                }
            }
            Target::Payments => told.push(("Payments", address(to))),
        }
    }
    told.push(("Credentials, by name", html! { (credentials(merchant).join(", ")) }));
    if let Some(two) = pages.deps.accepted_credentials.describe(merchant) {
        told.push(("API credentials", html! { (two) }));
    }
    told.push(("Webhook endpoint", webhook(merchant, known)));
    told.push(("Paused", paused(merchant, known)));
    told.push(("Circuit breakers", waiting(merchant, &breakers::seen(&known.workers, viewer))));
    // What has no value is left out.
    told.retain(|(_, value)| !value.0.is_empty());
    facts(&told)
}

/// An address, and where it comes from.
fn shown(address: &Address) -> Markup {
    html! {
        code { (address.url) } " "
        span.quiet { "(" (address.source) @if address.source == "setting" { " " (address.setting) } ")" }
    }
}

fn region(region: Region) -> &'static str {
    match region {
        Region::Eu => "eu",
        Region::Na => "na",
        Region::Oc => "oc",
    }
}

fn environment(environment: Environment) -> &'static str {
    match environment {
        Environment::Production => "production",
        Environment::Playground => "playground",
    }
}

/// The settings that have credentials and secrets, never their values.
fn credentials(merchant: &Merchant) -> Vec<String> {
    let mut names = vec!["client_id".to_owned()];
    names.extend(merchant.client_secret.as_ref().map(|_| {
        match merchant.client_auth {
            ClientAuth::ClientSecretPost => "client_secret (as a form field)",
            ClientAuth::ClientSecretBasic => "client_secret (as HTTP Basic)",
        }
        .to_owned()
    }));
    let api = match merchant.api_credentials {
        ApiCredentials::Password { .. } => "api_username with api_password",
        ApiCredentials::Key(_) => "api_key",
    };
    names.push(api.to_owned());
    let secrets = merchant.webhook.as_ref().map_or(0, |webhook| webhook.secrets.len());
    names.extend((secrets == 1).then(|| "webhook_secrets".to_owned()));
    names.extend((secrets > 1).then(|| format!("webhook_secrets ({secrets})")));
    names.extend(merchant.push_secret.as_ref().map(|_| "push_secret".to_owned()));
    names.extend(merchant.http_proxy.as_ref().map(|_| "http_proxy".to_owned()));
    names
}

fn backlog(merchant: &Merchant, known: &Known) -> Markup {
    let found = known.backlogs.iter().find(|backlog| backlog.merchant == merchant.name);
    let (queued, running) = found.map_or((0, 0), |backlog| (backlog.queued, backlog.running));
    let list = |status| link("/orders", &[("merchant", merchant.name.as_str()), ("status", status)]);
    html! {
        a href=(list("queued")) { (number(queued)) " queued" } ", "
        a href=(list("running")) { (number(running)) " running" }
    }
}

fn webhook(merchant: &Merchant, known: &Known) -> Markup {
    let url = merchant.webhook.as_ref().and_then(endpoint::shown_url);
    let endpoint = known.endpoints.iter().find(|endpoint| endpoint.merchant == merchant.name);
    html! {
        @match url {
            Some(url) => { code { (url) } " " }
            None => { span.quiet { "none in the settings" } " " }
        }
        @if let Some(endpoint) = endpoint {
            (endpoint::state(endpoint)) " "
            a href=(endpoint::path(&merchant.name, &[])) { "Answers and test" }
        }
    }
}

fn paused(merchant: &Merchant, known: &Known) -> Markup {
    let found: Vec<&Pause> =
        known.paused.iter().filter(|pause| pause.stops(pause.kind, &merchant.name)).collect();
    html! {
        @if found.is_empty() { span.quiet { "nothing" } }
        @for pause in found {
            div {
                a href="/pauses" { (badge("warn", pause.kind.named())) }
                @if pause.merchant.is_none() { " of " (whose(None)) }
                " since " (time(pause.since))
            }
        }
    }
}

fn waiting(merchant: &Merchant, breakers: &[SeenBreaker<'_>]) -> Markup {
    let found: Vec<_> = breakers.iter().filter(|seen| seen.breaker.merchant == merchant.name).collect();
    html! {
        @if found.is_empty() { span.quiet { "all closed" } }
        @for SeenBreaker { process, breaker } in found {
            div {
                a href="/#breakers" { (breaker.endpoint.as_str()) } " " (breakers::state(breaker.state)) " "
                span.quiet { (process) }
            }
        }
    }
}

/// The steps of docs/running.md.
fn add() -> Markup {
    html! {
        h2 { "Add a shop" }
        p { "Add a section to the settings of every process. " code { "config.toml" } " explains each setting:" }
        (command(SECTION))
        p { "Make a key for the shop. It prints the section for the settings, and the key, once:" }
        (command("klarna-order-worker keys api generate --name NAME --merchants NAME"))
        p { "Check the new settings, before any process uses them:" }
        (command("klarna-order-worker doctor"))
        p { "Reload every process, with this command or with SIGHUP. If something is wrong, nothing changes:" }
        (command("klarna-order-worker reload"))
        p.note { "The shop is now on this page. Give the shop its key." }
    }
}
