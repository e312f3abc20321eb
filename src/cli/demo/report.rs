//! The demo's last word.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use klarna_sandbox::Stats;
use serde::Serialize;

use super::env::{GONE, REVOKED, UNLUCKY};
use super::expected::{Ended, Outcome, differences};
use crate::cli::Table;
use crate::cli::views::or_dash;
use crate::keeper::Summary;
use crate::order::TokenOutcome;

/// What came of it all.
#[derive(Serialize)]
pub(super) struct Report {
    /// Told line by line before.
    #[serde(skip)]
    ended: Vec<Ended>,
    with_token: usize,
    without_token: usize,
    refused_at_the_door: usize,
    refused_by_klarna: usize,
    /// What came of the tokens near their expiry.
    keeper: Summary,
    /// The sandbox's own count.
    sandbox: Stats,
    /// Empty where all came out as it should.
    differences: Vec<String>,
}

impl Report {
    pub(super) fn new(ended: Vec<Ended>, keeper: Summary, sandbox: Stats) -> Self {
        let count = |fits: fn(&Ended) -> bool| ended.iter().filter(|ended| fits(ended)).count();
        Self {
            with_token: count(|ended| ended.result == Outcome::Submitted && has_token(ended)),
            without_token: count(|ended| ended.result == Outcome::Submitted && !has_token(ended)),
            refused_at_the_door: count(|ended| ended.result == Outcome::RefusedAtTheDoor),
            refused_by_klarna: count(|ended| ended.result == Outcome::RefusedByKlarna),
            differences: differences(&ended, &keeper, &sandbox),
            ended,
            keeper,
            sandbox,
        }
    }

    pub(super) fn all_well(&self) -> bool {
        self.differences.is_empty()
    }

    pub(super) fn rows(&self) -> &[Ended] {
        &self.ended
    }
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
        let Self { with_token, without_token, refused_at_the_door, refused_by_klarna, sandbox, .. } = self;
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
        match self.differences.as_slice() {
            [] => write!(f, "\nAll {} orders and the keeper's run came out as they should.", self.ended.len()),
            differences => {
                write!(f, "\nNot as it should be:")?;
                differences.iter().try_for_each(|difference| write!(f, "\n  {difference}"))
            }
        }
    }
}
