//! Submits an order inside the shop's own transaction. The order exists if and only if that
//! transaction commits.
//!
//! The shop's program reads the service's settings and opens its `Intake`. On PostgreSQL the commit
//! wakes the workers. On SQLite the shop's tables are in the service's file, and the service finds
//! the order within a second.
//!
//! Run it with `cargo run --example in_your_transaction -- config.toml USER ORDER.json`

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use klarna_order_worker::app::App;
use klarna_order_worker::clock::Clock;
use klarna_order_worker::config::{Engine, Settings};
use klarna_order_worker::intake::{Accepted, Intake};
use klarna_order_worker::order::NewOrder;
use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, PgConnection, SqliteConnection};

/// Stores a cart and submits its order in one transaction on PostgreSQL.
///
/// # Errors
/// If the order is refused or the database does not answer. The transaction is then rolled back.
pub async fn on_postgres(
    intake: &Intake,
    shop: &mut PgConnection,
    order: NewOrder,
) -> Result<Accepted, Box<dyn Error>> {
    let mut transaction = shop.begin().await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS carts (id text, order_id uuid)")
        .execute(&mut *transaction)
        .await?;
    let accepted = intake.accept(&mut *transaction, order).await?;
    let note =
        sqlx::query("INSERT INTO carts (id, order_id) VALUES ('cart-1', $1)").bind(accepted.id.as_uuid());
    note.execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(accepted)
}

/// Does the same on SQLite. It uses `BEGIN IMMEDIATE`, because a transaction that starts with a
/// read may be refused its first write.
///
/// # Errors
/// Like [`on_postgres`].
pub async fn on_sqlite(
    intake: &Intake,
    shop: &mut SqliteConnection,
    order: NewOrder,
) -> Result<Accepted, Box<dyn Error>> {
    let mut transaction = shop.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS carts (id text, order_id blob)")
        .execute(&mut *transaction)
        .await?;
    let accepted = intake.accept(&mut *transaction, order).await?;
    let note =
        sqlx::query("INSERT INTO carts (id, order_id) VALUES ('cart-1', $1)").bind(accepted.id.as_uuid());
    note.execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(accepted)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [config, user, file] = &arguments[..] else {
        return Err("usage: in_your_transaction CONFIG USER ORDER_FILE".into());
    };
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    let settings = Settings::load(Some(Path::new(config)), environment.clone().into_iter())?;
    let app = App::open(settings, &environment, Clock::system()).await?;
    let body = std::fs::read_to_string(file)?;
    let user = serde_json::Value::from(user.as_str());
    let intake = app.intake();
    let order = intake.parse(&format!(r#"{{"merchant":"shop","user":{user},"order":{body}}}"#), None)?;
    let url = app.settings.database.url.expose_secret();
    let accepted = match &app.settings.database.engine {
        Engine::Postgres => on_postgres(&intake, &mut PgConnection::connect(url).await?, order).await?,
        Engine::Sqlite { path } => {
            let url = format!("sqlite://{}", path.display());
            on_sqlite(&intake, &mut SqliteConnection::connect(&url).await?, order).await?
        }
    };
    println!("{}", accepted.id);
    Ok(())
}
