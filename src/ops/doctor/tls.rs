//! Checks the files for TLS: readable, fitting, and valid for a while.

use super::{Findings, SOON};
use crate::clock::Clock;
use crate::config::Settings;
use crate::tls::CertificateInfo;

pub(super) async fn check(settings: &Settings, clock: &Clock, findings: &mut Findings) {
    let Some(files) = &settings.server.tls else { return };
    let loaded = match files.load(clock).await {
        Ok(loaded) => loaded,
        Err(error) => {
            findings.fail_with("server.tls", &error);
            return;
        }
    };
    time("server.tls_cert", &loaded.certificate, clock, findings);
    for authority in &loaded.client_authorities {
        time("server.client_ca", authority, clock, findings);
    }
}

/// Checks that a certificate is valid now, and for some more weeks.
fn time(check: &str, certificate: &CertificateInfo, clock: &Clock, findings: &mut Findings) {
    let CertificateInfo { names, not_before, not_after } = certificate;
    let names = if names.is_empty() { String::new() } else { format!(" for {}", names.join(", ")) };
    let found = format!("the certificate{names} is valid from {not_before} to {not_after}");
    let now = clock.now();
    if !certificate.is_valid(now) {
        findings.fail(
            check,
            found,
            "replace the file by a certificate that is valid now; no restart is needed",
        );
    } else if *not_after <= now + SOON {
        findings.warn(check, found, "renew it, and replace the file; no restart is needed");
    } else {
        findings.ok(check, found);
    }
}
