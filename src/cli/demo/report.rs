//! The demo's last word.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use klarna_sandbox::Stats;
use serde::Serialize;

use super::env::{GONE, LONG_AGO, REVOKED, UNLUCKY};
use super::outcome::{Ended, Outcome};
use crate::cli::Table;
use crate::cli::views::or_dash;
use crate::keeper::Summary;
use crate::order::TokenOutcome;

/// How many orders ended in each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Counts {
    with_token: usize,
    without_token: usize,
    refused_at_the_door: usize,
    refused_by_klarna: usize,
}

/// What must come of `examples/orders.jsonl`. `tests/cli/demo.rs` says it order by order.
const EXPECTED: Counts = Counts { with_token: 9, without_token: 2, refused_at_the_door: 1, refused_by_klarna: 1 };

/// What came of it all.
#[derive(Serialize)]
pub(super) struct Report {
    /// Printed line by line before.
    #[serde(skip)]
    ended: Vec<Ended>,
    #[serde(flatten)]
    counts: Counts,
    /// What came of the tokens near their expiry.
    keeper: Summary,
    /// The sandbox's own count.
    sandbox: Stats,
    /// Whether all came out as it should.
    as_expected: bool,
}

impl Report {
    pub(super) fn new(ended: Vec<Ended>, keeper: Summary, sandbox: Stats) -> Self {
        let count = |fits: fn(&Ended) -> bool| ended.iter().filter(|ended| fits(ended)).count();
        let counts = Counts {
            with_token: count(|ended| ended.result == Outcome::Submitted && has_token(ended)),
            without_token: count(|ended| ended.result == Outcome::Submitted && !has_token(ended)),
            refused_at_the_door: count(|ended| ended.result == Outcome::RefusedAtTheDoor),
            refused_by_klarna: count(|ended| ended.result == Outcome::RefusedByKlarna),
        };
        let once = sandbox.exchanges.spent_presented == 0 && sandbox.orders.duplicates == 0;
        let as_expected = counts == EXPECTED && keeper == expected_sweep() && once;
        Self { ended, counts, keeper, sandbox, as_expected }
    }

    pub(super) fn is_as_expected(&self) -> bool {
        self.as_expected
    }

    pub(super) fn rows(&self) -> &[Ended] {
        &self.ended
    }
}

/// All of the users who signed in long ago are refreshed, except the one who has withdrawn.
fn expected_sweep() -> Summary {
    Summary { refreshed: LONG_AGO.len() as u64 - 1, needs_sign_in: 1, ..Summary::default() }
}

fn has_token(ended: &Ended) -> bool {
    matches!(ended.token, Some(TokenOutcome::Fresh | TokenOutcome::Kept))
}

/// The orders, a row each.
pub(super) fn table(rows: &[Ended]) -> Table {
    let mut table = Table::new(["line", "user", "token", "result"]);
    for row in rows {
        let result = match row.result {
            Outcome::Submitted => match row.prefilled.len() {
                0 => "submitted".to_owned(),
                fields => format!("submitted, {fields} fields prefilled"),
            },
            Outcome::RefusedAtTheDoor => format!("refused at the door: {}", or_dash(row.error.as_deref())),
            // Its message begins with who refused.
            Outcome::RefusedByKlarna => or_dash(row.error.as_deref()),
            Outcome::Unfinished => format!("unfinished: {}", or_dash(row.error.as_deref())),
        };
        table.row([row.line.to_string(), row.user.clone(), or_dash(row.token), result]);
    }
    table
}

impl Report {
    /// Why orders went out without a token, each reason with its number.
    fn reasons(&self) -> String {
        let submitted = self.ended.iter().filter(|ended| ended.result == Outcome::Submitted && !has_token(ended));
        let mut reasons = BTreeMap::<&str, usize>::new();
        for reason in submitted.filter_map(|ended| ended.token) {
            *reasons.entry(reason.as_str()).or_default() += 1;
        }
        reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect::<Vec<_>>().join(", ")
    }

    /// The names of all fields that were prefilled somewhere; their values are the shoppers' own.
    fn prefilled(&self) -> String {
        let pointers = self.ended.iter().flat_map(|ended| &ended.prefilled);
        let names: BTreeSet<&str> = pointers.filter_map(|pointer| pointer.rsplit('/').next()).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counts, sandbox, .. } = self;
        let Counts { with_token, without_token, refused_at_the_door, refused_by_klarna } = counts;
        let refused = refused_at_the_door + refused_by_klarna;
        let (exchanges, orders) = (&sandbox.exchanges, &sandbox.orders);
        let unavailable = sandbox.faults.get("token.503").copied().unwrap_or_default();
        writeln!(f, "\nSubmitted with a token  {with_token:>2}  Klarna recognises the shopper")?;
        writeln!(f, "Submitted without one   {without_token:>2}  {}", self.reasons())?;
        writeln!(
            f,
            "Refused                 {refused:>2}  {refused_at_the_door} at the door, {refused_by_klarna} by Klarna"
        )?;
        writeln!(f, "Prefilled from id_tokens    {}", self.prefilled())?;
        let Summary { refreshed, needs_sign_in, .. } = &self.keeper;
        writeln!(
            f,
            "Tokens near their end   {refreshed:>2}  refreshed by the keeper, {needs_sign_in} withdrawn ({GONE})"
        )?;
        writeln!(f, "\nKlarna's stand-in saw")?;
        writeln!(
            f,
            "{:>4} exchanges: {} rotated, {} refused for good ({REVOKED}, {GONE}), {unavailable} answered 503 ({UNLUCKY}, whose order waited)",
            exchanges.total, exchanges.rotated, exchanges.invalid_grant,
        )?;
        writeln!(f, "{:>4} spent tokens presented", exchanges.spent_presented)?;
        writeln!(f, "{:>4} orders, {} of them twice", orders.total, orders.duplicates)?;
        if self.as_expected {
            return write!(f, "\nAll {} orders and the keeper's run came out as they should.", self.ended.len());
        }
        let Counts { with_token, without_token, refused_at_the_door, refused_by_klarna } = EXPECTED;
        let Summary { refreshed, needs_sign_in, .. } = expected_sweep();
        write!(
            f,
            "\nNot as it should be. Expected: {with_token} submitted with a token and {without_token} without one, \
             {refused_at_the_door} refused at the door and {refused_by_klarna} by Klarna; {refreshed} tokens refreshed by \
             the keeper and {needs_sign_in} withdrawn; no spent token presented, and no order twice."
        )
    }
}
