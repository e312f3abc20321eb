//! The filters that `orders list` and the commands for many orders share.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::cli::CliError;
use crate::clock::Clock;
use crate::ids::{MerchantName, UserId};
use crate::order::{ErrorCode, FollowUpState, Status};
use crate::store::OrderFilter;
use crate::when::When;

/// Which orders.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct OrderSelection {
    /// Only this merchant's
    #[arg(long)]
    merchant: Option<MerchantName>,
    /// Only this user's
    #[arg(long)]
    user: Option<UserId>,
    /// Only orders with an error of this code; failed orders have other codes than queued ones
    #[arg(long, visible_alias = "error-code", value_name = "CODE",
        value_parser = PossibleValuesParser::new(ErrorCode::ALL.map(ErrorCode::as_str))
            .try_map(|word| ErrorCode::from_word(&word).map_err(|error| error.to_string())))]
    error: Option<ErrorCode>,
    /// Only orders with a follow-up that fares so: `failing`, whether it is tried again or was
    /// given up, or `given_up`
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(FollowUpState::ALL
        .map(FollowUpState::as_str)).try_map(|word| word.parse::<FollowUpState>()))]
    follow_ups: Option<FollowUpState>,
    /// Only orders accepted since this time, such as 2026-01-31 or 2026-01-31T12:00Z, or since this
    /// long ago, such as 2h
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    since: Option<When>,
    /// Only orders accepted before this time
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    until: Option<When>,
    /// Only orders that ended since this time; failed ones, that failed since
    #[arg(long, visible_alias = "failed-since", value_name = "WHEN", value_parser = When::parse)]
    ended_since: Option<When>,
    /// Only orders that ended before this time; failed ones, that failed before
    #[arg(long, visible_alias = "failed-until", value_name = "WHEN", value_parser = When::parse)]
    ended_until: Option<When>,
    /// Only orders that Klarna may have already (`true`), or only others (`false`)
    #[arg(long, value_name = "BOOL", value_parser = clap::value_parser!(bool))]
    possible_duplicate: Option<bool>,
}

impl OrderSelection {
    /// Whether no filter is set.
    pub(super) fn is_all(&self) -> bool {
        let Self {
            merchant,
            user,
            error,
            follow_ups,
            since,
            until,
            ended_since,
            ended_until,
            possible_duplicate,
        } = self;
        let times = [since, until, ended_since, ended_until];
        let is_named = merchant.is_some() || user.is_some();
        !is_named
            && error.is_none()
            && follow_ups.is_none()
            && possible_duplicate.is_none()
            && times.iter().all(|time| time.is_none())
    }

    /// Checks that orders with this status can have the error code that is asked for.
    pub(super) fn check(&self, status: Option<Status>) -> Result<(), CliError> {
        let checked = self.error.map_or(Ok(()), |code| code.check(status));
        checked.map_err(|wrong| CliError::Usage(format!("--error: {wrong}")))
    }

    /// The store's filter, without status, limit and cursor.
    pub(super) fn filter(&self, clock: &Clock) -> OrderFilter {
        let now = clock.now();
        let time = |when: When| when.by(now);
        OrderFilter {
            merchant: self.merchant.clone(),
            user: self.user.clone(),
            errors: self.error.map(|code| code.as_str().to_owned()).into_iter().collect(),
            follow_ups: self.follow_ups,
            duplicates: self.possible_duplicate,
            since: self.since.map(time),
            until: self.until.map(time),
            ended_since: self.ended_since.map(time),
            ended_until: self.ended_until.map(time),
            ..OrderFilter::default()
        }
    }
}
