//! Checks an installation and gives advice. It changes nothing, spends no token and creates no
//! order.

mod database;
mod discovery;
mod disk;
mod hosts;
mod instance;
mod keys;
mod replica;
mod server;
mod tls;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;

use super::exposed_files;
use crate::clock::Clock;
use crate::config::{Engine, Scope, Settings};

/// How long before their end `doctor` warns of API keys and certificates.
const SOON: TimeDelta = TimeDelta::days(30);

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// All is well.
    Ok,
    /// It works, but something could be lost or slow.
    Warning,
    /// It does not work.
    Failed,
}

/// A check and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked: `database`, `keys`, `merchants.shop.token_url`, …
    pub check: String,
    /// The result.
    pub status: CheckStatus,
    /// What was found, in one sentence.
    pub found: String,
    /// What to do; `None` if nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// The findings so far, in the order of the checks.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, check: &str, found: impl Into<String>) {
        self.add(check, CheckStatus::Ok, found, None);
    }

    fn warn(&mut self, check: &str, found: impl Into<String>, advice: impl Into<String>) {
        self.add(check, CheckStatus::Warning, found, Some(advice.into()));
    }

    fn fail(&mut self, check: &str, found: impl Into<String>, advice: impl Into<String>) {
        self.add(check, CheckStatus::Failed, found, Some(advice.into()));
    }

    /// For errors whose message says what to do.
    fn fail_with(&mut self, check: &str, error: &impl ToString) {
        self.add(check, CheckStatus::Failed, error.to_string(), None);
    }

    fn add(&mut self, check: &str, status: CheckStatus, found: impl Into<String>, advice: Option<String>) {
        self.0.push(Finding { check: check.to_owned(), status, found: found.into(), advice });
    }
}

/// Checks everything, from the settings outwards. Checks that depend on a failed one are skipped.
/// With `online`, the provider's OpenID documents are read for all merchants, not only for those
/// with `discovery`.
pub async fn examine(
    settings: &Settings,
    environment: &BTreeMap<String, String>,
    online: bool,
    clock: &Clock,
) -> Vec<Finding> {
    let mut findings = Findings::default();
    describe(settings, &mut findings);
    longest_pauses(settings, &mut findings);
    let installation = database::check(settings, clock, &mut findings).await;
    keys::check(settings, environment, installation, &mut findings).await;
    files(settings, &mut findings);
    api_keys(settings, clock, &mut findings);
    tls::check(settings, clock, &mut findings).await;
    instance::check(settings, &mut findings);
    hosts::check(settings, clock, &mut findings).await;
    discovery::check(settings, online, &mut findings).await;
    findings.0
}

/// Checks that no API key expires unnoticed, and that somebody can open the operators' pages.
fn api_keys(settings: &Settings, clock: &Clock, findings: &mut Findings) {
    let keys = &settings.server.api_keys;
    if !keys.is_empty() && !keys.iter().any(|key| key.scopes.contains(&Scope::OpsRead)) {
        findings.warn(
            "api_keys",
            "no API key has the scope ops or ops:read, so nobody can sign in to the operators' pages",
            "make one with `keys api generate --name operator --scopes ops`",
        );
    }
    let expiring = settings.server.api_keys.iter().filter_map(|key| Some((&key.name, key.expires_at?)));
    for (name, end) in expiring.filter(|(_, end)| *end <= clock.now() + SOON) {
        let found = format!("the API key {name} expires at {end}");
        findings.warn(
            "api_keys",
            found,
            "make a new one with `keys api generate`, and give it to the caller",
        );
    }
}

/// Checks that an open circuit breaker is tried again before the orders that wait for it fail.
fn longest_pauses(settings: &Settings, findings: &mut Findings) {
    let deadline = settings.queue.order_deadline;
    let pauses = settings.merchants.values().map(|merchant| (&merchant.name, merchant.longest_pauses));
    for (name, _) in pauses.filter(|(_, pauses)| pauses.between_tries > deadline) {
        let found = format!(
            "merchants.{name}.longest_back_off is longer than queue.order_deadline: orders fail before an open \
             circuit breaker is tried again"
        );
        let deadline = humantime::format_duration(deadline);
        findings.warn("longest_back_off", found, format!("write \"{deadline}\" or less"));
    }
}

/// Checks the permissions of files with secrets.
fn files(settings: &Settings, findings: &mut Findings) {
    let exposed = exposed_files(settings);
    for file in &exposed {
        let found = format!("others can read or change {} (mode {:o})", file.path.display(), file.mode);
        findings.warn(&file.key, found, "set its mode to 0600");
    }
    if exposed.is_empty() {
        findings.ok("files", "no other user can read or change the files with secrets");
    }
}

/// Summarises the settings. Invalid ones were refused before.
fn describe(settings: &Settings, findings: &mut Findings) {
    let engine = if settings.database.engine == Engine::Postgres { "PostgreSQL" } else { "SQLite" };
    let found = format!(
        "installation {:?} on {engine}, {} merchant(s)",
        settings.installation,
        settings.merchants.len()
    );
    findings.ok("settings", found);
}
