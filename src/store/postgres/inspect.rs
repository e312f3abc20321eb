//! What the server reports about itself, on connections outside the pools.

use sqlx::{ConnectOptions, Connection, PgConnection, raw_sql};

use super::pools::Pools;
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::sql::postgres as sql;
use crate::store::{Inspection, Server, StoreError};

/// Opens two sessions at once: only a transaction pooler runs both on one server connection.
pub(super) async fn inspect(pools: &Pools) -> Result<Inspection, StoreError> {
    let options = pools.queue.options();
    let mut first = bounded(options.connect()).await?;
    // The simple protocol works through every kind of pooler.
    let facts = bounded(raw_sql(sql::INSPECT).fetch_one(&mut first)).await?;
    let mut second = bounded(options.connect()).await?;
    let pooled = backend(&mut first).await? == backend(&mut second).await?;
    bounded(second.close()).await?;
    bounded(first.close()).await?;
    Ok(Inspection::Postgres(Server {
        version: facts.text("version")?,
        now: facts.time("now")?,
        standby: facts.flag("standby")?,
        durable: facts.flag("durable")?,
        asynchronous_standbys: facts.int("asynchronous_standbys")?,
        max_connections: facts.int("max_connections")?,
        pooled,
    }))
}

async fn backend(c: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(bounded(raw_sql(sql::BACKEND).fetch_one(c)).await?.int("pid")?)
}
