//! Connects the operators' pages to the data that they show.

use std::sync::Arc;

use super::process::process_name;
use super::{App, facts};
use crate::pages::Dependencies;

impl App {
    /// The data of the operators' pages: the installation's from the database, and what only this
    /// process knows.
    #[must_use]
    pub fn pages(&self) -> Dependencies {
        let schedule = self.settings.keeper.schedule.clone();
        Dependencies {
            intake: self.intake(),
            registry: self.registry_for_lists(),
            orders: self.lists.clone(),
            webhooks: self.lists.clone(),
            endpoints: self.lists.clone(),
            keeper: self.lists.clone(),
            dashboard: self.lists.clone(),
            stats: self.lists.clone(),
            audit: self.audit.clone(),
            audit_log: self.lists.clone(),
            replica: self.store.clone(),
            pausing: self.store.clone(),
            outages: self.lists.clone(),
            resolving: self.store.clone(),
            providers: self.store.clone(),
            merchants: self.merchants(),
            api_keys: self.live.api_keys.clone(),
            settings: self.live.status.clone(),
            accepted_credentials: self.accepted_credentials.clone(),
            secrets: Arc::clone(&self.secrets),
            clock: self.clock.clone(),
            facts: facts::asking(self),
            process: process_name(),
            worker: None,
            next_sweep: Arc::new(move |now| schedule.as_ref()?.after(&now).next()),
            worker_lost_after: self.settings.queue.worker_lost_after,
        }
    }
}
