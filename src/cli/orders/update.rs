//! `orders update`

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::api::Order;
use crate::audit::Action;
use crate::bounded;
use crate::cli::audited::Audited;
use crate::cli::{CliError, Context, Exit, confirm};
use crate::order::{MAX_BODY, OrderId};

/// The most bytes that are read: the largest order, and white space.
const LARGEST: usize = MAX_BODY + 16 * 1024;

/// A new body for an order.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Update {
    /// The order's id
    id: OrderId,
    /// The new order, as JSON: the whole body of Klarna's create call. - reads standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Change the order only if it still has this version, as `orders show` shows it
    #[arg(long, value_name = "VERSION")]
    if_version: Option<i64>,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl Update {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Audited {
        Audited::new(Action::OrderUpdate).object(self.id)
    }

    pub(super) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let doing = format!("update the order {}", self.id);
        // Before the body is read, which may come from standard input.
        let question = format!(
            "Replace the body of the order {}, at Klarna too if it is submitted? It cannot be undone.",
            self.id
        );
        confirm::ask(self.yes, &doing, question)?;
        let body = self.read().map_err(|error| CliError::failed(&doing, error))?;
        let app = context.app().await?;
        let failed = |error| CliError::failed(&doing, error);
        let found = app.store.order(self.id).await.map_err(failed)?;
        let found =
            found.ok_or_else(|| CliError::failed(&doing, "there is no such order in this database"))?;
        let change = format!(r#"{{"order":{}}}"#, *body);
        let body = app
            .intake()
            .parse_change(&change, &found)
            .map_err(|rejection| CliError::failed(&doing, rejection))?;
        let sessions = app.sessions().map_err(|error| CliError::failed(&doing, error))?;
        let changed = sessions.change(self.id, self.if_version, body).await;
        let order = Order::from(changed.map_err(|why| CliError::failed(&doing, why))?);
        let human = format!("{}  version {}, {}", order.id, order.version, order.status);
        context.output.print(human, &order)?;
        Ok(Exit::Done)
    }

    fn read(&self) -> std::io::Result<Zeroizing<String>> {
        if self.file.as_os_str() == "-" {
            bounded::read_text_from(std::io::stdin(), LARGEST)
        } else {
            bounded::read_text(&self.file, LARGEST)
        }
    }
}
