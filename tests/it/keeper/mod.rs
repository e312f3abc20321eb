//! The keeper, on both engines, with a token endpoint that the test controls, and with the sandbox.

mod paused;
mod sweeps;
mod together;
mod year;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use klarna_order_worker::ids::WorkerId;
use klarna_order_worker::keeper::{Dependencies, Run, Scope, Summary, Sweeper};
use klarna_order_worker::vault::{ImportedToken, Registration, Vault};
use tokio::sync::watch;

use crate::vault::Shop;

const DAY: Duration = Duration::from_hours(24);

/// A process that sweeps.
struct Process {
    vault: Vault,
    worker: WorkerId,
    sweeper: Arc<Sweeper>,
}

impl Process {
    async fn start(shop: &Shop) -> Self {
        let (vault, worker) = shop.process().await;
        let sweeper = Sweeper::new(Dependencies {
            // Each process has a store of its own, as its vault does.
            store: shop.db.open().await,
            vault: vault.clone(),
            merchants: BTreeMap::from([(shop.merchant.name.clone(), Arc::clone(&shop.merchant))]).into(),
            settings: shop.keeper.clone().into(),
            max_in_flight: shop.settings.max_in_flight,
            orphan_after: shop.settings.orphan_after,
            silence: crate::vault::watch(),
            worker,
        });
        Self { vault, worker, sweeper: Arc::new(sweeper) }
    }

    async fn run(&self, scope: &Scope) -> Run {
        self.sweeper.run(scope, never(), &mut |_, _| {}).await.unwrap()
    }

    /// Sweeps all due tokens, without waiting for an open circuit breaker.
    async fn sweep(&self) -> Summary {
        match self.run(&at_once()).await {
            Run::Swept(summary) => summary,
            Run::Elsewhere(who) => panic!("{who:?} sweeps"),
        }
    }
}

fn at_once() -> Scope {
    Scope { patience: Duration::ZERO, ..Scope::default() }
}

/// Returns a stop that is never requested.
fn never() -> watch::Receiver<bool> {
    watch::channel(false).1
}

/// Registers a token of this age.
async fn sign_in(shop: &Shop, user: &str, token: &str, age: Duration) {
    let issued_at = Some(shop.db.clock.now() - age);
    let registration =
        Registration { user: user.into(), refresh_token: token.into(), issued_at, expires_at: None };
    let token = ImportedToken { merchant: Arc::clone(&shop.merchant), registration };
    let imported = shop.registry().import(&[token]).await.unwrap();
    assert!(matches!(imported[..], [Ok(_)]));
}
