//! Sends many webhooks again: those that were selected, or all that match the filters of their
//! list.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use maud::html;

use super::Pages;
use super::act::{Question, ask};
use super::audited::Begun;
use super::failure::Failure;
use super::fields::Fields;
use super::filters::{field_name, shown, time_of};
use super::frame::MenuItem;
use super::pieces::{facts, number};
use super::viewer::{Posted, Viewer, see};
use super::webhooks::{FIELDS, filter};
use crate::audit::Action;
use crate::ids::{MerchantName, WebhookId};
use crate::store::{WebhookFilter, WebhookStatus};

/// How many webhooks one transaction makes due again.
const BATCH: u32 = 500;

/// Removes a selection from an address.
const NOT_SELECTED: [(&str, &str); 2] = [("webhook", ""), ("only", "")];

/// The webhooks that were selected; `None` if all that match are meant.
fn selected(fields: &Fields) -> Result<Option<Vec<WebhookId>>, Failure> {
    let ids = fields.word("webhook", |ids| {
        ids.split(' ').map(|id| id.parse().ok()).collect::<Option<Vec<WebhookId>>>()
    })?;
    if ids.is_none() && fields.get("only").is_some() {
        return Err(Failure::Invalid("No webhook is selected. Go back, and select some.".into()));
    }
    Ok(ids)
}

/// The filters whose webhooks are meant, without a merchant: one for each that was selected.
fn filters(fields: &Fields, now: DateTime<Utc>) -> Result<Vec<WebhookFilter>, Failure> {
    let filter = filter(fields, now)?;
    Ok(match selected(fields)? {
        Some(ids) => ids.into_iter().map(|id| WebhookFilter { id: Some(id), ..filter.clone() }).collect(),
        None => vec![filter],
    })
}

fn chosen(fields: &Fields) -> Vec<(&str, &str)> {
    FIELDS.into_iter().filter_map(|name| Some((name, fields.get(name)?))).collect()
}

pub(super) async fn ask_resend_all(
    State(pages): State<Arc<Pages>>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    let merchant: Option<MerchantName> = viewer.query.name("merchant")?;
    let mut count = 0;
    for filter in filters(&viewer.query, viewer.now)? {
        for merchant in viewer.scopes(&pages, merchant.as_ref()) {
            count +=
                pages.deps.webhooks.count_webhooks(&WebhookFilter { merchant, ..filter.clone() }).await?;
        }
    }
    let mut delivered = 0;
    for filter in filters(&viewer.query, viewer.now)? {
        if filter.status.is_some_and(|status| status != WebhookStatus::Delivered) {
            break;
        }
        let filter = WebhookFilter { status: Some(WebhookStatus::Delivered), ..filter };
        for merchant in viewer.scopes(&pages, merchant.as_ref()) {
            delivered +=
                pages.deps.webhooks.count_webhooks(&WebhookFilter { merchant, ..filter.clone() }).await?;
        }
    }
    let ids = viewer.query.get("webhook");
    let what = format!("{} {}", number(count), if count == 1 { "webhook" } else { "webhooks" });
    let fields = chosen(&viewer.query);
    let told = fields.iter().map(|(name, value)| {
        let value = shown(name, value, viewer.now);
        (field_name(name), html! { (value) })
    });
    let told: Vec<_> = told.collect();
    let about = html! {
        p { "Each is sent again with the same id, and retried for up to three days. Disabled endpoints are \
            enabled." }
        @if delivered > 0 {
            p.wrong { (number(delivered)) " of them " @if delivered == 1 { "was" } @else { "were" }
                " delivered already: the shop gets the same event a second time." }
        }
        @if let Some(ids) = ids { p { (ids.split(' ').count()) " selected." } }
        @else if fields.is_empty() { p.quiet { "No filter: all webhooks." } }
        @else { (facts(&told)) }
    };
    // An age would mean a later time when the form is sent.
    let answer = html! {
        @for (name, value) in &fields {
            @let time = time_of(name, value, viewer.now).map(|time| time.to_rfc3339());
            input type="hidden" name=(name) value=(time.as_deref().unwrap_or(value));
        }
        @if let Some(ids) = ids {
            input type="hidden" name="webhook" value=(ids);
            input type="hidden" name="only" value="selected";
        }
        @if count > 0 { button type="submit" { "Resend " (what) } }
    };
    let (title, back) = (format!("Resend {what}?"), viewer.query.link("/webhooks", &NOT_SELECTED));
    let question = Question { title: &title, action: "/webhooks/resend", back: &back };
    Ok(ask(viewer, MenuItem::Webhooks, &question, &about, &answer))
}

pub(super) async fn resend_all(State(pages): State<Arc<Pages>>, posted: Posted) -> Result<Response, Failure> {
    let merchant: Option<MerchantName> = posted.fields.name("merchant")?;
    let entry = posted.viewer.entry(Action::WebhookResend).merchant(merchant.as_ref());
    posted.viewer.check(merchant.as_ref())?;
    let row = Begun::new(&pages, &posted.viewer.asked, entry.object("webhooks that were selected or match"));
    let done = resend(&pages, &posted, merchant.as_ref()).await;
    let Ok(resent) = done else { return row.end(done.map(|_| see("/webhooks"))) };
    tracing::info!(webhooks = resent, "An operator sent many webhooks again");
    let resent_now = resent.to_string();
    let told = [("form_token", ""), ("done", "Resend"), ("changed", resent_now.as_str())];
    let told = [&told[..], &NOT_SELECTED].concat();
    row.object(format_args!("{resent} webhooks")).end(Ok(see(&posted.fields.link("/webhooks", &told))))
}

/// Walks through all that are meant, and returns how many there were.
async fn resend(pages: &Pages, posted: &Posted, merchant: Option<&MerchantName>) -> Result<usize, Failure> {
    let mut resent = 0;
    for filter in filters(&posted.fields, posted.viewer.now)? {
        resent += resend_of(pages, posted, merchant, &filter).await?;
    }
    Ok(resent)
}

async fn resend_of(
    pages: &Pages,
    posted: &Posted,
    merchant: Option<&MerchantName>,
    filter: &WebhookFilter,
) -> Result<usize, Failure> {
    let mut resent = 0;
    for merchant in posted.viewer.scopes(pages, merchant) {
        let entry = posted.viewer.entry(Action::WebhookResend).merchant(merchant.as_ref());
        let mut before = None;
        loop {
            let batch = WebhookFilter { merchant: merchant.clone(), before, limit: BATCH, ..filter.clone() };
            let done = pages.deps.webhooks.resend_webhooks(&batch).await?;
            pages.deps.audit.record_each(&entry, &done.webhooks).await;
            resent += done.webhooks.len();
            before = done.next;
            if before.is_none() {
                break;
            }
        }
    }
    Ok(resent)
}
