//! The deadlines of queued orders: a pause does not move them.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::Pages;
use super::failure::Failure;
use super::pieces::{number, orders};
use super::viewer::Viewer;
use crate::ids::MerchantName;
use crate::store::QueuedDeadlines;

/// The most queued orders of a merchant that are looked at, those that are due first. A page that
/// updates itself asks often.
const LOOKED_AT: u32 = 10_000;

/// The deadlines of the queued orders that somebody may see, before each of some times.
pub(super) struct Deadlines(Vec<QueuedDeadlines>);

impl Deadlines {
    /// Counts the deadlines before each of these times, which ascend.
    pub(super) async fn of(pages: &Pages, viewer: &Viewer, times: &[DateTime<Utc>]) -> Result<Self, Failure> {
        let mut all = Vec::new();
        for merchant in viewer.scopes(pages, None) {
            all.extend(pages.deps.dashboard.deadlines(merchant.as_ref(), times, LOOKED_AT).await?);
        }
        all.retain(|of| of.queued > 0);
        Ok(Self(all))
    }

    /// Says how many orders of a merchant, or of all, have their deadline before the first time;
    /// `None` if none has.
    pub(super) fn before_first(&self, merchant: Option<&MerchantName>) -> Option<String> {
        let (mut count, mut more) = (0, false);
        for of in self.0.iter().filter(|of| merchant.is_none_or(|merchant| of.merchant == *merchant)) {
            count += of.before.first().copied().unwrap_or_default();
            more |= of.more;
        }
        match (count, more) {
            (0, true) if merchant.is_none() => {
                Some(format!("none of the {} of each merchant that are due first", number(LOOKED_AT)))
            }
            (0, true) => Some(format!("none of the {} that are due first", number(LOOKED_AT))),
            (0, false) => None,
            (_, true) => Some(format!("at least {}", number(count))),
            (_, false) => Some(number(count)),
        }
    }

    /// Says for each merchant how many orders have their deadline before each time. `names` are
    /// those of the times.
    pub(super) fn before_each(&self, names: &[&str]) -> Markup {
        html! {
            @for of in &self.0 {
                p.note {
                    @if of.more { "At least " }
                    (orders(of.queued)) " of " (of.merchant) @if of.queued == 1 { " waits" } @else { " wait" }
                    " now. Past the deadline "
                    @for (place, (count, name)) in steps(of, names).into_iter().enumerate() {
                        @if place > 0 { ", " } (name) ": " (number(count))
                    }
                    "."
                }
            }
            @if self.0.iter().any(|of| of.more) {
                p.note {
                    "Of each merchant, only the " (number(LOOKED_AT)) " orders that are due first were looked at."
                }
            }
        }
    }
}

/// The times within which more orders reach their deadline than within the one before, and how
/// many.
fn steps<'a>(of: &QueuedDeadlines, names: &[&'a str]) -> Vec<(u64, &'a str)> {
    let mut steps: Vec<(u64, &str)> = Vec::new();
    for (count, name) in of.before.iter().zip(names) {
        if steps.last().is_none_or(|(before, _)| before < count) {
            steps.push((*count, name));
        }
    }
    steps
}
