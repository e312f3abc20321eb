//! What is above the list of orders: tabs with totals, saved filters, and changes of many orders.

use maud::{Markup, html};

use super::Pages;
use super::failure::Failure;
use super::fields::Fields;
use super::links::link;
use super::pieces::{number, select_all_here, words};
use super::viewer::Viewer;
use crate::ids::MerchantName;
use crate::order::Status;
use crate::store::OrderFilter;

/// The fields that choose orders.
pub(super) const FIELDS: [&str; 16] = [
    "q",
    "status",
    "token",
    "target",
    "merchant",
    "user",
    "error",
    "follow_ups",
    "from",
    "until",
    "ended_since",
    "ended_until",
    "duplicates",
    "again",
    "due",
    "order",
];

/// The value of `duplicates` that leaves possible duplicates out.
pub(super) const WITHOUT: &str = "0";

/// How far orders are counted for a tab. A list updates itself, so a count must stay cheap.
pub(super) const COUNTED: u32 = 10_000;

/// Filters that operators often need. Their times are ages, so their addresses can be kept.
const SAVED: [(&str, &[(&str, &str)]); 6] = [
    ("Failed in the last hour", &[("status", "failed"), ("ended_since", "1h")]),
    ("Failed in the last day", &[("status", "failed"), ("ended_since", "24h")]),
    ("Waited until the deadline", &[("status", "failed"), ("error", "deadline_exceeded")]),
    ("Possible duplicates", &[("duplicates", "1")]),
    ("Failing follow-ups", &[("follow_ups", "failing")]),
    ("Accepted in the last hour", &[("from", "1h")]),
];

/// How many orders of each status match the other filters.
pub(super) struct Totals(Vec<(Status, u64)>);

impl Totals {
    pub(super) async fn of(
        pages: &Pages,
        viewer: &Viewer,
        merchant: Option<&MerchantName>,
        search: &OrderFilter,
    ) -> Result<Self, Failure> {
        let mut totals = Vec::new();
        for status in Status::ALL {
            let mut total = 0;
            // Only submitted orders have follow-ups, and only queued ones are due.
            let may_match = (search.follow_ups.is_none() || status == Status::Submitted)
                && (search.due_by.is_none() || status == Status::Queued);
            for merchant in viewer.scopes(pages, merchant).into_iter().filter(|_| may_match) {
                let filter = OrderFilter { status: Some(status), merchant, before: None, ..search.clone() };
                total += pages.deps.orders.count_orders_up_to(&filter, COUNTED).await?;
            }
            totals.push((status, total));
        }
        Ok(Self(totals))
    }

    /// The number of all orders.
    pub(super) fn all(&self) -> u64 {
        self.0.iter().map(|(_, total)| total).sum()
    }

    fn of_status(&self, wanted: Status) -> u64 {
        self.0.iter().filter(|(status, _)| *status == wanted).map(|(_, total)| total).sum()
    }

    /// The tabs. The one that is shown has `aria-current`.
    pub(super) fn tabs(&self, query: &Fields) -> Markup {
        let all = self.all();
        let is_more = self.0.iter().any(|(_, total)| *total >= u64::from(COUNTED));
        let tab = |status: &str, name: &str, total: String| {
            let current = (query.get("status").unwrap_or_default() == status).then_some("page");
            let href = query.link("/orders", &[("status", status), ("before", ""), ("done", "")]);
            html! { a href=(href) aria-current=[current] { (name) " " b { (total) } } }
        };
        html! {
            nav.tabs aria-label="Status" {
                (tab("", "all", if is_more { format!("{}+", number(all)) } else { number(all) }))
                @for (status, total) in &self.0 {
                    (tab(status.as_str(), &words(status.as_str()), shown_total(*total)))
                }
            }
        }
    }

    /// The form for changes of many orders. The boxes in the table belong to it.
    pub(super) fn bulk(&self, query: &Fields) -> Markup {
        let shows = |status| shows(query, status);
        let all =
            |action: &str| query.link("/orders/bulk", &[("action", action), ("before", ""), ("done", "")]);
        let (failed, queued) = (self.of_status(Status::Failed), self.of_status(Status::Queued));
        let follow_ups = query.get("follow_ups").is_some() && shows(Status::Submitted);
        // Without a filter, nobody has said which orders are meant.
        let filtered = FIELDS.into_iter().any(|name| query.get(name).is_some());
        let submitted = self.of_status(Status::Submitted);
        html! {
            form.bulk #bulk method="get" action="/orders/bulk" {
                @for name in FIELDS.into_iter().filter(|name| *name != "order") {
                    @if let Some(value) = query.get(name) { input type="hidden" name=(name) value=(value); }
                }
                input type="hidden" name="only" value="selected";
                div.buttons {
                    (select_all_here())
                    span.quiet data-selected="orders" { "Selected orders:" }
                    @if shows(Status::Failed) { button type="submit" name="action" value="retry" { "Retry…" } }
                    @if shows(Status::Queued) {
                        button.danger type="submit" name="action" value="cancel" { "Cancel…" }
                    }
                    @if follow_ups {
                        button type="submit" name="action" value="retry-follow-ups" { "Retry follow-ups…" }
                    }
                }
                div.buttons #all-that-match data-live {
                    @if filtered && shows(Status::Failed) && failed > 0 {
                        a.button href=(all("retry")) { "Retry all " (shown_total(failed)) " failed that match…" }
                    }
                    @if filtered && shows(Status::Queued) && queued > 0 {
                        a.button.danger href=(all("cancel")) {
                            "Cancel all " (shown_total(queued)) " queued that match…"
                        }
                    }
                    @if follow_ups && submitted > 0 {
                        a.button href=(all("retry-follow-ups")) {
                            "Retry the follow-ups of all " (shown_total(submitted)) " that match…"
                        }
                    }
                }
            }
        }
    }
}

/// Whether the list shows orders of this status. Only submitted orders have follow-ups, and only
/// queued ones are due.
fn shows(query: &Fields, status: Status) -> bool {
    let may_match = (query.get("follow_ups").is_none() || status == Status::Submitted)
        && (query.get("due").is_none() || status == Status::Queued);
    may_match && query.get("status").is_none_or(|shown| shown == status.as_str())
}

/// Whether an action fits orders of the list.
pub(super) fn has_actions(query: &Fields) -> bool {
    let follow_ups = query.get("follow_ups").is_some() && shows(query, Status::Submitted);
    follow_ups || shows(query, Status::Failed) || shows(query, Status::Queued)
}

/// A total, with a sign if it was not counted to its end.
pub(super) fn shown_total(total: u64) -> String {
    if total >= u64::from(COUNTED) { format!("{}+", number(COUNTED)) } else { number(total) }
}

/// Links to filters that are often needed. Every filter is in the address, so others can be kept as
/// bookmarks.
pub(super) fn saved() -> Markup {
    html! {
        nav.saved aria-label="Saved filters" {
            span.quiet { "Saved filters:" }
            @for (name, query) in SAVED { a href=(link("/orders", query)) { (name) } }
            span.quiet { "Bookmark this page to keep the present one." }
        }
    }
}
