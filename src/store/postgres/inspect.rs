//! What the server reports about itself, on connections outside the pools.

use sqlx::{ConnectOptions, Connection, raw_sql};

use super::pooler;
use super::pools::Pools;
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::sql::postgres as sql;
use crate::store::{Inspection, Server, StoreError};

pub(super) async fn inspect(pools: &Pools) -> Result<Inspection, StoreError> {
    let options = pools.queue.options();
    let mut connection = bounded(options.connect()).await?;
    // The simple protocol works through every kind of pooler.
    let facts = bounded(raw_sql(sql::INSPECT).fetch_one(&mut connection)).await?;
    let is_pooled = pooler::is_between(&mut connection, options).await?;
    bounded(connection.close()).await?;
    let needed = pools.claims.used("claims").most.saturating_add(1);
    Ok(Inspection::Postgres(Server {
        version: facts.text("version")?,
        now: facts.time("now")?,
        standby: facts.flag("standby")?,
        read_only: facts.flag("read_only")?,
        durable: facts.flag("durable")?,
        asynchronous_standbys: facts.int("asynchronous_standbys")?,
        max_connections: facts.int("max_connections")?,
        pooler: if is_pooled { Some(pooler::transactions(options, needed).await) } else { None },
    }))
}
