//! The deadlines of queued orders: a pause does not move them.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::Pages;
use super::failure::Failure;
use super::pieces::{number, orders};
use super::viewer::Viewer;
use crate::ids::MerchantName;
use crate::order::Status;
use crate::store::OrderFilter;

/// The most queued orders of a scope that are looked at: every page that asks reads them.
const LOOKED_AT: u32 = 500;

/// The deadlines of the queued orders that somebody may see.
pub(super) struct Deadlines {
    all: Vec<(MerchantName, DateTime<Utc>)>,
    /// Whether there are more orders than were looked at.
    more: bool,
}

impl Deadlines {
    pub(super) async fn of(pages: &Pages, viewer: &Viewer) -> Result<Self, Failure> {
        let (mut all, mut more) = (Vec::new(), false);
        for merchant in viewer.scopes(pages, None) {
            let queued = OrderFilter {
                status: Some(Status::Queued),
                merchant,
                limit: LOOKED_AT,
                ..OrderFilter::default()
            };
            let found = pages.deps.orders.orders(&queued).await?;
            more |= found.len() >= LOOKED_AT as usize;
            all.extend(found.into_iter().map(|order| (order.merchant, order.deadline_at)));
        }
        Ok(Self { all, more })
    }

    /// Says how many orders of a merchant, or of all, reach their deadline until a time, or that it is unknown because there
    /// are too many; `None` if none does.
    pub(super) fn before(&self, merchant: Option<&MerchantName>, until: DateTime<Utc>) -> Option<String> {
        let count = self.count(merchant, |deadline| deadline <= until);
        match (count, self.more) {
            (0, true) => Some(format!("unknown, because more than the newest {LOOKED_AT} wait")),
            (0, false) => None,
            (_, true) => Some(format!("at least {}", number(count))),
            (_, false) => Some(number(count)),
        }
    }

    fn count(&self, merchant: Option<&MerchantName>, wanted: impl Fn(DateTime<Utc>) -> bool) -> u64 {
        let of = self.all.iter().filter(|(other, _)| merchant.is_none_or(|merchant| other == merchant));
        of.filter(|(_, deadline)| wanted(*deadline)).count() as u64
    }

    /// Says for each merchant how many orders would reach their deadline within each of some times.
    pub(super) fn within(&self, now: DateTime<Utc>, times: &[(TimeDelta, &str)]) -> Markup {
        let mut merchants: Vec<&MerchantName> = self.all.iter().map(|(merchant, _)| merchant).collect();
        merchants.sort_unstable();
        merchants.dedup();
        html! {
            @for merchant in merchants {
                @let queued = self.count(Some(merchant), |_| true);
                p.note {
                    @if self.more { "At least " }
                    (orders(queued)) " of " (merchant) @if queued == 1 { " waits" } @else { " wait" } " now. Past the deadline "
                    @for (place, (time, name)) in self.steps(merchant, now, times).into_iter().enumerate() {
                        @if place > 0 { ", " } (name) ": " (number(time))
                    }
                    "."
                }
            }
            @if self.more {
                p.note { "Only the newest " (LOOKED_AT) " queued orders were looked at. Older ones reach their deadlines first." }
            }
        }
    }

    /// The times within which more orders reach their deadline than within the one before, and how many.
    fn steps<'a>(
        &self,
        merchant: &MerchantName,
        now: DateTime<Utc>,
        times: &[(TimeDelta, &'a str)],
    ) -> Vec<(u64, &'a str)> {
        let mut steps: Vec<(u64, &str)> = Vec::new();
        for (time, name) in times {
            let late = self.count(Some(merchant), |deadline| deadline <= now + *time);
            if steps.last().is_none_or(|(before, _)| *before < late) {
                steps.push((late, name));
            }
        }
        steps
    }
}
