//! The audit log.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::failure::Failure;
use super::filters::{Filters, choice, field_name, labelled, line, moment};
use super::frame::MenuItem;
use super::links::link;
use super::pieces::{badge, col, exact_time, older, order_link, short, short_to_copy};
use super::viewer::Viewer;
use crate::audit::{Action, Actor, Outcome};
use crate::ids::{MerchantName, UserId, UserKey};
use crate::order::OrderId;
use crate::store::{AuditFilter, AuditRow};

/// Rows on one page.
const PAGE: u32 = 50;

/// The fields that choose rows.
const FIELDS: [&str; 8] = ["rows", "action", "merchant", "user", "key", "outcome", "object", "since"];
/// Those that are folded.
const FOLDED: &[&str] = &["merchant", "user", "key", "since"];
/// The value of `rows` that also lists who looked at what.
const ALL: &str = "all";

pub(super) async fn list(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    viewer.asked.set(viewer.entry(Action::AuditRead));
    if !viewer.sees_all() {
        return Err(Failure::NotForKey(
            "The audit log is about all merchants, and your key is limited to some.",
        ));
    }
    let query = &viewer.query;
    let merchant: Option<MerchantName> = query.name("merchant")?;
    let user_hash = user(&pages, &viewer, merchant.as_ref())?;
    let before = query.word("before", |word| word.parse::<i64>().ok())?;
    let action = query.one_of("action", Action::ALL, Action::as_str)?;
    let outcome = query.one_of("outcome", Outcome::ALL, Outcome::as_str)?;
    let rows = query.one_of("rows", [ALL], |rows| rows)?;
    let without_reads = rows.is_none() && action.is_none() && outcome.is_none();
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
        without: if without_reads { Action::READS.map(Action::as_str).into() } else { Vec::new() },
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
        (filters(&pages, &viewer).draw())
        @if without_reads { p.quiet {
            "Rows of reads are hidden. "
            a href=(query.link("/audit", &[("rows", ALL), ("before", "")])) { "Show all rows" }
        } }
        section #list {
            (table(&rows))
            (older(query, "/audit", before.is_some(), next.as_deref()))
        }
    };
    Ok(viewer.answer(MenuItem::Audit, "Audit log", &main))
}

fn filters<'a>(pages: &Pages, viewer: &'a Viewer) -> Filters<'a> {
    let query = &viewer.query;
    let fields = html! {
        (choice(query, "rows", "changes only", [ALL]))
        label { span { (field_name("action")) }
            select name="action" {
                option value="" { "any" }
                @for each in Action::ALL.map(Action::as_str) {
                    option value=(each) selected[query.get("action") == Some(each)] { (each) }
                }
            }
        }
        (choice(query, "outcome", "any", Outcome::ALL.map(Outcome::as_str)))
        (line(query, "object"))
    };
    let folded = html! {
        (choice(query, "merchant", "any", viewer.merchants(pages)))
        (labelled(query, "user", "User of this merchant"))
        (line(query, "key"))
        (moment(query, "since"))
    };
    let folded = Some((FOLDED, folded));
    Filters { path: "/audit", query, now: viewer.now, names: &FIELDS, fields, folded }
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
        (Some(("order", _)), Some(id)) => short_to_copy(object, &order_link(id)),
        (Some(("webhook", _)), Some(id)) => {
            let href = link("/webhooks", &[("id", object.as_str())]);
            short_to_copy(
                object,
                &html! { a href=(href) title=(object) { code { (short(&id.to_string())) } } },
            )
        }
        _ => html! { (object) },
    }
}

fn table(rows: &[AuditRow]) -> Markup {
    let tone = |outcome: &str| match Outcome::from_word(outcome) {
        Ok(Outcome::Done) => "good",
        Ok(Outcome::Failed) => "bad",
        Ok(Outcome::Begun) => "busy",
        _ => "warn",
    };
    html! {
        @if rows.is_empty() { p.quiet.empty { "No rows." } }
        @else {
            div.scroll { table.list {
                thead { tr {
                    (col("When (UTC)")) (col("Who")) (col("Action")) (col("Outcome")) (col("Merchant"))
                    th.roomy scope="col" { "User" } (col("Object")) (col("Request"))
                } }
                tbody { @for row in rows { tr {
                    td.bare data-label="When (UTC)" { (exact_time(row.happened_at)) }
                    td.bare data-label="Who" { (row.actor) }
                    td.lead data-label="Action" { (row.action) }
                    td.state data-label="Outcome" { (badge(tone(&row.outcome), &row.outcome)) }
                    td.bare data-label="Merchant" { @if let Some(merchant) = &row.merchant { (merchant) } }
                    td.roomy data-label="User" {
                        @if let Some(user) = row.user_text() {
                            (short_to_copy(&user, &html! { code title={ "Keyed hash: " (user) } { (short(&user)) } }))
                        }
                    }
                    td.text data-label="Object" { (object(row)) }
                    td data-label="Request" {
                        @if let Some(request) = &row.request_id {
                            (short_to_copy(request, &html! { code title=(request) { (short(request)) } }))
                        }
                    }
                } } }
            } }
        }
    }
}
