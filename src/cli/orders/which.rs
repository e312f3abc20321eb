//! The filters that `orders list` and the commands for many orders share.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::cli::when::{When, when};
use crate::clock::Clock;
use crate::ids::{MerchantName, UserId};
use crate::order::FollowUpState;
use crate::store::OrderFilter;

/// Which orders.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Which {
    /// Only this merchant's
    #[arg(long)]
    merchant: Option<MerchantName>,
    /// Only this user's
    #[arg(long)]
    user: Option<UserId>,
    /// Only orders with an error of this code, such as `klarna_unavailable`
    #[arg(long, visible_alias = "error-code", value_name = "CODE")]
    error: Option<String>,
    /// Only orders with a follow-up that fares so: `failing`, whether it is tried again or was given up, or
    /// `given_up`
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(FollowUpState::ALL
        .map(FollowUpState::as_str)).try_map(|word| word.parse::<FollowUpState>()))]
    follow_ups: Option<FollowUpState>,
    /// Only orders accepted since this time, such as 2026-01-31 or 2026-01-31T12:00Z, or since this long
    /// ago, such as 2h
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<When>,
    /// Only orders accepted before this time
    #[arg(long, value_name = "WHEN", value_parser = when)]
    until: Option<When>,
    /// Only orders that ended since this time; failed ones, that failed since
    #[arg(long, visible_alias = "failed-since", value_name = "WHEN", value_parser = when)]
    ended_since: Option<When>,
}

impl Which {
    /// Whether no filter is set.
    pub(super) fn is_all(&self) -> bool {
        let Self { merchant, user, error, follow_ups, since, until, ended_since } = self;
        let times = [since, until, ended_since];
        let is_any = merchant.is_none() && user.is_none() && error.is_none() && follow_ups.is_none();
        is_any && times.iter().all(|time| time.is_none())
    }

    /// The store's filter, without status, limit and cursor.
    pub(super) fn filter(&self, clock: &Clock) -> OrderFilter {
        let time = |when: When| when.by(clock);
        OrderFilter {
            merchant: self.merchant.clone(),
            user: self.user.clone(),
            error: self.error.clone(),
            follow_ups: self.follow_ups,
            since: self.since.map(time),
            until: self.until.map(time),
            ended_since: self.ended_since.map(time),
            ..OrderFilter::default()
        }
    }
}
