//! `audit`

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;

use super::audited::Audited;
use super::table::printable;
use super::views::{or_dash, time};
use super::{CliError, Context, Exit, Table};
use crate::api::AuditRecord;
use crate::audit::{self, Action, Actor, BrokenRow, Outcome, Verified};
use crate::ids::{MerchantName, UserId, UserKey};
use crate::store::AuditFilter;
use crate::when::When;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List who read or changed what, newest first
    List(Filter),
    /// Verify that no row of the audit log was changed or removed
    ///
    /// Each row carries a keyed hash of the row before it. Only rows whose retention
    /// (retention.audit) is over may be missing. Exit code 3: a row is broken; the oldest one is
    /// named.
    Verify,
}

/// Which rows.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only rows of this time or later, such as 2026-01-31T12:00:00Z, or this long ago, such as 2h
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    since: Option<When>,
    /// Only what was done with the API key of this name
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// Only this action
    #[arg(long, value_parser = PossibleValuesParser::new(Action::ALL.map(Action::as_str))
        .try_map(|word| Action::from_word(&word).map_err(|error| error.to_string())))]
    action: Option<Action>,
    /// Only rows about this merchant
    #[arg(long)]
    merchant: Option<MerchantName>,
    /// Only rows about this user of the merchant
    #[arg(long, requires = "merchant")]
    user: Option<UserId>,
    /// Only with this outcome
    #[arg(long, value_parser = PossibleValuesParser::new(Outcome::ALL.map(Outcome::as_str))
        .try_map(|word| Outcome::from_word(&word).map_err(|error| error.to_string())))]
    outcome: Option<Outcome>,
    /// Only with exactly this object, such as the id of an order or a webhook
    #[arg(long)]
    object: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Only rows before this one: the last id of the previous page
    #[arg(long, value_name = "ID")]
    cursor: Option<i64>,
}

impl Command {
    pub(super) fn audited(&self) -> Option<Audited> {
        match self {
            Self::List(_) => Some(Audited::new(Action::AuditRead)),
            Self::Verify => None,
        }
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::List(filter) => context.block_on(list(context, filter)),
            Self::Verify => context.block_on(verify(context)),
        }
    }
}

async fn list(context: &Context, filter: Filter) -> Result<Exit, CliError> {
    let Filter { since, key, action, merchant, user, outcome, object, limit, cursor } = filter;
    let app = context.app_to_read().await?;
    let user = merchant.clone().zip(user).map(|(merchant, user)| UserKey { merchant, user });
    let filter = AuditFilter {
        since: since.map(|when| when.by(app.clock.now())),
        actor: key.map(|name| Actor::Key(name).to_string()),
        action: action.map(|action| action.as_str().to_owned()),
        merchant: merchant.map(Into::into),
        user_hash: user.map(|user| app.audit.user(&user)),
        outcome: outcome.map(|outcome| outcome.as_str().to_owned()),
        object,
        without: Vec::new(),
        before: cursor,
        limit,
    };
    let rows =
        app.store.audit_rows(&filter).await.map_err(|error| CliError::failed("read the audit log", error))?;
    let rows: Vec<AuditRecord> = rows.into_iter().map(AuditRecord::from).collect();
    context.audit_read().await?;
    context.output.table(&rows, table)?;
    if let Some(last) = rows.last().filter(|_| rows.len() == limit as usize) {
        context.output.hint(format!("Next page: --cursor {}", last.id));
    }
    Ok(Exit::Done)
}

fn table(rows: &[AuditRecord]) -> Table {
    let table =
        Table::new(["id", "happened", "actor", "action", "outcome", "merchant", "user", "object", "request"]);
    let mut table = table.above_all(&["happened", "actor", "action", "outcome"]);
    for row in rows {
        table.row([
            row.id.to_string(),
            time(row.happened_at),
            row.actor.clone(),
            row.action.clone(),
            row.outcome.clone(),
            or_dash(row.merchant.as_deref()),
            or_dash(row.user.as_deref()),
            or_dash(row.object.as_deref()),
            or_dash(row.request_id.as_deref()),
        ]);
    }
    table
}

async fn verify(context: &Context) -> Result<Exit, CliError> {
    let app = context.app_to_read().await?;
    let verified = audit::verify(&*app.store, app.secrets.hasher()).await;
    let verified = verified.map_err(|error| CliError::failed("verify the audit log", error))?;
    let Verified { rows, chains, broken, first } = &verified;
    let human = match first {
        None => format!("{rows} rows in {chains} chains are as they were written"),
        Some(BrokenRow { id, chain, number, happened_at, wrong }) => {
            let (at, wrong) = (time(*happened_at), printable(wrong));
            format!(
                "{broken} of {rows} rows are broken; the first is row {id} of {at} (chain {chain}, number \
                 {number}): {wrong}"
            )
        }
    };
    context.output.print(human, &json!(verified))?;
    Ok(if *broken == 0 { Exit::Done } else { Exit::SomeFailed })
}
