//! Compares each merchant's addresses with the provider's OpenID documents.

use futures::future::join_all;

use super::Findings;
use crate::config::{Merchant, Settings};
use crate::klarna::discovery::DiscoveryClient;
use crate::ops::discovery::{Difference, compare};

/// Checks the merchants with `discovery`; with `online`, all of them.
pub(super) async fn check(settings: &Settings, online: bool, findings: &mut Findings) {
    let merchants: Vec<&Merchant> = settings
        .merchants
        .values()
        .map(|merchant| &**merchant)
        .filter(|merchant| online || merchant.discovery)
        .collect();
    if merchants.is_empty() {
        return;
    }
    let client = match DiscoveryClient::new() {
        Ok(client) => client,
        Err(error) => {
            findings.fail_with("discovery", &error);
            return;
        }
    };
    let compared = join_all(merchants.iter().map(|merchant| compare(&client, merchant))).await;
    for (merchant, compared) in merchants.iter().zip(compared) {
        add_findings(merchant, compared, findings);
    }
}

fn add_findings(merchant: &Merchant, compared: Result<Vec<Difference>, String>, findings: &mut Findings) {
    let check = format!("merchants.{}.discovery", merchant.name);
    match compared {
        Err(why) => findings.warn(
            &check,
            format!("the provider's OpenID documents cannot be read: {why}"),
            "check issuer, DNS and firewall; nothing else depends on these documents",
        ),
        Ok(differences) if differences.is_empty() => {
            findings.ok(&check, "the provider's OpenID documents list the addresses in force");
        }
        Ok(differences) => {
            for Difference { setting, in_force, listed } in differences {
                findings.warn(
                    &format!("merchants.{}.{setting}", merchant.name),
                    format!("{in_force} is in force, and the provider's OpenID documents list {listed}"),
                    advice(setting),
                );
            }
        }
    }
}

fn advice(setting: &str) -> &'static str {
    match setting {
        "token_url" => {
            "ask Klarna which one your client has to use before you change it; after a change, `tokens adopt` moves \
             the refresh tokens"
        }
        _ => "ask Klarna which one your client has to use before you change it",
    }
}
