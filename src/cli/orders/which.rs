//! Which orders: the filters that listing, retrying and cancelling share.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::{Clock, delta};
use crate::store::OrderFilter;

/// Which orders.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Which {
    /// Only this merchant's
    #[arg(long)]
    merchant: Option<String>,
    /// Only this user's
    #[arg(long)]
    user: Option<String>,
    /// Only orders with an error of this code, such as `klarna_unavailable`
    #[arg(long, value_name = "CODE")]
    error: Option<String>,
    /// Only orders taken in since then: a time such as 2026-01-31T12:00:00Z, or so long ago, such as 2h
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<When>,
    /// Only orders taken in before then
    #[arg(long, value_name = "WHEN", value_parser = when)]
    until: Option<When>,
}

#[derive(Clone, Copy, Debug)]
enum When {
    At(DateTime<Utc>),
    Ago(Duration),
}

fn when(text: &str) -> Result<When, &'static str> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(When::At(time.to_utc()));
    }
    humantime::parse_duration(text).map(When::Ago).map_err(|_| "write a time such as 2026-01-31T12:00:00Z, or 2h")
}

impl Which {
    /// Whether it leaves out no order.
    pub(super) fn is_all(&self) -> bool {
        let Self { merchant, user, error, since, until } = self;
        merchant.is_none() && user.is_none() && error.is_none() && since.is_none() && until.is_none()
    }

    /// As the store has it, without status, bounds and place.
    pub(super) fn filter(&self, clock: &Clock) -> OrderFilter {
        let time = |when| match when {
            When::At(time) => time,
            When::Ago(ago) => clock.now().checked_sub_signed(delta(ago)).unwrap_or(DateTime::UNIX_EPOCH),
        };
        OrderFilter {
            merchant: self.merchant.clone(),
            user: self.user.clone(),
            error: self.error.clone(),
            since: self.since.map(time),
            until: self.until.map(time),
            ..OrderFilter::default()
        }
    }
}
