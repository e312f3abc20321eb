//! Outages: when circuit breakers were open, with the orders that failed meanwhile.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use maud::{Markup, html};

use super::Pages;
use super::failure::Failure;
use super::frame::MenuItem;
use super::links::link;
use super::pieces::{badge, col, count_col, span, time};
use super::viewer::Viewer;
use crate::breaker::Endpoint;
use crate::store::Outage;

/// How many are shown.
const SHOWN: u32 = 100;
/// An order whose deadline has passed fails when it is tried next: with the default settings, at
/// the latest this long after the outage.
const FAILS_LATER: TimeDelta = TimeDelta::minutes(2);

pub(super) async fn list(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let merchants = if viewer.sees_all() { None } else { Some(viewer.merchants(&pages)) };
    let outages = pages.deps.outages.outages(merchants.as_deref(), SHOWN).await?;
    let main = html! {
        h1 { "Outages" }
        p.quiet {
            "Times for which a circuit breaker of any process was open: from the first failures to the first call that \
            succeeded, or until the last process that saw them stopped. They are kept for the setting retention.ledger."
        }
        section #outages data-live {
            @if outages.is_empty() { p.empty { "No circuit breaker has been open." } }
            @else { (table(&outages, &viewer)) }
        }
    };
    Ok(viewer.answer(MenuItem::Overview, "Outages", &main))
}

fn table(outages: &[Outage], viewer: &Viewer) -> Markup {
    html! {
        div.scroll { table.list {
            thead { tr {
                (col("Merchant")) (col("Endpoint")) (col("Since")) (col("Until")) (count_col("Lasted"))
                (col("Cause")) (col("Orders"))
            } }
            tbody { @for outage in outages { tr {
                td data-label="Merchant" { (outage.merchant) }
                td data-label="Endpoint" { (outage.endpoint) }
                td data-label="Since" { (time(outage.since)) }
                td data-label="Until" {
                    @if let Some(until) = outage.until { (time(until)) } @else { (badge("bad", "goes on")) }
                }
                td.count data-label="Lasted" { (span(outage.until.unwrap_or(viewer.now) - outage.since)) }
                td.text data-label="Cause" { (outage.cause) }
                td data-label="Orders" {
                    @if stops_orders(outage) { a href=(failed(outage)) { "Failed meanwhile" } }
                }
            } } }
        } }
    }
}

fn stops_orders(outage: &Outage) -> bool {
    Endpoint::from_word(&outage.endpoint).is_ok_and(Endpoint::is_for_new_orders)
}

/// The list of the merchant's orders that failed within the outage.
fn failed(outage: &Outage) -> String {
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (since, until) = (text(outage.since), outage.until.map(|until| text(until + FAILS_LATER)));
    let mut query =
        vec![("status", "failed"), ("merchant", outage.merchant.as_str()), ("ended_since", &since)];
    query.extend(until.as_deref().map(|until| ("ended_until", until)));
    link("/orders", &query)
}
