//! The demo's report.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use klarna_sandbox::Stats;
use serde::Serialize;

use super::env::{GONE, LONG_AGO, REVOKED, UNLUCKY};
use super::outcome::{OrderResult, Outcome};
use crate::cli::Table;
use crate::cli::views::or_dash;
use crate::keeper::Summary;
use crate::order::TokenOutcome;

/// How many orders ended in each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Counts {
    with_token: usize,
    without_token: usize,
    refused_by_service: usize,
    refused_by_klarna: usize,
}

/// The expected counts for `examples/orders.jsonl`. `tests/cli/demo.rs` checks each order.
const EXPECTED: Counts =
    Counts { with_token: 9, without_token: 2, refused_by_service: 1, refused_by_klarna: 1 };

/// The results of all orders and of the keeper's sweep.
#[derive(Serialize)]
pub(super) struct Report {
    /// Not part of the JSON report, because each order has a JSON line of its own.
    #[serde(skip)]
    ended: Vec<OrderResult>,
    #[serde(flatten)]
    counts: Counts,
    /// The sweep over the tokens that expire soon.
    keeper: Summary,
    /// What the sandbox counted.
    sandbox: Stats,
    /// Whether every result is as expected.
    as_expected: bool,
}

impl Report {
    pub(super) fn new(ended: Vec<OrderResult>, keeper: Summary, sandbox: Stats) -> Self {
        let count = |fits: fn(&OrderResult) -> bool| ended.iter().filter(|ended| fits(ended)).count();
        let counts = Counts {
            with_token: count(|ended| ended.result == Outcome::Submitted && has_token(ended)),
            without_token: count(|ended| ended.result == Outcome::Submitted && !has_token(ended)),
            refused_by_service: count(|ended| ended.result == Outcome::RefusedByService),
            refused_by_klarna: count(|ended| ended.result == Outcome::RefusedByKlarna),
        };
        let once = sandbox.exchanges.spent_presented == 0 && sandbox.orders.duplicates == 0;
        let as_expected = counts == EXPECTED && keeper == expected_sweep() && once;
        Self { ended, counts, keeper, sandbox, as_expected }
    }

    pub(super) fn is_as_expected(&self) -> bool {
        self.as_expected
    }

    pub(super) fn rows(&self) -> &[OrderResult] {
        &self.ended
    }
}

/// The expected sweep: every user who signed in long ago is refreshed, except the one who revoked
/// the consent.
fn expected_sweep() -> Summary {
    Summary { refreshed: LONG_AGO.len() as u64 - 1, needs_sign_in: 1, ..Summary::default() }
}

fn has_token(ended: &OrderResult) -> bool {
    matches!(ended.token, Some(TokenOutcome::Fresh | TokenOutcome::Cached))
}

/// Returns a table with a row for each order.
pub(super) fn table(rows: &[OrderResult]) -> Table {
    let mut table = Table::new(["line", "user", "token", "result"]);
    for row in rows {
        let result = match row.result {
            Outcome::Submitted => match row.prefilled.len() {
                0 => "submitted".to_owned(),
                fields => format!("submitted, {fields} fields prefilled"),
            },
            Outcome::RefusedByService => format!("refused by the service: {}", or_dash(row.error.as_deref())),
            // Its message begins with "Klarna refused the order".
            Outcome::RefusedByKlarna => or_dash(row.error.as_deref()),
            Outcome::Unfinished => format!("unfinished: {}", or_dash(row.error.as_deref())),
        };
        table.row([row.line.to_string(), row.user.clone(), or_dash(row.token), result]);
    }
    table
}

impl Report {
    /// Returns how many orders were submitted without a token, by reason.
    fn reasons(&self) -> String {
        let submitted =
            self.ended.iter().filter(|ended| ended.result == Outcome::Submitted && !has_token(ended));
        let mut reasons = BTreeMap::<&str, usize>::new();
        for reason in submitted.filter_map(|ended| ended.token) {
            *reasons.entry(reason.as_str()).or_default() += 1;
        }
        reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect::<Vec<_>>().join(", ")
    }

    /// Returns the names of all prefilled fields, without their values.
    fn prefilled(&self) -> String {
        let pointers = self.ended.iter().flat_map(|ended| &ended.prefilled);
        let names: BTreeSet<&str> = pointers.filter_map(|pointer| pointer.rsplit('/').next()).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counts, sandbox, .. } = self;
        let Counts { with_token, without_token, refused_by_service, refused_by_klarna } = counts;
        let refused = refused_by_service + refused_by_klarna;
        let (exchanges, orders) = (&sandbox.exchanges, &sandbox.orders);
        let unavailable = sandbox.faults.get("token.503").copied().unwrap_or_default();
        writeln!(f, "\nSubmitted with a token     {with_token:>2}  fresh: sent with a new access token")?;
        writeln!(f, "Submitted without a token  {without_token:>2}  {}", self.reasons())?;
        writeln!(
            f,
            "Refused                    {refused:>2}  {refused_by_service} by the service, \
             {refused_by_klarna} by Klarna"
        )?;
        writeln!(f, "Prefilled fields               {}", self.prefilled())?;
        let Summary { refreshed, needs_sign_in, .. } = &self.keeper;
        let expiring = refreshed + needs_sign_in;
        writeln!(
            f,
            "Tokens close to expiry     {expiring:>2}  {refreshed} refreshed by the keeper, {needs_sign_in} \
             revoked by the user ({GONE})"
        )?;
        writeln!(f, "\nRequests to the sandbox")?;
        writeln!(
            f,
            "{:>4} token exchanges: {} succeeded, {} refused with invalid_grant ({REVOKED}, {GONE}), \
             {unavailable} answered 503 ({UNLUCKY}, whose order was retried)",
            exchanges.total, exchanges.rotated, exchanges.invalid_grant,
        )?;
        writeln!(f, "{:>4} exchanges of a token that was already used", exchanges.spent_presented)?;
        writeln!(f, "{:>4} orders, {} duplicates", orders.total, orders.duplicates)?;
        if self.as_expected {
            return write!(f, "\nAll {} orders and the keeper's sweep ended as expected.", self.ended.len());
        }
        let Counts { with_token, without_token, refused_by_service, refused_by_klarna } = EXPECTED;
        let Summary { refreshed, needs_sign_in, .. } = expected_sweep();
        write!(
            f,
            "\nThe results are not as expected. Expected: {with_token} orders submitted with a token and \
             {without_token} without one; {refused_by_service} refused by the service and \
             {refused_by_klarna} by Klarna; {refreshed} tokens refreshed by the keeper and {needs_sign_in} \
             revoked; no used token exchanged again, and no duplicate order."
        )
    }
}
