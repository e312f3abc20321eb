//! Small parts that pages are made of.

use chrono::{DateTime, SecondsFormat, Utc};
use maud::{Markup, html};

use super::fields::Fields;
pub(super) use crate::clock::span;
use crate::order::{
    KlarnaState, OrderId, OrderView, SessionPhase, Status, Summary, TokenOutcome, shown_amount,
};
use crate::token::TokenState;

/// A time. The script shows how long ago it is; without the script it is shown in UTC.
pub(super) fn time(at: DateTime<Utc>) -> Markup {
    let exact = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let shown = at.format("%Y-%m-%d %H:%M:%S UTC");
    html! { time datetime=(exact) title=(shown) { (shown) } }
}

/// A time within a sentence, to read after "since", "until", "at" or "before": in UTC. The script
/// adds how long ago or in how long it is. [`time`] shows that alone, and so is for tables and
/// facts.
pub(super) fn at(at: DateTime<Utc>) -> Markup {
    let exact = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    html! { time.at datetime=(exact) { (at.format("%Y-%m-%d %H:%M:%S UTC")) } }
}

/// A number of orders.
pub(super) fn orders(count: u64) -> String {
    counted(count, "order")
}

/// A number of things, with the noun in the right form.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", number(count)) }
}

/// A time to the millisecond in UTC, which its heading says, for times that are compared with each
/// other.
pub(super) fn exact_time(at: DateTime<Utc>) -> Markup {
    let exact = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let shown = at.format("%Y-%m-%d %H:%M:%S%.3f");
    html! { time.exact datetime=(exact) title={ (shown) " UTC" } { (shown) } }
}

/// A time that may be missing.
pub(super) fn maybe_time(at: Option<DateTime<Utc>>) -> Markup {
    html! { @if let Some(at) = at { (time(at)) } @else { span.quiet { "–" } } }
}

/// A count with separators between thousands.
pub(super) fn number(count: impl TryInto<u64>) -> String {
    let digits = count.try_into().unwrap_or_default().to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    shown
}

/// What the shop knows an order by: its first reference, or the idempotency key.
pub(super) fn reference(order: &OrderView) -> Option<&str> {
    let Summary { merchant_reference1, merchant_reference2, .. } = &order.summary;
    [merchant_reference1, merchant_reference2, &order.idempotency_key].into_iter().find_map(Option::as_deref)
}

/// The amount of an order, if it is known.
pub(super) fn amount(summary: &Summary) -> String {
    let currency = summary.purchase_currency.as_deref();
    summary.order_amount.map_or_else(String::new, |amount| shown_amount(amount, currency))
}

/// The status of an order.
pub(super) fn status(status: Status) -> Markup {
    let tone = match status {
        Status::Queued => "calm",
        Status::Running => "busy",
        Status::Submitted => "good",
        Status::Failed => "bad",
        Status::Cancelled => "off",
    };
    badge(tone, status.as_str())
}

/// What has become of an order at Klarna, if it was read there.
pub(super) fn at_klarna(session: Option<&KlarnaState>) -> Markup {
    let Some(KlarnaState { phase, status, .. }) = session else { return html! {} };
    let tone = match phase {
        SessionPhase::Open => "calm",
        SessionPhase::Completed => "good",
        SessionPhase::Ended => "off",
    };
    html! { " " span.badge.(tone) title={ "At Klarna: " (status) } { (phase.as_str()) } }
}

/// The token outcome of an order.
pub(super) fn outcome(token: Option<TokenOutcome>) -> Markup {
    let Some(token) = token else { return html! { span.quiet { "–" } } };
    let tone = match token {
        TokenOutcome::Fresh | TokenOutcome::Cached => "good",
        TokenOutcome::NotRegistered | TokenOutcome::TurnedOff => "off",
        TokenOutcome::ReauthRequired | TokenOutcome::Uncertain | TokenOutcome::Unavailable => "warn",
    };
    badge(tone, token.as_str())
}

/// The state of a token.
pub(super) fn state(state: TokenState) -> Markup {
    let tone = match state {
        TokenState::Active => "good",
        TokenState::ReauthRequired => "warn",
        TokenState::Uncertain => "bad",
        TokenState::Forgotten => "off",
    };
    badge(tone, state.as_str())
}

/// A word with a colour.
pub(super) fn badge(tone: &str, word: &str) -> Markup {
    html! { span.badge.(tone) { (words(word)) } }
}

/// Returns a code in readable words.
pub(super) fn words(word: &str) -> String {
    word.replace('_', " ")
}

/// A short form of an order's id, linked to the order.
pub(super) fn order_link(id: OrderId) -> Markup {
    let whole = id.to_string();
    html! { a.id href={ "/orders/" (whole) } title=(whole) { (short(&whole)) } }
}

/// The end of an id, which differs most.
pub(super) fn short(id: &str) -> String {
    id.get(id.len().saturating_sub(12)..).map_or_else(|| id.to_owned(), |end| format!("…{end}"))
}

/// A command to copy. The button is for browsers with scripts.
pub(super) fn command(text: &str) -> Markup {
    html! {
        div.command { pre { code { (text) } } button type="button" data-copy hidden { "Copy" } }
    }
}

/// An id to copy, for example for Klarna's support.
pub(super) fn to_copy(id: &str) -> Markup {
    html! { span.copy { code { (id) } " " button.plain type="button" data-copy hidden { "Copy" } } }
}

/// What stands for an id, with a button that copies the whole id.
pub(super) fn short_to_copy(id: &str, shown: &Markup) -> Markup {
    html! { span.copy { (shown) " " button.plain type="button" data-copy=(id) hidden { "Copy" } } }
}

/// The message about a completed action, on the page after its form.
pub(super) fn done(query: &Fields) -> Markup {
    let told = match query.get("done") {
        Some("retried") => "The order is queued again.",
        Some("cancelled") => "The order is cancelled.",
        Some("active") => "The token is active again. It will be used once more.",
        Some("lost") => "The token will not be used again; the user has to sign in again.",
        Some("forgotten") => "The token was forgotten.",
        Some("signed-out") => "The token was forgotten. It is revoked at Klarna now.",
        Some("paused") => "The work is paused.",
        Some("resumed") => "The work goes on.",
        Some("probed") => {
            "The circuit breaker tries the next call, in every process. If it succeeds, the breaker closes."
        }
        Some("resent") => "The webhook will be sent again.",
        Some("tested") => "A test event will be sent. The answer appears below.",
        Some("Retry") => return done_to_many(query, "order", "queued again"),
        Some("Cancel") => return done_to_many(query, "order", "cancelled"),
        Some("follow-ups") => return follow_ups(query),
        Some("Resend") => return done_to_many(query, "webhook", "sent again"),
        Some("Resolve") => return done_to_many(query, "token", "resolved"),
        _ => return html! {},
    };
    html! { p.done role="status" { (told) } }
}

/// The message about a change of many.
fn done_to_many(query: &Fields, noun: &str, what: &str) -> Markup {
    let (changed, unchanged) = (count(query, "changed"), count(query, "unchanged"));
    let why = match noun {
        "token" => "They need no decision any more, or no token is stored that could be used again.",
        "webhook" => "They were deleted meanwhile.",
        _ => "They have another status by now, or their body was deleted.",
    };
    html! {
        p.done role="status" {
            (number(changed)) " " (noun) @if changed == 1 { " is " } @else { "s are " } (what) "."
            @if unchanged > 0 {
                " Not changed: " (number(unchanged)) ". " (why)
            }
            @if query.get("more").is_some() { " There may be more: repeat the action." }
            @if let Some(listed) = query.get("order").map(|ids| ids.split(' ').count()) {
                @if listed < usize::try_from(changed).unwrap_or_default() {
                    " The first " (listed) " are listed below."
                }
                @else if changed == 1 { " Only this one is listed below." } @else { " Only these are listed below." }
            }
        }
    }
}

/// The message about follow-ups that are tried again.
fn follow_ups(query: &Fields) -> Markup {
    let (changed, unchanged) = (count(query, "changed"), count(query, "unchanged"));
    html! {
        p.done role="status" {
            "Klarna is asked again about " (number(changed)) @if changed == 1 { " order." } @else { " orders." }
            @if unchanged > 0 { " Not changed: " (number(unchanged)) ". None of their follow-ups fails any more." }
            @if query.get("more").is_some() { " There may be more: repeat the action." }
        }
    }
}

/// A count in a query.
fn count(query: &Fields, name: &str) -> u64 {
    query.get(name).and_then(|count| count.parse().ok()).unwrap_or_default()
}

/// The header of the boxes that select rows, with one for all rows of the page.
pub(super) fn select_all() -> Markup {
    html! {
        th scope="col" { input type="checkbox" data-all hidden aria-label="Select all on this page"; }
    }
}

/// The same box beside the buttons: on a narrow screen, lists have no headers.
pub(super) fn select_all_here() -> Markup {
    html! {
        label.check.narrow hidden { input type="checkbox" data-all; span { "Select all on this page" } }
    }
}

/// A cell of a list. On a narrow screen each cell is a line with its label.
pub(super) fn cell(label: &str, content: &Markup) -> Markup {
    html! { td data-label=(label) { (content) } }
}

/// A cell with a number.
pub(super) fn count_cell(label: &str, number: &str) -> Markup {
    html! { td.count data-label=(label) { (number) } }
}

/// The links below a list that begins with the newest entry. `next` is the `before` of the next
/// page.
pub(super) fn older(query: &Fields, path: &str, is_later_page: bool, next: Option<&str>) -> Markup {
    html! {
        nav.pages aria-label="More" {
            @if is_later_page { a href=(query.link(path, &[("before", "")])) { "Newest" } }
            @if let Some(next) = next { a rel="next" href=(query.link(path, &[("before", next)])) { "Older →" } }
        }
    }
}

/// The header of a table's column.
pub(super) fn col(name: &str) -> Markup {
    html! { th scope="col" { (name) } }
}

/// The header of a column of numbers.
pub(super) fn count_col(name: &str) -> Markup {
    html! { th.count scope="col" { (name) } }
}

/// A list of names and values.
pub(super) fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts { div { dt { (name) } dd { (value) } } }
        }
    }
}
