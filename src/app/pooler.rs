//! The transaction pooler before the server, if there is one.

use super::{App, AppError};
use crate::config::Engine;
use crate::store::{Inspection, Server};

/// Warns of a transaction pooler that runs too few transactions at the same time. It may only be
/// busy.
pub(super) async fn look_at(app: &App) -> Result<(), AppError> {
    let (database, exchanges) = (&app.settings.database, app.settings.vault.max_in_flight);
    if database.engine != Engine::Postgres || !database.goes_through_pooler() {
        return Ok(());
    }
    if let Inspection::Postgres(Server { pooler: Some(transactions), .. }) = app.store.inspect().await?
        && u32::try_from(transactions).is_ok_and(|transactions| transactions <= exchanges)
    {
        tracing::warn!(
            transactions,
            exchanges,
            "The pooler runs too few transactions at a time for the exchanges that may be in flight; raise its pool, or \
             lower vault.max_in_flight"
        );
    }
    Ok(())
}
