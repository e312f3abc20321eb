//! Checks each merchant's hosts: reachable, credentials accepted, signing keys usable.

use chrono::TimeDelta;
use futures::future::join_all;

use super::Findings;
use crate::clock::Clock;
use crate::config::{Merchant, Settings};
use crate::klarna::probe::{Probe, Reached};
use crate::vault::identity::jwks::parse;

/// The maximum difference between this machine's clock and a host's `Date`, which has whole
/// seconds. id_tokens are valid for minutes.
const APART: TimeDelta = TimeDelta::seconds(30);

pub(super) async fn check(settings: &Settings, clock: &Clock, findings: &mut Findings) {
    let probe = match Probe::new(settings.checkout.timeout) {
        Ok(probe) => probe,
        Err(error) => {
            findings.fail_with("hosts", &error);
            return;
        }
    };
    // At the same time, so that the time-outs of several hosts do not add up.
    let asked = settings.merchants.values().map(|merchant| ask(&probe, merchant, clock));
    for found in join_all(asked).await {
        findings.0.extend(found.0);
    }
}

async fn ask(probe: &Probe, merchant: &Merchant, clock: &Clock) -> Findings {
    let key = |key: &str| format!("merchants.{}.{key}", merchant.name);
    let mut findings = Findings::default();
    let (token, jwks, order) = tokio::join!(probe.token(merchant), probe.jwks(merchant), probe.checkout(merchant));

    let host = host(&merchant.token_url);
    match token {
        Ok(reached) => {
            findings.ok(&key("token_url"), format!("{host} answers"));
            clocks(&reached, &host, clock, &mut findings);
        }
        Err(why) => unreached(&key("token_url"), &host, &why, &mut findings),
    }

    let host = self::host(&merchant.jwks_url);
    match jwks {
        Ok((reached, body)) => match parse(&body).map_or(0, |keys| keys.len()) {
            0 => findings.warn(
                &key("jwks_url"),
                format!("{host} answers {} without a usable key", reached.status),
                "check jwks_url: id_tokens cannot be verified, so nothing is prefilled from them",
            ),
            keys => findings.ok(&key("jwks_url"), format!("{host} has {keys} signing key(s)")),
        },
        Err(why) => unreached(&key("jwks_url"), &host, &why, &mut findings),
    }

    let host = self::host(&merchant.checkout_url);
    match order {
        Ok(Reached { status: 401 | 403, .. }) => findings.fail(
            &key("api_username"),
            format!("{host} refuses the credentials"),
            "check that api_username, api_password, region and environment belong together",
        ),
        Ok(Reached { status: 404, .. }) => {
            findings.ok(&key("checkout_url"), format!("{host} answers and accepts the credentials"));
        }
        Ok(Reached { status, .. }) => findings.warn(
            &key("checkout_url"),
            format!("{host} answers {status} where 404 was expected"),
            "check that checkout_url points to Klarna; a 5xx may be temporary",
        ),
        Err(why) => unreached(&key("checkout_url"), &host, &why, &mut findings),
    }
    findings
}

fn unreached(check: &str, host: &str, why: &str, findings: &mut Findings) {
    let advice = "check DNS and firewall, and that no proxy is in between";
    findings.fail(check, format!("{host} cannot be reached: {why}"), advice);
}

fn clocks(reached: &Reached, host: &str, clock: &Clock, findings: &mut Findings) {
    let Some(date) = reached.date else { return };
    let apart = (date - clock.now()).abs();
    if apart > APART {
        findings.warn(
            "clock",
            format!("{host}'s clock and this machine's are {} s apart", apart.num_seconds()),
            "synchronise this machine with a time server: it judges expiries and id_tokens by its clock",
        );
    }
}

/// Host and port only, because other parts of a URL may be secret.
fn host(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
