//! Compares the addresses of merchants with `discovery` daily with the provider's OpenID documents.

use std::time::Duration;

use tokio::time::timeout;

use crate::config::{Live, Merchant, Merchants};
use crate::klarna::discovery::DiscoveryClient;
use crate::meter;
use crate::ops::discovery::{COMPARED, Difference, compare};

/// How often the documents are read.
const AGAIN: Duration = Duration::from_hours(24);
/// The same after they could not be read.
const AFTER_FAILURE: Duration = Duration::from_hours(1);

/// Compares at start, after a reload, and then daily, until the service ends. Nothing is changed.
pub(super) async fn watch_endpoints(client: DiscoveryClient, merchants: Live<Merchants>) {
    let mut changes = merchants.changes();
    loop {
        let mut wait = AGAIN;
        let merchants = changes.borrow_and_update().clone();
        for merchant in merchants.values().filter(|merchant| merchant.discovery) {
            match compare(&client, merchant).await {
                Ok(differences) => log_differences(merchant, &differences),
                Err(error) => {
                    wait = AFTER_FAILURE;
                    tracing::warn!(merchant = %merchant.name, error, "The provider's OpenID documents could not be \
                        read; the next try follows in an hour");
                }
            }
        }
        // A change ends the wait; the sender lives as long as `merchants` does.
        let _ = timeout(wait, changes.changed()).await;
    }
}

fn log_differences(merchant: &Merchant, differences: &[Difference]) {
    for setting in COMPARED {
        let is_other = differences.iter().any(|difference| difference.setting == setting);
        meter::endpoint_moved(&merchant.name, setting, is_other);
    }
    for Difference { setting, in_force, listed } in differences {
        tracing::warn!(merchant = %merchant.name, setting, in_force, listed, "The provider's OpenID documents list \
            another address than the one in force, which stays in use; see `doctor`");
    }
}
