//! The page of one user: the token's state, when it was used, and the last orders.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::failure::Failure;
use super::fields::Fields;
use super::frame::MenuItem;
use super::links::link;
use super::orders;
use super::pauses;
use super::pieces::{badge, col, count_col, done, facts, maybe_time, older, span, state, time, words};
use super::viewer::Viewer;
use crate::audit::Action;
use crate::ids::UserKey;
use crate::store::OrderFilter;
use crate::token::{LedgerCursor, LedgerEntry, PurposeKind, TokenState, TokenView};

/// Token uses on one page.
const PAGE: u32 = 50;
/// Orders shown.
const ORDERS: u32 = 10;

pub(super) async fn show(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let query = &viewer.query;
    let key = named_to_read(&viewer)?;
    let UserKey { merchant, user } = &key;
    let before = query.word("before", |word| {
        let (generation, presentation) = word.split_once('-')?;
        Some(LedgerCursor { generation: generation.parse().ok()?, presentation: presentation.parse().ok()? })
    })?;
    let registry = &pages.deps.registry;
    let token = registry.view(&key).await?;
    let mut ledger = registry.history(&key, before, PAGE + 1).await?;
    let more = ledger.len() > PAGE as usize;
    ledger.truncate(PAGE as usize);
    let next = ledger
        .last()
        .filter(|_| more)
        .map(|last| format!("{}-{}", last.cursor.generation, last.cursor.presentation));
    let search = OrderFilter { user: Some(user.clone()), limit: ORDERS, ..OrderFilter::default() };
    let orders = orders::found(&pages, &viewer, Some(merchant), &search).await?;
    let here = [("merchant", merchant.as_str()), ("user", user.as_str())];
    let holds = token.as_ref().is_some_and(|token| token.state != TokenState::Forgotten);
    let main = html! {
        div.heading {
            div { p.crumb { a href="/users" { "Users" } " / " (merchant) } h1 { (user) } }
            @if viewer.may_act() { div.actions {
                @if token.as_ref().is_some_and(|token| token.state == TokenState::Uncertain) {
                    a.button href=(link("/user/resolve", &here)) { "Resolve…" }
                }
                @if holds && registry.can_revoke(merchant) {
                    a.button.danger href=(link("/user/sign-out", &here)) { "Sign this user out at Klarna…" }
                }
                @if holds { a.button.danger href=(link("/user/forget", &here)) { "Forget…" } }
            } }
        }
        (done(query))
        section #token data-live {
            @if let Some(token) = &token { (describe(token, &viewer)) }
            @else { p.quiet { "No refresh token of this user has been registered." } }
        }
        section #history data-live[before.is_none()] {
            h2 { "Exchanges of the token" }
            (history(&ledger))
            (older(query, "/user", before.is_some(), next.as_deref()))
        }
        section #orders data-live {
            h2 { "Last orders" }
            (orders::table(&orders, &orders::Columns::default(), &pauses::seen(&pages, &viewer).await?, viewer.now))
            nav.pages { a href=(link("/orders", &here)) { "All orders of this user →" } }
        }
    };
    let entry = viewer.entry(Action::TokenRead).about(&key);
    Ok(viewer.answer_read(&pages, entry, MenuItem::Users, "User", &main, &main))
}

/// Returns the merchant and user that a query or a form names.
pub(super) fn named(viewer: &Viewer, fields: &Fields) -> Result<UserKey, Failure> {
    let key = UserKey { merchant: fields.needed("merchant")?, user: fields.needed("user")? };
    if viewer.sees(&key.merchant) { Ok(key) } else { Err(Failure::NotForKey("User not found.")) }
}

/// Returns the user of a page that tells the state of the token. The audit log gets a row, whatever
/// becomes of the request.
pub(super) fn named_to_read(viewer: &Viewer) -> Result<UserKey, Failure> {
    let key = UserKey { merchant: viewer.query.needed("merchant")?, user: viewer.query.needed("user")? };
    viewer.asked.set(viewer.entry(Action::TokenRead).about(&key));
    named(viewer, &viewer.query)
}

fn describe(token: &TokenView, viewer: &Viewer) -> Markup {
    let left =
        token.expires_at.filter(|_| token.state == TokenState::Active).map(|expires| expires - viewer.now);
    let mut told = vec![(
        "Token",
        html! { (state(token.state)) @if let Some(reason) = token.reason { " " (words(reason.as_str())) } },
    )];
    if let Some(left) = left {
        let shown =
            if left.num_seconds() > 0 { format!("{} left", span(left)) } else { "expired".to_owned() };
        told.push((
            "Time until expiry",
            html! { @if left.num_days() < 10 { (badge("warn", &shown)) } @else { (shown) } },
        ));
    }
    told.extend([
        ("Issued", maybe_time(token.issued_at)),
        ("Expires", maybe_time(token.expires_at.filter(|_| token.state == TokenState::Active))),
        ("Next refresh", maybe_time(token.refresh_due_at)),
        ("Last sign-in or order", maybe_time(token.last_seen_at)),
        ("Last change", time(token.updated_at)),
        ("Generation", html! { (token.generation) }),
    ]);
    if token.refresh_failures > 0 {
        told.push((
            "Failed refreshes",
            html! { (badge("warn", &format!("{} times", token.refresh_failures))) },
        ));
    }
    if let Some(note) = token.refresh_note {
        told.push((
            if token.refresh_due_at.is_some() { "Why it is due then" } else { "Last refresh" },
            html! { (words(note.as_str())) },
        ));
    }
    facts(&told)
}

fn history(ledger: &[LedgerEntry]) -> Markup {
    let tone = |outcome: &str| match outcome {
        "rotated" | "unchanged" => "good",
        "rejected" | "no_answer" => "bad",
        "under_way" => "busy",
        _ => "warn",
    };
    html! {
        @if ledger.is_empty() { p.quiet { "No exchanges. Old ones are deleted (the setting retention.ledger)." } }
        @else {
            div.scroll { table.list {
                thead { tr {
                    (col("When")) (col("Outcome")) (col("For")) (col("Took"))
                    (col("By")) (count_col("Generation")) (count_col("Presentation"))
                } }
                tbody { @for entry in ledger {
                    @let outcome = entry.outcome.map_or("under_way", |outcome| outcome.as_str());
                    tr {
                        td.lead data-label="When" { (time(entry.opened_at)) }
                        td.state data-label="Outcome" { span { (badge(tone(outcome), outcome))
                            @if let Some(cause) = &entry.cause { " " span.quiet { (cause) } } } }
                        td.bare data-label="For" { @match (entry.purpose, entry.purpose_ref) {
                            (PurposeKind::Order, Some(id)) => (super::pieces::order_link(id.as_uuid().into())),
                            (purpose, _) => (purpose.as_str()),
                        } }
                        td.bare data-label="Took" {
                            @if let Some(closed) = entry.closed_at { (span(closed - entry.opened_at)) }
                        }
                        td.bare data-label="By" { @if let Some(worker) = &entry.worker { (worker) } }
                        td.count data-label="Generation" { (entry.cursor.generation) }
                        td.count data-label="Presentation" { (entry.cursor.presentation) }
                    }
                } }
            } }
        }
    }
}
