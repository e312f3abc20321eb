//! Compares the real database and spools with the model.

use std::time::Duration;

use klarna_order_worker::ids::UserKey;
use klarna_order_worker::token::Outcome;

use super::{ModelRun, same, soon};
use crate::model::world::Entry;

impl ModelRun {
    /// Compares rows, ledger, cached tokens and spools with the model.
    pub(super) async fn compare(&mut self) -> Result<(), String> {
        self.poll().await;
        self.locks_are_freed().await?;
        for user in 0..2 {
            let (name, model) = (&self.users[user], &self.world.users[user]);
            let row = self.db.store.token(&UserKey::new("shop", name.as_str())).await.unwrap();
            let generation = row.as_ref().map_or(0, |row| row.generation);
            let real = row.map(|row| (row.state, row.reason, row.generation));
            same("row", &real, &model.row.as_ref().map(|row| (row.state, row.reason, row.generation)))?;
            if generation < self.generations[user] {
                return Err(format!("the generation fell to {generation}"));
            }
            self.generations[user] = generation;
            let ledger = format!(
                "e.generation || '.' || e.presentation || ' ' || coalesce(e.outcome, 'open') FROM exchanges e \
                 JOIN tokens t ON t.id = e.token_id WHERE t.user_id = '{name}' ORDER BY e.generation, e.presentation"
            );
            let real: Vec<String> = self.raw.column(&ledger).await.into_iter().flatten().collect();
            let line = |entry: &Entry| {
                format!(
                    "{}.{} {}",
                    entry.generation,
                    entry.number,
                    entry.outcome.map_or("open", Outcome::as_str)
                )
            };
            same("ledger", &real, &model.ledger.iter().map(line).collect())?;
            let cached = format!(
                "count(*) FROM cached_tokens k JOIN tokens t ON t.id = k.token_id WHERE t.user_id = '{name}'"
            );
            let real = self.raw.column(&cached).await;
            same("cached", &real, &vec![Some(model.cached.len().to_string())])?;
        }
        for process in 0..2 {
            same("spooled", &self.processes[process].spooled().await, &self.world.spooled(process))?;
        }
        Ok(())
    }

    /// Waits until closed connections have freed their locks.
    async fn locks_are_freed(&mut self) -> Result<(), String> {
        if self.db.is_sqlite() {
            return Ok(());
        }
        let held = self.world.flights.iter().filter(|flight| flight.locked).count().to_string();
        let count = "count(*) FROM pg_locks WHERE locktype = 'advisory' \
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let freed = async {
            while self.raw.column(count).await != [Some(held.clone())] {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        soon("the freedom of a claim's lock", freed).await
    }
}
