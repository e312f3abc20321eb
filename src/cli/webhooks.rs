//! `webhooks`

mod view;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;

use self::view::{Answer, Webhook, answered, disabled, table};
use super::audited::Audited;
use super::progress::Progress;
use super::table::printable;
use super::{CliError, Context, Exit, confirm};
use crate::audit::Action;
use crate::clock::Clock;
use crate::ids::{MerchantName, UserId, WebhookId};
use crate::store::{EventKind, StoreError, WebhookEndpoints, WebhookFilter, WebhookStatus, Webhooks};
use crate::when::When;

/// How many events one transaction makes due again.
const CHUNK: u32 = 500;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List webhook events, newest first, and disabled endpoints
    List {
        #[command(flatten)]
        selection: WebhookSelection,
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
        #[arg(value_name = "ID", conflicts_with_all = ["merchant", "user", "status", "kind", "since"])]
        ids: Vec<WebhookId>,
        #[command(flatten)]
        selection: WebhookSelection,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Send a test event to a merchant's endpoint, and enable the endpoint
    ///
    /// The event has the type webhook.test and is sent once. A running service sends it within a
    /// second; `webhooks answers` shows what the endpoint answered.
    Test {
        /// The merchant
        merchant: MerchantName,
    },
    /// List the last answers of a merchant's endpoint, newest first
    Answers {
        /// The merchant
        merchant: MerchantName,
    },
    /// Remove a merchant's endpoint: no more events are written or sent
    ///
    /// First take the webhook out of the settings of every process and reload them. A process whose
    /// settings have the webhook brings the endpoint back at its next start or reload.
    Remove {
        /// The merchant
        merchant: MerchantName,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

/// Which events.
#[derive(Debug, clap::Args)]
pub(super) struct WebhookSelection {
    /// Only events with this status
    #[arg(long, value_parser = PossibleValuesParser::new(WebhookStatus::ALL.map(WebhookStatus::as_str))
        .try_map(|word| known(&WebhookStatus::ALL, WebhookStatus::as_str, &word)))]
    status: Option<WebhookStatus>,
    /// Only events of this kind
    #[arg(long, value_parser = PossibleValuesParser::new(EventKind::ALL.map(EventKind::as_str))
        .try_map(|word| known(&EventKind::ALL, EventKind::as_str, &word)))]
    kind: Option<EventKind>,
    /// Only this merchant's
    #[arg(long)]
    merchant: Option<MerchantName>,
    /// Only about this user
    #[arg(long)]
    user: Option<UserId>,
    /// Only events that happened since this time, such as 2026-01-31 or 2026-01-31T12:00Z, or since
    /// this long ago, such as 2h
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    since: Option<When>,
}

fn known<T: Copy>(all: &[T], word: fn(T) -> &'static str, text: &str) -> Result<T, String> {
    all.iter().copied().find(|item| word(*item) == text).ok_or_else(|| "unknown word".to_owned())
}

impl WebhookSelection {
    fn is_empty(&self) -> bool {
        let Self { status, kind, merchant, user, since } = self;
        status.is_none() && kind.is_none() && merchant.is_none() && user.is_none() && since.is_none()
    }

    fn filter(self, clock: &Clock) -> WebhookFilter {
        let Self { status, kind, merchant, user, since } = self;
        let since = since.map(|since| since.by(clock.now()));
        WebhookFilter { merchant, user, status, kind, since, ..WebhookFilter::default() }
    }
}

impl Command {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Option<Audited> {
        match self {
            Self::List { .. } | Self::Answers { .. } => None,
            Self::Test { merchant } => {
                Some(Audited::new(Action::WebhookTest).merchant(Some(merchant.clone())))
            }
            Self::Resend { ids, selection, .. } => {
                let object = match &ids[..] {
                    [] => "by filters".to_owned(),
                    [id] => id.to_string(),
                    ids => format!("{} webhooks", ids.len()),
                };
                Some(Audited::new(Action::WebhookResend).merchant(selection.merchant.clone()).object(object))
            }
            Self::Remove { merchant, .. } => {
                Some(Audited::new(Action::WebhookRemove).merchant(Some(merchant.clone())))
            }
        }
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::List { selection, limit, cursor } => context.block_on(async {
                let app = context.app_to_read().await?;
                let filter = WebhookFilter { before: cursor, limit, ..selection.filter(&app.clock) };
                list(context, &*app.store, &*app.store, &filter).await
            }),
            Self::Resend { ids, selection, yes } => {
                if ids.is_empty() && selection.is_empty() {
                    let message = "no events named: give their ids, or filters such as --merchant shop \
                        --status failed";
                    return Err(CliError::Usage(message.to_owned()));
                }
                if !ids.is_empty() {
                    let what = webhooks(ids.len() as u64);
                    confirm::ask(yes, &format!("send {what} again"), format!("Send {what} again?"))?;
                }
                context.block_on(async {
                    let app = context.app().await?;
                    if ids.is_empty() {
                        resend_all(context, &*app.store, &selection.filter(&app.clock), yes).await
                    } else {
                        resend(context, &*app.store, &ids).await
                    }
                })
            }
            Self::Test { merchant } => {
                context.block_on(async { test(context, &*context.app().await?.store, &merchant).await })
            }
            Self::Answers { merchant } => context.block_on(async {
                let answers = context.app_to_read().await?.store.webhook_answers(&merchant).await;
                let answers = answers.map_err(|error| CliError::failed("list answers", error))?;
                let answers: Vec<Answer> = answers.into_iter().map(Answer::from).collect();
                context.output.table(&answers, answered)?;
                Ok(Exit::Done)
            }),
            Self::Remove { merchant, yes } => {
                let whose = printable(merchant.as_str());
                let question = format!("Remove the endpoint of {whose}? Its pending events are not sent.");
                confirm::ask(yes, &format!("remove the endpoint of {whose}"), question)?;
                context.block_on(async { remove(context, &*context.app().await?.store, &merchant).await })
            }
        }
    }
}

async fn list(
    context: &Context,
    events: &dyn Webhooks,
    endpoints: &dyn WebhookEndpoints,
    filter: &WebhookFilter,
) -> Result<Exit, CliError> {
    let failed = |error| CliError::failed("list webhooks", error);
    let webhooks = events.webhooks(filter).await.map_err(failed)?;
    let webhooks: Vec<Webhook> = webhooks.into_iter().map(Webhook::from).collect();
    context.output.table(&webhooks, table)?;
    if let Some(last) = webhooks.last().filter(|_| webhooks.len() == filter.limit as usize) {
        context.output.hint(format!("Next page: --cursor {}", last.id));
    }
    for endpoint in endpoints.endpoints().await.map_err(failed)? {
        if let Some(hint) = disabled(&endpoint) {
            context.output.hint(hint);
        }
    }
    Ok(Exit::Done)
}

async fn remove(
    context: &Context,
    endpoints: &dyn WebhookEndpoints,
    merchant: &MerchantName,
) -> Result<Exit, CliError> {
    let removed = endpoints.remove_endpoint(merchant).await;
    let removed = removed.map_err(|error| CliError::failed("remove a webhook endpoint", error))?;
    let human = if removed { "Removed." } else { "The database has no webhook endpoint of this merchant." };
    context.output.print(human, &json!({ "merchant": merchant, "removed": removed }))?;
    Ok(Exit::Done)
}

async fn test(
    context: &Context,
    endpoints: &dyn WebhookEndpoints,
    merchant: &MerchantName,
) -> Result<Exit, CliError> {
    let failed = |error| CliError::failed("test a webhook endpoint", error);
    let Some(id) = endpoints.test_webhook(merchant).await.map_err(failed)? else {
        let whose = printable(merchant.as_str());
        let wrong = format!(
            "{whose} has no webhook endpoint: set webhook_url for it in the settings, and start or reload the service"
        );
        return Err(CliError::Usage(wrong));
    };
    let human =
        format!("Test event {id} will be sent. Answers: webhooks answers {}", printable(merchant.as_str()));
    context.output.print(human, &json!({ "id": id }))?;
    Ok(Exit::Done)
}

fn webhooks(count: u64) -> String {
    format!("{count} {}", if count == 1 { "webhook" } else { "webhooks" })
}

/// Sends all events of a filter again, after a question with their number.
async fn resend_all(
    context: &Context,
    store: &dyn Webhooks,
    filter: &WebhookFilter,
    yes: bool,
) -> Result<Exit, CliError> {
    let failed = |error| CliError::failed("send webhooks again", error);
    let found = store.count_webhooks(filter).await.map_err(failed)?;
    let what = webhooks(found);
    if found > 0 {
        confirm::ask(yes, &format!("send {what} again"), format!("Send {what} again?"))?;
    }
    let progress = Progress::new(&context.output, Some(found));
    let (mut resent, mut before) = (0, None);
    let mut is_more = found > 0;
    // To the end of what matches: there may be more by now.
    while is_more {
        let batch = WebhookFilter { before, limit: CHUNK, ..filter.clone() };
        let sent = store.resend_webhooks(&batch).await.map_err(failed)?;
        context.audit_each(&sent.webhooks).await;
        resent += sent.webhooks.len() as u64;
        progress.at(resent, format!("{resent} sent again"));
        before = sent.next;
        is_more = before.is_some();
    }
    drop(progress);
    context
        .output
        .print(format!("{resent} will be sent again"), &json!({ "resent": resent, "unknown": [] }))?;
    Ok(Exit::Done)
}

/// Reports unknown ids, and sends the others.
async fn resend(context: &Context, store: &dyn Webhooks, ids: &[WebhookId]) -> Result<Exit, CliError> {
    let (mut sent, mut unknown) = (Vec::new(), Vec::new());
    let done = resend_each(store, ids, &mut sent, &mut unknown).await;
    if ids.len() > 1 {
        // The command's own row names a single event. Those that were sent before an error have
        // rows too.
        context.audit_each(&sent).await;
    }
    done.map_err(|error| CliError::failed("send webhooks again", error))?;
    let resent = sent.len();
    let told: Vec<String> = unknown.iter().map(|id| format!("\nunknown: {id}")).collect();
    let human = format!("{resent} will be sent again{}", told.concat());
    context.output.print(human, &json!({ "resent": resent, "unknown": unknown }))?;
    Ok(if unknown.is_empty() { Exit::Done } else { Exit::SomeFailed })
}

/// Sends one event after the other again. Those that are sent again are added to `sent`, the others
/// to `unknown`.
async fn resend_each(
    store: &dyn Webhooks,
    ids: &[WebhookId],
    sent: &mut Vec<WebhookId>,
    unknown: &mut Vec<WebhookId>,
) -> Result<(), StoreError> {
    for id in ids {
        let filter = WebhookFilter { id: Some(*id), limit: 1, ..WebhookFilter::default() };
        let found = store.resend_webhooks(&filter).await?.webhooks;
        if found.is_empty() {
            unknown.push(*id);
        }
        sent.extend(found);
    }
    Ok(())
}
