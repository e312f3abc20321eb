//! The audit log.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::failure::Failure;
use super::frame::MenuItem;
use super::links::link;
use super::pieces::{badge, choice, col, exact_time, filter_form, line, moment, older, order_link, short};
use super::viewer::Viewer;
use crate::audit::{Action, Actor, Outcome};
use crate::ids::{MerchantName, UserId, UserKey};
use crate::order::OrderId;
use crate::store::{AuditFilter, AuditRow};

/// Rows on one page.
const PAGE: u32 = 50;

/// The fields that choose rows.
const FIELDS: [&str; 7] = ["action", "merchant", "user", "key", "outcome", "object", "since"];

pub(super) async fn list(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    if !viewer.sees_all() {
        return Err(Failure::NotFound(
            "The audit log is about all merchants, and your key is limited to some.",
        ));
    }
    let query = &viewer.query;
    let merchant: Option<MerchantName> = query.name("merchant")?;
    let user_hash = user(&pages, &viewer, merchant.as_ref())?;
    let before = query.word("before", |word| word.parse::<i64>().ok())?;
    let action = query.one_of("action", Action::ALL, Action::as_str)?;
    let outcome = query.one_of("outcome", Outcome::ALL, Outcome::as_str)?;
    let filter = AuditFilter {
        since: query.time("since", viewer.now)?,
        actor: query
            .get("key")
            .filter(|key| !key.is_empty())
            .map(|key| Actor::Key(key.to_owned()).to_string()),
        action: action.map(|action| action.as_str().to_owned()),
        merchant: merchant.map(Into::into),
        user_hash,
        outcome: outcome.map(|outcome| outcome.as_str().to_owned()),
        object: query
            .name::<String>("object")?
            .map(|object| object.trim().to_owned())
            .filter(|object| !object.is_empty()),
        before,
        limit: PAGE + 1,
    };
    let mut rows = pages.deps.audit_log.audit_rows(&filter).await?;
    let more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let next = rows.last().filter(|_| more).map(|last| last.id.to_string());
    // Rows are numbered when they are stored, and each process stores its own at intervals.
    rows.sort_by_key(|row| std::cmp::Reverse(row.happened_at));
    let main = html! {
        div.heading { h1 { "Audit log" } }
        (filter_form("/audit", query, &FIELDS, &html! {
            label { span { "Action" }
                select name="action" {
                    option value="" { "any" }
                    @for each in Action::ALL.map(Action::as_str) {
                        option value=(each) selected[query.get("action") == Some(each)] { (each) }
                    }
                }
            }
            (choice(query, "merchant", "Merchant", "any", viewer.merchants(&pages)))
            (line(query, "user", "User of this merchant", "search"))
            (line(query, "key", "API key", "search"))
            (choice(query, "outcome", "Outcome", "any", Outcome::ALL.map(Outcome::as_str)))
            (line(query, "object", "Object (id)", "search"))
            (moment(query, "since", "Since (UTC)", viewer.now))
        }))
        section #list {
            (table(&rows))
            (older(query, "/audit", before.is_some(), next.as_deref()))
        }
    };
    pages.deps.audit.record(viewer.entry(Action::AuditRead));
    Ok(viewer.answer(MenuItem::Audit, "Audit log", &main))
}

/// Returns the keyed hash of the user that is asked for: the log has no names of users.
fn user(pages: &Pages, viewer: &Viewer, merchant: Option<&MerchantName>) -> Result<Option<Vec<u8>>, Failure> {
    let Some(user) = viewer.query.name::<UserId>("user")? else { return Ok(None) };
    let merchants = viewer.merchants(pages);
    let merchant = merchant.or(if let [only] = &merchants[..] { Some(only) } else { None });
    let missing = || Failure::Invalid("Choose the merchant of this user, too.".into());
    let merchant = merchant.ok_or_else(missing)?.clone();
    Ok(Some(pages.deps.audit.user(&UserKey { merchant, user })))
}

/// What a row concerns, as a link if it has a page.
fn object(row: &AuditRow) -> Markup {
    let Some(object) = &row.object else { return html! {} };
    let id = object.parse::<OrderId>().ok();
    match (row.action.split_once('.'), id) {
        (Some(("order", _)), Some(id)) => order_link(id),
        (Some(("webhook", _)), Some(id)) => {
            html! { a href=(link("/webhooks", &[("id", object.as_str())])) title=(object) { code { (short(&id.to_string())) } } }
        }
        _ => html! { (object) },
    }
}

fn table(rows: &[AuditRow]) -> Markup {
    let tone = |outcome: &str| match Outcome::from_word(outcome) {
        Ok(Outcome::Done) => "good",
        Ok(Outcome::Failed) => "bad",
        _ => "warn",
    };
    html! {
        @if rows.is_empty() { p.quiet.empty { "No rows." } }
        @else {
            div.scroll { table.list {
                thead { tr {
                    (col("When (UTC)")) (col("Who")) (col("Action")) (col("Outcome")) (col("Merchant"))
                    (col("User")) (col("Object")) (col("Request"))
                } }
                tbody { @for row in rows { tr {
                    td data-label="When (UTC)" { (exact_time(row.happened_at)) }
                    td data-label="Who" { (row.actor) }
                    td data-label="Action" { (row.action) }
                    td data-label="Outcome" { (badge(tone(&row.outcome), &row.outcome)) }
                    td data-label="Merchant" { @if let Some(merchant) = &row.merchant { (merchant) } }
                    td data-label="User" {
                        @if let Some(user) = row.user_text() { code title={ "Keyed hash: " (user) } { (short(&user)) } }
                    }
                    td.text data-label="Object" { (object(row)) }
                    td.wide data-label="Request" { @if let Some(request) = &row.request_id { code { (request) } } }
                } } }
            } }
        }
    }
}
