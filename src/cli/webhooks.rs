//! `webhooks`

mod view;

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;

use self::view::{Webhook, disabled, table};
use super::audited::Audited;
use super::{CliError, Context, Exit};
use crate::audit::Action;
use crate::ids::{MerchantName, UserId, WebhookId};
use crate::store::{EventKind, WebhookFilter, WebhookStatus, Webhooks};

const STATUSES: [WebhookStatus; 3] =
    [WebhookStatus::Pending, WebhookStatus::Delivered, WebhookStatus::Failed];
const KINDS: [EventKind; 4] = [
    EventKind::OrderSubmitted,
    EventKind::OrderFailed,
    EventKind::TokenReauthRequired,
    EventKind::TokenRecovered,
];

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List webhook events, newest first, and disabled endpoints
    List {
        #[command(flatten)]
        which: Which,
        /// At most this many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Only events older than this one: the last id of the previous page
        #[arg(long, value_name = "ID")]
        cursor: Option<WebhookId>,
    },
    /// Send events again, whatever their status, and enable their endpoints
    ///
    /// Choose events by id or by filters. A running service sends them within a second.
    Resend {
        /// Events by their ids
        #[arg(value_name = "ID", conflicts_with_all = ["merchant", "user", "status", "kind", "within"])]
        ids: Vec<WebhookId>,
        #[command(flatten)]
        which: Which,
    },
    /// Remove a merchant's endpoint: no more events are written or sent
    ///
    /// First take the webhook out of the settings of every process and restart them. A process whose
    /// settings have the webhook brings the endpoint back at its next start.
    Remove {
        /// The merchant
        merchant: MerchantName,
    },
}

/// Which events.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Only events with this status
    #[arg(long, value_parser = PossibleValuesParser::new(STATUSES.map(WebhookStatus::as_str))
        .try_map(|word| known(&STATUSES, WebhookStatus::as_str, &word)))]
    status: Option<WebhookStatus>,
    /// Only events of this kind
    #[arg(long, value_parser = PossibleValuesParser::new(KINDS.map(EventKind::as_str))
        .try_map(|word| known(&KINDS, EventKind::as_str, &word)))]
    kind: Option<EventKind>,
    /// Only this merchant's
    #[arg(long)]
    merchant: Option<MerchantName>,
    /// Only about this user
    #[arg(long)]
    user: Option<UserId>,
    /// Only events that happened within this long ago, such as 2h
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    within: Option<Duration>,
}

fn known<T: Copy>(all: &[T], word: fn(T) -> &'static str, text: &str) -> Result<T, String> {
    all.iter().copied().find(|item| word(*item) == text).ok_or_else(|| "unknown word".to_owned())
}

impl Which {
    fn is_empty(&self) -> bool {
        let Self { status, kind, merchant, user, within } = self;
        status.is_none() && kind.is_none() && merchant.is_none() && user.is_none() && within.is_none()
    }

    fn filter(self) -> WebhookFilter {
        let Self { status, kind, merchant, user, within } = self;
        WebhookFilter { merchant, user, status, kind, within, ..WebhookFilter::default() }
    }
}

impl Command {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Option<Audited> {
        match self {
            Self::List { .. } => None,
            Self::Resend { ids, which } => {
                let object =
                    if ids.is_empty() { "by filters".to_owned() } else { format!("{} webhooks", ids.len()) };
                Some(Audited::new(Action::WebhookResend).merchant(which.merchant.clone()).object(object))
            }
            Self::Remove { merchant } => {
                Some(Audited::new(Action::WebhookRemove).merchant(Some(merchant.clone())))
            }
        }
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::List { which, limit, cursor } => context.block_on(async {
                let filter = WebhookFilter { before: cursor, limit, ..which.filter() };
                list(context, &*context.app_to_read().await?.store, &filter).await
            }),
            Self::Resend { ids, which } => {
                if ids.is_empty() && which.is_empty() {
                    let message = "no events named: give their ids, or filters such as --merchant shop \
                        --status failed";
                    return Err(CliError::Usage(message.to_owned()));
                }
                context.block_on(async { resend(context, &*context.app().await?.store, &ids, which).await })
            }
            Self::Remove { merchant } => {
                context.block_on(async { remove(context, &*context.app().await?.store, &merchant).await })
            }
        }
    }
}

async fn list(context: &Context, store: &dyn Webhooks, filter: &WebhookFilter) -> Result<Exit, CliError> {
    let failed = |error| CliError::failed("list webhooks", error);
    let webhooks = store.webhooks(filter).await.map_err(failed)?;
    let webhooks: Vec<Webhook> = webhooks.into_iter().map(Webhook::from).collect();
    context.output.table(&webhooks, table)?;
    if let Some(last) = webhooks.last().filter(|_| webhooks.len() == filter.limit as usize) {
        context.output.hint(format!("Next page: --cursor {}", last.id));
    }
    for endpoint in store.endpoints().await.map_err(failed)? {
        if let Some(hint) = disabled(&endpoint) {
            context.output.hint(hint);
        }
    }
    Ok(Exit::Done)
}

async fn remove(context: &Context, store: &dyn Webhooks, merchant: &MerchantName) -> Result<Exit, CliError> {
    let removed = store.remove_endpoint(merchant).await;
    let removed = removed.map_err(|error| CliError::failed("remove a webhook endpoint", error))?;
    let human = if removed { "Removed." } else { "The database has no webhook endpoint of this merchant." };
    context.output.print(human, &json!({ "merchant": merchant, "removed": removed }))?;
    Ok(Exit::Done)
}

/// Reports unknown ids, and sends the others.
async fn resend(
    context: &Context,
    store: &dyn Webhooks,
    ids: &[WebhookId],
    which: Which,
) -> Result<Exit, CliError> {
    let failed = |error| CliError::failed("send webhooks again", error);
    let mut resent = 0;
    let mut unknown = Vec::new();
    if ids.is_empty() {
        resent = store.resend_webhooks(&which.filter()).await.map_err(failed)?;
    }
    for id in ids {
        let filter = WebhookFilter { id: Some(*id), ..WebhookFilter::default() };
        match store.resend_webhooks(&filter).await.map_err(failed)? {
            0 => unknown.push(*id),
            sent => resent += sent,
        }
    }
    let told: Vec<String> = unknown.iter().map(|id| format!("\nunknown: {id}")).collect();
    let human = format!("{resent} will be sent again{}", told.concat());
    context.output.print(human, &json!({ "resent": resent, "unknown": unknown }))?;
    Ok(if unknown.is_empty() { Exit::Done } else { Exit::SomeFailed })
}
