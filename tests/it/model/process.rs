//! A process that a test can kill: vault and store have a runtime of their own.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use klarna_order_worker::ids::InstanceId;
use klarna_order_worker::silence::SilenceWatch;
use klarna_order_worker::store::{self, Store, Worker};
use klarna_order_worker::token::{IfDue, Purpose};
use klarna_order_worker::vault::instance::Spool;
use klarna_order_worker::vault::{NotVended, Refreshed, Vault, Vend};
use secrecy::ExposeSecret as _;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::stores::Db;
use crate::vault::{Shop, describe, watch};

pub struct Process {
    runtime: Option<Runtime>,
    shop: Shop,
    pub store: Arc<dyn Store>,
    pub vault: Vault,
    spool: Spool,
    pub worker: Worker,
    /// What it has watched of others, by its own clock.
    pub silence: SilenceWatch,
}

impl Process {
    /// Starts in the instance folder as a process does: it stores the spool first.
    pub async fn start(db: &Db, shop: &Shop, instance: InstanceId) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (database, clock) = (db.database().clone(), db.clock.clone());
        let opening = runtime.spawn(async move { store::open(&database, 1, &clock).await.unwrap() });
        let store = opening.await.unwrap();
        let spool = shop.spool(&instance.to_string());
        let worker = Worker { id: Uuid::now_v7().into(), instance, name: "host/1".into() };
        let (on, files, beginning) = (Arc::clone(&store), spool.clone(), worker.clone());
        let merchant = Arc::clone(&shop.merchant);
        let begun = runtime.spawn(async move {
            files.replay(&*on).await.unwrap();
            on.begin_worker(&beginning).await.unwrap();
            on.end_earlier(&beginning).await.unwrap();
            on.prove_provider(&merchant.name, merchant.provider()).await.unwrap();
        });
        begun.await.unwrap();
        let silence = watch();
        let vault = shop.vault(Arc::clone(&store), worker.id, spool.clone(), &silence);
        vault.stop_waiting();
        Self { runtime: Some(runtime), shop: shop.clone(), store, vault, spool, worker, silence }
    }

    /// Gives the process a new vault, with a closed circuit breaker. As at the start, nobody waits
    /// for an exchange of others, or for its own next one: a vend tells the wait instead.
    pub fn refresh(&mut self) {
        let (store, spool) = (Arc::clone(&self.store), self.spool.clone());
        self.vault = self.shop.vault(store, self.worker.id, spool, &self.silence);
        self.vault.stop_waiting();
    }

    /// Runs a task in the process.
    pub fn run<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.runtime.as_ref().expect("the process lives").spawn(task)
    }

    /// Asks for an access token in the process.
    pub fn ask(&self, user: String, purpose: Purpose) -> JoinHandle<String> {
        let (shop, vault) = (self.shop.clone(), self.vault.clone());
        self.run(async move { describe(&shop.access_for(&vault, &user, purpose).await) })
    }

    /// Asks for an access token in the process, as a program of the shop does.
    pub fn vend(&self, user: String, min_validity: u64) -> JoinHandle<String> {
        let (shop, vault) = (self.shop.clone(), self.vault.clone());
        self.run(async move {
            let (user, min_validity) = (user.into(), Duration::from_secs(min_validity));
            let patience = Duration::from_hours(1);
            let vend = Vend { merchant: &shop.merchant, user: &user, min_validity, patience };
            match vault.vend(vend).await {
                Ok(access) => access.token.expose_secret().to_owned(),
                Err(NotVended::ComeBack(wait)) => format!("{wait:?}"),
                Err(NotVended::ReauthRequired(_)) => "ReauthRequired".to_owned(),
                Err(why) => format!("{why:?}"),
            }
        })
    }

    /// Refreshes the token in the process, as a sweep does, whatever its due date.
    pub fn sweep(&self, user: String, now: DateTime<Utc>) -> JoinHandle<String> {
        let (shop, vault) = (self.shop.clone(), self.vault.clone());
        let some_day = now + TimeDelta::days(400);
        let if_due = IfDue { by: some_day, issued_before: some_day };
        self.run(async move {
            match vault.refresh(&shop.merchant, &user.into(), Uuid::now_v7().into(), if_due, pending()).await
            {
                Refreshed::ComeBack(wait) => format!("{wait:?}"),
                Refreshed::Unusable(why) => format!("{why:?}"),
                other => format!("{other:?}"),
            }
        })
    }

    /// Returns how many successors wait in the spool.
    pub async fn spooled(&self) -> usize {
        self.spool.waiting().await
    }

    /// Kills the process.
    pub async fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(20)))
                .await
                .unwrap();
        }
    }

    /// Stops the process gracefully.
    pub async fn stop(&mut self) {
        if self.runtime.is_some() {
            let store = Arc::clone(&self.store);
            self.run(async move { store.close().await }).await.unwrap();
            self.kill().await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
