//! The list of orders as a file for spreadsheets.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use futures::stream::try_unfold;

use super::Pages;
use super::failure::Failure;
use super::orders::{by_name, found, search};
use super::viewer::Viewer;
use crate::ids::MerchantName;
use crate::order::{OrderView, Status, TokenOutcome};
use crate::store::{OrderFilter, noting_failures, up_to_date};

/// How many orders are read at a time.
const ROWS: u32 = 500;

const HEAD: [&str; 18] = [
    "id",
    "merchant",
    "user",
    "status",
    "accepted_at",
    "ended_at",
    "order_amount",
    "purchase_currency",
    "merchant_reference1",
    "merchant_reference2",
    "idempotency_key",
    "klarna_id",
    "token",
    "attempts",
    "error",
    "error_message",
    "klarna_phase",
    "klarna_status",
];

/// All orders of the filters, newest first. They are read while they are sent. If the database
/// fails meanwhile, the connection ends before the file does.
pub(super) async fn orders(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let merchant: Option<MerchantName> = viewer.query.name("merchant")?;
    let search = OrderFilter { limit: ROWS, ..search(&viewer.query, viewer.now)? };
    let search = by_name(&pages, &viewer, merchant.as_ref(), search).await?;
    let first = found(&pages, &viewer, merchant.as_ref(), &search).await?;
    let head = line(&HEAD.map(str::to_owned));
    let state = (Some(first), head, pages, viewer, merchant, search);
    let parts = try_unfold(state, |(rows, head, pages, viewer, merchant, mut search)| async move {
        let Some(rows) = rows else { return Ok::<_, std::io::Error>(None) };
        let text = rows.iter().fold(head, |text, order| text + &line(&cells(order)));
        let last = rows.last().filter(|_| rows.len() == ROWS as usize).map(|order| order.id);
        let next = match last {
            Some(last) => {
                search.before = Some(last);
                // The answer has begun, so nobody repeats the request.
                let (mut next, failed) =
                    noting_failures(found(&pages, &viewer, merchant.as_ref(), &search)).await;
                if failed && next.is_err() {
                    next = up_to_date(found(&pages, &viewer, merchant.as_ref(), &search)).await;
                }
                Some(next.map_err(|_| std::io::Error::other("the database failed"))?)
            }
            None => None,
        };
        Ok(Some((text, (next, String::new(), pages, viewer, merchant, search))))
    });
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"orders.csv\""),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

fn cells(order: &OrderView) -> [String; HEAD.len()] {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (code, message) =
        order.error_with_next_try().map(|error| (error.code, error.message)).unwrap_or_default();
    [
        order.id.to_string(),
        order.merchant.as_str().to_owned(),
        order.user.as_str().to_owned(),
        Status::as_str(order.status).to_owned(),
        time(order.accepted_at),
        order.ended_at.map(time).unwrap_or_default(),
        order.summary.order_amount.map(|amount| amount.to_string()).unwrap_or_default(),
        text(&order.summary.purchase_currency),
        text(&order.summary.merchant_reference1),
        text(&order.summary.merchant_reference2),
        text(&order.idempotency_key),
        text(&order.klarna_id),
        order.token.map(TokenOutcome::as_str).unwrap_or_default().to_owned(),
        order.attempts.to_string(),
        code,
        message,
        order.session.as_ref().map(|session| session.phase.to_string()).unwrap_or_default(),
        order.session.as_ref().map(|session| session.status.clone()).unwrap_or_default(),
    ]
}

/// Writes a line, as RFC 4180 describes it.
fn line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    cells.join(",") + "\r\n"
}

/// Quotes a cell where it is necessary. A spreadsheet would run a text that begins like a formula,
/// so it gets an apostrophe.
fn quoted(cell: &str) -> String {
    let is_number = cell.parse::<i64>().is_ok();
    let is_formula = !is_number && cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_run_nothing() {
        for (cell, quoted_cell) in [
            ("plain å", "plain å"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"\n", "\"say \"\"hi\"\"\n\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1,A2)", "\"'@SUM(A1,A2)\""),
            ("-500", "-500"),
            ("-x", "'-x"),
            ("", ""),
        ] {
            assert_eq!(quoted(cell), quoted_cell, "{cell}");
        }
    }
}
