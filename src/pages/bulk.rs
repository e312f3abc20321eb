//! Retries or cancels many orders, or retries their follow-ups: of those that were selected, or of
//! all that match the filters of the list.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::Pages;
use super::act::{Question, ask};
use super::audited::Begun;
use super::codes;
use super::failure::Failure;
use super::fields::Fields;
use super::filters::{field_name, shown, time_of};
use super::frame::MenuItem;
use super::order_tabs::{FIELDS, WITHOUT};
use super::orders::{self, by_name, found, search};
use super::pieces::{amount, counted, facts, number, reference, short};
use super::viewer::{Posted, Viewer, see};
use crate::audit::Action;
use crate::ids::MerchantName;
use crate::order::{FollowUpState, OrderId, OrderView, Status};
use crate::store::{ChangedOrders, FailedOrders, OrderCount, OrderFilter, OrderName, StoreError, Unchanged};

/// How many orders one transaction changes.
const BATCH: u32 = 500;
/// How many orders one form changes. If more match, the page says so.
const MOST: usize = 10_000;

/// The most orders that a question names.
const NAMED: u32 = 3;

/// The most changed orders that the next page lists. Their ids are in its address.
const LISTED: usize = 100;

/// The field of a form whose question was about a whole name. The form changes nothing that only
/// begins so, whatever has become of the orders with the name.
const WHOLE: &str = "whole";

/// What is done to the orders.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Retry,
    Cancel,
    RetryFollowUps,
}

impl Verb {
    fn of(fields: &Fields) -> Result<Self, Failure> {
        match fields.get("action") {
            Some("retry") => Ok(Self::Retry),
            Some("cancel") => Ok(Self::Cancel),
            Some("retry-follow-ups") => Ok(Self::RetryFollowUps),
            _ => Err(Failure::Invalid("action: write retry, cancel or retry-follow-ups".into())),
        }
    }

    /// Returns the status that an order must have.
    fn needs(self) -> Status {
        match self {
            Self::Retry => Status::Failed,
            Self::Cancel => Status::Queued,
            Self::RetryFollowUps => Status::Submitted,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Retry => "Retry",
            Self::Cancel => "Cancel",
            Self::RetryFollowUps => "Retry the follow-ups of",
        }
    }

    /// The word of the message afterwards.
    fn done(self) -> &'static str {
        match self {
            Self::Retry | Self::Cancel => self.word(),
            Self::RetryFollowUps => "follow-ups",
        }
    }

    fn action(self) -> Action {
        match self {
            Self::Retry => Action::OrderRetry,
            Self::Cancel => Action::OrderCancel,
            Self::RetryFollowUps => Action::OrderRetryFollowUps,
        }
    }

    async fn change(self, pages: &Pages, filter: &OrderFilter) -> Result<ChangedOrders, StoreError> {
        match self {
            Self::Retry => pages.deps.intake.retry_all(filter).await,
            Self::Cancel => pages.deps.orders.cancel_orders(filter).await,
            Self::RetryFollowUps => pages.deps.orders.retry_follow_ups(filter).await,
        }
    }
}

/// Reads the chosen orders. A status that the change does not allow chooses none.
async fn chosen(
    pages: &Pages,
    viewer: &Viewer,
    fields: &Fields,
    verb: Verb,
) -> Result<Option<OrderFilter>, Failure> {
    let merchant: Option<MerchantName> = fields.name("merchant")?;
    let mut filter = search(fields, viewer.now)?;
    if fields.get(WHOLE).is_none() {
        filter = by_name(pages, viewer, merchant.as_ref(), filter).await?;
    }
    if fields.get("only").is_some() && filter.ids.is_none() {
        return Err(Failure::Invalid("No order is selected. Go back, and select some.".into()));
    }
    let fits = filter.ids.is_some() || filter.status.is_none_or(|status| status == verb.needs());
    let follow_ups = match verb {
        Verb::RetryFollowUps => Some(filter.follow_ups.unwrap_or(FollowUpState::Failing)),
        Verb::Retry | Verb::Cancel => filter.follow_ups,
    };
    Ok(fits.then_some(OrderFilter { status: Some(verb.needs()), follow_ups, before: None, ..filter }))
}

/// The orders that a question is about.
#[derive(Default)]
struct Concerned {
    count: OrderCount,
    /// Those to retry, by error code.
    codes: Vec<FailedOrders>,
}

/// Counts the orders of a filter at these merchants.
async fn concerned(
    pages: &Pages,
    scopes: Vec<Option<MerchantName>>,
    filter: &OrderFilter,
    verb: Verb,
) -> Result<Concerned, Failure> {
    let (mut count, mut codes) = (OrderCount::default(), Vec::new());
    for merchant in scopes {
        let filter = OrderFilter { merchant, ..filter.clone() };
        let more = pages.deps.orders.count_orders(&filter).await?;
        count.orders += more.orders;
        // Only a retry needs the body.
        count.with_body += if verb == Verb::Retry { more.with_body } else { more.orders };
        if verb == Verb::Retry {
            codes.extend(pages.deps.orders.orders_by_code(&filter).await?);
        }
    }
    Ok(Concerned { count, codes: codes::merged(codes) })
}

pub(super) async fn ask_bulk(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let verb = Verb::of(&viewer.query)?;
    let merchant: Option<MerchantName> = viewer.query.name("merchant")?;
    let filter = chosen(&pages, &viewer, &viewer.query, verb).await?;
    let scopes = viewer.scopes(&pages, merchant.as_ref());
    let Concerned { count, codes } = match &filter {
        Some(filter) => concerned(&pages, scopes, filter, verb).await?,
        None => Concerned::default(),
    };
    let examples = match filter.as_ref().filter(|_| count.with_body > 0) {
        Some(filter) => {
            let some = OrderFilter { limit: NAMED, ..filter.clone() };
            found(&pages, &viewer, merchant.as_ref(), &some).await?
        }
        None => Vec::new(),
    };
    let selected = filter.as_ref().and_then(|filter| filter.ids.as_ref()).map_or(0, |ids| ids.len() as u64);
    let left = selected.saturating_sub(count.orders);
    let name = filter.as_ref().and_then(|filter| filter.name.as_ref());
    let noun = if count.with_body == 1 { "order" } else { "orders" };
    let kind = verb.needs();
    let what = format!("{} {kind} {noun}", number(count.with_body));
    let title = format!("{} {what}?", verb.word());
    let which = if verb == Verb::RetryFollowUps { " with a failing follow-up" } else { "" };
    let about = html! {
        @if count.with_body == 0 { p { "No " (kind) " order" (which) " is among them." } }
        @else { p { (consequence(verb)) } (named(&examples, count.with_body)) }
        @if left > 0 {
            p {
                (number(left)) " of the selected orders " @if left == 1 { "is" } @else { "are" }
                " not " (kind) (which)
                @if viewer.query.get("duplicates") == Some(WITHOUT) { ", or left out as a possible duplicate" }
                @if viewer.query.get("again") == Some(WITHOUT) { ", or left out because a retry fails again" }
                "; " @if left == 1 { "it stays as it is." } @else { "they stay as they are." }
            }
        }
        @if count.orders > count.with_body {
            p { (number(count.orders - count.with_body)) " cannot be retried, because their body was deleted \
                (the setting retention.bodies)." }
        }
        (risks(&viewer, &codes, count.with_body))
        @if let Some(OrderName::Begins(name)) = name { (orders::begins(name, false)) }
        (selection(&viewer.query, viewer.now))
    };
    let answer = html! {
        (hidden(&viewer.query, viewer.now))
        @if let Some(OrderName::Whole(_)) = name { input type="hidden" name=(WHOLE) value="1"; }
        @if count.with_body > 0 {
            @match verb {
                Verb::Retry | Verb::RetryFollowUps => { button type="submit" { (verb.word()) " " (what) } }
                Verb::Cancel => { button.danger type="submit" { "Cancel " (what) } }
            }
        }
    };
    let back = viewer.query.link("/orders", &[("action", ""), ("order", ""), ("only", "")]);
    let question = Question { title: &title, action: "/orders/bulk", back: &back };
    Ok(ask(viewer, MenuItem::Orders, &question, &about, &answer))
}

/// What a retry of `all` orders with these codes may do wrong.
fn risks(viewer: &Viewer, codes: &[FailedOrders], all: u64) -> Markup {
    let duplicates: u64 = codes.iter().map(|code| code.duplicates).sum();
    let again: u64 = codes.iter().filter(|code| codes::fails_again(&code.code)).map(|code| code.orders).sum();
    html! {
        @if duplicates > 0 {
            p.wrong {
                (number(duplicates)) " of them "
                @if duplicates == 1 { "is a possible duplicate" } @else { "are possible duplicates" }
                ": Klarna may already have " @if duplicates == 1 { "it" } @else { "them" } ", and a retry may create "
                @if duplicates == 1 { "it" } @else { "them" } " a second time. "
                @if duplicates < all {
                    a href=(viewer.query.link("/orders/bulk", &[("duplicates", WITHOUT)])) { "Leave these out" }
                }
            }
        }
        @if !codes.is_empty() { (codes::before_retry(codes)) }
        @if again > 0 && again < all {
            p.wrong {
                (number(again)) " of them " @if again == 1 { "fails" } @else { "fail" }
                " again, unless something has changed. "
                a href=(viewer.query.link("/orders/bulk", &[("again", WITHOUT)])) { "Leave these out" }
            }
        }
    }
}

/// Names a few of the orders that a question is about, each with its amount.
fn named(orders: &[OrderView], all: u64) -> Markup {
    let more = all.saturating_sub(orders.len() as u64);
    html! {
        p {
            "Orders: "
            @for (place, order) in orders.iter().enumerate() {
                @if place > 0 { ", " }
                @let id = order.id.to_string();
                a href={ "/orders/" (id) } { (reference(order).map_or_else(|| short(&id), str::to_owned)) }
                @if order.summary.order_amount.is_some() { " (" (amount(&order.summary)) ")" }
            }
            @if more > 0 { ", and " (number(more)) " more" } "."
        }
    }
}

fn consequence(verb: Verb) -> &'static str {
    match verb {
        Verb::Retry => {
            "Ask the shop first, because most of these shoppers may have left. Each order is queued as if it \
             had just been accepted, with a new deadline. The users' tokens are exchanged again."
        }
        Verb::Cancel => "These orders will not be submitted. This cannot be undone.",
        Verb::RetryFollowUps => {
            "Calls to Klarna about these orders that have failed, also those that were given up, are made again at \
             once, and tried for two days. No token is used."
        }
    }
}

/// Shows what chooses the orders.
fn selection(query: &Fields, now: DateTime<Utc>) -> Markup {
    let mut told: Vec<(&str, Markup)> = Vec::new();
    for name in FIELDS {
        let Some(value) = query.get(name) else { continue };
        told.push((field_name(name), html! { (shown(name, value, now)) }));
    }
    html! { @if told.is_empty() { p.quiet { "No filter: all orders." } } @else { (facts(&told)) } }
}

/// What chose the orders, for the audit log, which names no users.
fn chosen_by(fields: &Fields, now: DateTime<Utc>) -> String {
    let told = FIELDS.into_iter().filter_map(|name| Some((name, fields.get(name)?)));
    let told = told.map(|(name, value)| match name {
        "q" | "user" => format!("{name} given"),
        "order" => shown(name, value, now),
        _ => format!("{name} {}", shown(name, value, now)),
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { "no filter".to_owned() } else { told.join(", ") }
}

/// The question's fields. An age becomes the time that it means now, so that the form changes what
/// the question is about.
fn hidden(query: &Fields, now: DateTime<Utc>) -> Markup {
    let value = |name: &str| {
        let value = query.get(name)?;
        Some(time_of(name, value, now).map_or_else(|| value.to_owned(), |time| time.to_rfc3339()))
    };
    html! {
        @for name in FIELDS.into_iter().chain(["action"]) {
            @if let Some(value) = value(name) { input type="hidden" name=(name) value=(value); }
        }
    }
}

/// The audit log gets a row of the form, and one for each changed order.
pub(super) async fn bulk(State(pages): State<Arc<Pages>>, posted: Posted) -> Result<Response, Failure> {
    let verb = Verb::of(&posted.fields)?;
    let merchant: Option<MerchantName> = posted.fields.name("merchant")?;
    let entry = posted.viewer.entry(verb.action()).merchant(merchant.as_ref());
    posted.viewer.check(merchant.as_ref())?;
    let row = Begun::new(&pages, &posted.viewer.asked, entry.object("orders that were selected or match"));
    let done = change(&pages, &posted, verb, merchant.as_ref()).await;
    let Ok(Changed { orders, left, more, first }) = &done else {
        return row.end(done.map(|_| see("/orders")));
    };
    let chosen_by = chosen_by(&posted.fields, posted.viewer.now);
    let row = row.object(format_args!("{}: {chosen_by}", counted(*orders as u64, "order")));
    tracing::info!(orders, action = verb.action().as_str(), "An operator changed many orders");
    let ids: &[OrderId] = if verb == Verb::RetryFollowUps { &[] } else { first };
    let ids = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let told = [
        ("action", ""),
        ("order", ids.as_str()),
        ("only", ""),
        ("form_token", ""),
        (WHOLE, ""),
        ("status", ""),
        ("done", verb.done()),
        ("changed", &orders.to_string()),
        ("unchanged", &left.to_string()),
        ("more", if *more { "1" } else { "" }),
    ];
    // What chose the orders does not fit them any more: a retry takes their error away. So they are
    // listed by their ids.
    let fields = if ids.is_empty() { posted.fields } else { Fields::default() };
    row.end(Ok(see(&fields.link("/orders", &told))))
}

/// What a form has changed.
struct Changed {
    orders: usize,
    /// How many of the chosen orders were not changed.
    left: u64,
    /// Whether more match than one form changes.
    more: bool,
    /// The first ones that were changed.
    first: Vec<OrderId>,
}

async fn change(
    pages: &Pages,
    posted: &Posted,
    verb: Verb,
    merchant: Option<&MerchantName>,
) -> Result<Changed, Failure> {
    let filter = chosen(pages, &posted.viewer, &posted.fields, verb).await?;
    let (mut changed, mut unchanged, mut more) = (0, BTreeMap::<Unchanged, u64>::new(), false);
    let mut first = Vec::new();
    'merchants: for merchant in posted.viewer.scopes(pages, merchant) {
        let Some(filter) = &filter else { break };
        let entry = posted.viewer.entry(verb.action()).merchant(merchant.as_ref());
        let mut before = None;
        loop {
            // Only if more is left to do.
            if changed >= MOST {
                more = true;
                break 'merchants;
            }
            let batch = OrderFilter { merchant: merchant.clone(), before, limit: BATCH, ..filter.clone() };
            let done = verb.change(pages, &batch).await?;
            pages.deps.audit.record_each(&entry, &done.orders).await;
            changed += done.orders.len();
            first.extend(done.orders.into_iter().take(LISTED - first.len()));
            for (why, orders) in done.unchanged {
                *unchanged.entry(why).or_insert(0) += orders;
            }
            before = done.next;
            if before.is_none() {
                break;
            }
        }
    }
    // Of orders that were selected, those of other merchants are not found in each merchant's
    // scope.
    unchanged.remove(&Unchanged::NotFound);
    Ok(Changed { orders: changed, left: unchanged.values().sum(), more, first })
}
