//! The report, as text and as JSON.

use std::fmt;
use std::ops::AddAssign;

use serde::Serialize;

use super::cases::{Case, Fate};

/// The results of all cases.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// How many cases the client passed.
    pub passed: usize,
    /// How many it failed.
    pub failed: usize,
    /// The sums of all cases.
    pub findings: Findings,
    /// The cases, in the order in which they ran.
    pub cases: Vec<CaseReport>,
}

/// The result of one case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// Its name.
    pub name: String,
    /// What happens in it.
    pub about: String,
    /// Whether the client did what a right client does.
    pub passed: bool,
    /// What it did wrong.
    pub findings: Findings,
    /// The same in sentences.
    pub notes: Vec<String>,
}

/// What a client did wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Sign-ins whose token the client lost, though it could have kept it.
    pub lost_tokens: u64,
    /// Presentations of a token that was spent, refused before, or being presented by another
    /// request.
    pub reused: u64,
    /// Orders that were created more than once, counted for each time too many.
    pub doubled_orders: u64,
    /// Orders that the client said were created, and that were not.
    pub missing_orders: u64,
    /// Orders that the client did not submit, in all attempts, and commands that failed.
    pub failed_orders: u64,
    /// Tokens in URLs, and refresh tokens in orders.
    pub leaks: u64,
}

impl Report {
    pub(super) fn add(&mut self, case: CaseReport) {
        *(if case.passed { &mut self.passed } else { &mut self.failed }) += 1;
        self.findings += case.findings;
        self.cases.push(case);
    }

    /// Returns the result of a case; `None` if it did not run.
    #[must_use]
    pub fn case(&self, name: &str) -> Option<&CaseReport> {
        self.cases.iter().find(|case| case.name == name)
    }
}

impl AddAssign for Findings {
    fn add_assign(&mut self, other: Self) {
        self.lost_tokens += other.lost_tokens;
        self.reused += other.reused;
        self.doubled_orders += other.doubled_orders;
        self.missing_orders += other.missing_orders;
        self.failed_orders += other.failed_orders;
        self.leaks += other.leaks;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cases: {} passed, {} failed; ", self.cases.len(), self.passed, self.failed)?;
        let Findings { lost_tokens, reused, doubled_orders, missing_orders, failed_orders, leaks } =
            self.findings;
        write!(f, "tokens: {lost_tokens} lost, {reused} presented again, {leaks} leaked; ")?;
        write!(f, "orders: {doubled_orders} doubled, {missing_orders} missing, {failed_orders} failed")
    }
}

impl fmt::Display for CaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.passed {
            return write!(f, "ok      {}", self.name);
        }
        write!(f, "FAILED  {}: {}", self.name, self.about)?;
        self.notes.iter().try_for_each(|note| write!(f, "\n        - {note}"))
    }
}

/// Returns a case as a line of the list.
pub(super) fn listed(case: &Case) -> String {
    let grant = match case.grant {
        Fate::Kept => "The next order is recognised.",
        Fate::Lost => {
            "The token is lost; it may be presented once more. After a new sign-in, orders are recognised."
        }
        Fate::Ended => "One presentation, and no other. After a new sign-in, orders are recognised.",
    };
    format!("{:<26} {} {grant}", case.name, case.about)
}
