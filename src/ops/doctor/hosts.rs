//! Checks each merchant's hosts: reachable, credentials accepted, signing keys usable.

use chrono::TimeDelta;
use futures::future::join_all;
use url::Url;

use super::Findings;
use crate::clock::Clock;
use crate::config::{AddressOf, ApiCredentials, Merchant, Settings};
use crate::klarna::probe::{KeySetReply, Probe, Reached};
use crate::order::Target;
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
    let mut findings = Findings::default();
    let target = |credentials| probe.target(merchant, credentials, merchant.target);
    let second = async { Some(target(merchant.second_api_credentials.as_ref()?).await) };
    let (token, jwks, order, second) =
        tokio::join!(probe.token(merchant), probe.jwks(merchant), target(&merchant.api_credentials), second);
    token_endpoint(merchant, token, clock, &mut findings);
    key_set(merchant, jwks, &mut findings);
    if merchant.target == Target::Checkout {
        checkout_passed_on(merchant, &mut findings);
    }
    api(merchant, order, second, &mut findings);
    findings
}

/// Returns the path of a setting of the merchant.
fn setting(merchant: &Merchant, key: &str) -> String {
    format!("merchants.{}.{key}", merchant.name)
}

fn shown(merchant: &Merchant, of: AddressOf) -> Option<String> {
    merchant.address(of).map(|address| address.to_string())
}

/// Also tells of the revocation endpoint, which nothing asks, because each request to it would need
/// a token.
fn token_endpoint(
    merchant: &Merchant,
    answer: Result<Reached, String>,
    clock: &Clock,
    findings: &mut Findings,
) {
    let (key, address) =
        (setting(merchant, "token_url"), shown(merchant, AddressOf::Token).unwrap_or_default());
    match answer {
        Ok(reached) => {
            findings.ok(&key, format!("{address} answers"));
            clocks(&reached, &host(&merchant.token_url), clock, findings);
        }
        Err(why) => unreached(&key, &address, &why, findings),
    }
    if let Some(address) = shown(merchant, AddressOf::Revoke).filter(|_| merchant.revoke_on_forget) {
        findings
            .ok(&setting(merchant, "revoke_url"), format!("{address} gets the tokens of forgotten users"));
    }
}

/// The keys that sign id_tokens.
fn key_set(merchant: &Merchant, answer: Result<KeySetReply, String>, findings: &mut Findings) {
    let (key, address) =
        (setting(merchant, "jwks_url"), shown(merchant, AddressOf::Jwks).unwrap_or_default());
    match answer {
        Ok(KeySetReply { status, body }) => match parse(&body).map_or(0, |keys| keys.len()) {
            0 => findings.warn(
                &key,
                format!("{address} answers {status} without a usable key"),
                "check jwks_url: id_tokens cannot be verified, so nothing is prefilled from them",
            ),
            keys => findings.ok(&key, format!("{address} has {keys} signing key(s)")),
        },
        Err(why) => unreached(&key, &address, &why, findings),
    }
}

/// The API of the merchant's target, as each set of credentials was answered.
fn api(
    merchant: &Merchant,
    first: Result<Reached, String>,
    second: Option<Result<Reached, String>>,
    findings: &mut Findings,
) {
    let key = setting(merchant, &format!("{}_url", merchant.target));
    let Some(address) = shown(merchant, AddressOf::Target(merchant.target)) else { return };
    let (answer, accepted) = either(merchant, &address, first, second, findings);
    match answer {
        Ok(Reached { status: 401 | 403, .. }) => findings.fail(
            &setting(merchant, credentials(merchant)),
            format!("{address} refuses the credentials"),
            "check that the credentials belong to this address, region and environment",
        ),
        Ok(Reached { status: 404, .. }) => {
            findings.ok(&key, format!("{address} answers and accepts {accepted}"));
        }
        Ok(Reached { status, .. }) => findings.warn(
            &key,
            format!("{address} answers {status} where 404 was expected"),
            "check that the address is that of Klarna's API; a 5xx may be temporary",
        ),
        Err(why) => unreached(&key, &address, &why, findings),
    }
}

/// Returns the answer that counts if there are two sets of credentials, and what it accepts, in
/// words. Warns if only one of them is accepted.
fn either(
    merchant: &Merchant,
    host: &str,
    first: Result<Reached, String>,
    second: Option<Result<Reached, String>>,
    findings: &mut Findings,
) -> (Result<Reached, String>, String) {
    let only = "the credentials".to_owned();
    let Some(second) = second else { return (first, only) };
    let has = |answer: &Result<Reached, String>, statuses: &[u16]| {
        answer.as_ref().is_ok_and(|reached| statuses.contains(&reached.status))
    };
    let what = merchant.api_credentials.plural();
    let (good, bad) = (&[404], &[401, 403]);
    let (accepts, refuses, counts, advice) = if has(&first, bad) && has(&second, good) {
        let advice =
            "calls use the second: if it is the new one, remove the first from the settings and reload";
        ("second", "first", second, advice)
    } else if has(&first, good) && has(&second, bad) {
        let advice = "calls use the first: if it is the new one, remove the second from the settings and \
            reload; if the second is the new one, it is not valid at Klarna yet";
        ("first", "second", first, advice)
    } else if has(&first, good) && has(&second, good) {
        return (first, format!("both of the two {what}; a process that starts now uses the first"));
    } else {
        return (first, only);
    };
    findings.warn(
        &format!("merchants.{}.{}", merchant.name, credentials(merchant)),
        format!("{host} accepts the {accepts} of the two {what}, and refuses the {refuses}"),
        advice,
    );
    (counts, format!("the {accepts} of the two {what}"))
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

/// Warns of Klarna's own Checkout hosts.
fn checkout_passed_on(merchant: &Merchant, findings: &mut Findings) {
    let host = merchant.checkout_url.as_deref().and_then(Url::host_str).unwrap_or_default();
    if host == "klarna.com" || host.ends_with(".klarna.com") {
        findings.warn(
            &format!("merchants.{}.checkout_provider", merchant.name),
            format!(
                "{host} is a host of Klarna, but Klarna Checkout has passed to Kustom: after 31 March 2026 calls to \
                 Klarna's Checkout hosts no longer work"
            ),
            "get credentials from Kustom, and write checkout_provider = \"kustom\"",
        );
    }
}

/// Returns the name of the setting with the credentials.
fn credentials(merchant: &Merchant) -> &'static str {
    match merchant.api_credentials {
        ApiCredentials::Password { .. } => "api_username",
        ApiCredentials::Key(_) => "api_key",
    }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::super::CheckStatus;
    use super::*;

    fn merchant(more: &str) -> std::sync::Arc<Merchant> {
        let text = format!(
            "installation = \"test\"\n[merchants.shop]\nregion = \"eu\"\nenvironment = \"production\"\n\
             client_id = \"client\"\napi_key = \"key\"\n{more}\n"
        );
        Settings::parse("test", &text, std::iter::empty()).unwrap().merchants["shop"].clone()
    }

    #[test]
    fn klarnas_own_checkout_hosts_are_warned_of_and_no_others() {
        let findings = |more: &str| {
            let mut findings = Findings::default();
            checkout_passed_on(&merchant(more), &mut findings);
            findings.0
        };
        for klarnas in ["checkout_provider = \"klarna\"", "checkout_url = \"https://api-na.klarna.com/\""] {
            let [finding] = &findings(klarnas)[..] else { panic!("no warning for {klarnas}") };
            assert_eq!(
                (finding.check.as_str(), finding.status),
                ("merchants.shop.checkout_provider", CheckStatus::Warning)
            );
        }
        for other in ["checkout_provider = \"kustom\"", "checkout_url = \"https://notklarna.com/\""] {
            assert_eq!(findings(other), [], "{other}");
        }
    }
}
