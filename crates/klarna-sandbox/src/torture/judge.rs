//! Judges a client by what the sandbox has recorded of it.

use std::collections::BTreeMap;

use super::cases::{Case, Fate};
use super::{CaseReport, Findings};
use crate::admin::Admin;
use crate::state::Outcome;
use crate::stats::{Event, Leaks, What};

/// An order that the client was asked to submit.
pub(super) struct Submitted {
    /// Its `merchant_reference1`.
    pub(super) reference: String,
    /// Whether the client said that it was created.
    pub(super) done: bool,
}

/// What the sandbox had counted before a case.
pub(super) struct Watch(Leaks);

impl Watch {
    pub(super) fn begin(admin: &Admin) -> Self {
        Self(admin.stats().leaks)
    }

    fn leaks_since(&self, now: &Leaks) -> u64 {
        now.token_in_query - self.0.token_in_query + now.refresh_token_in_order
            - self.0.refresh_token_in_order
    }
}

/// Judges a case. `findings` and `notes` are what the driver has seen itself.
pub(super) fn judge(
    case: &Case,
    admin: &Admin,
    watch: &Watch,
    user: &str,
    orders: &[Submitted],
    mut findings: Findings,
    mut notes: Vec<String>,
) -> CaseReport {
    count_orders(admin, orders, &mut findings, &mut notes);
    let record = admin.record();
    let of_user = record.iter().filter(|event| event.user.as_deref() == Some(user));
    count_presentations(case.grant, of_user, &mut findings, &mut notes);
    findings.leaks = watch.leaks_since(&admin.stats().leaks);
    if findings.leaks > 0 {
        notes.push("a token was sent where it must not be: in a URL, or in an order".to_owned());
    }
    CaseReport {
        name: case.name.to_owned(),
        about: case.about.to_owned(),
        passed: findings == Findings::default(),
        findings,
        notes,
    }
}

fn count_orders(admin: &Admin, orders: &[Submitted], findings: &mut Findings, notes: &mut Vec<String>) {
    let mut created: BTreeMap<String, u64> = BTreeMap::new();
    for reference in admin.created().into_iter().filter_map(|order| order.reference) {
        *created.entry(reference).or_default() += 1;
    }
    for Submitted { reference, done } in orders {
        let times = created.get(reference).copied().unwrap_or(0);
        if !done {
            findings.failed_orders += 1;
            notes.push(format!("order {reference} failed"));
        } else if times == 0 {
            findings.missing_orders += 1;
            notes.push(format!(
                "order {reference} was said to be created, but no order has it as its merchant_reference1"
            ));
        }
        if times > 1 {
            findings.doubled_orders += times - 1;
            notes.push(format!("order {reference} was created {times} times"));
        }
    }
}

/// Counts the presentations that a right client does not make: while the same token is being
/// presented, of a spent token, and of a token after Klarna has refused it.
fn count_presentations<'e>(
    grant: Fate,
    events: impl Iterator<Item = &'e Event>,
    findings: &mut Findings,
    notes: &mut Vec<String>,
) {
    let (mut together, mut spent, mut refused) = (0, 0, 0);
    // Whether the client was told that a sign-in has ended.
    let mut told: BTreeMap<Option<usize>, bool> = BTreeMap::new();
    for event in events {
        let What::Presented { outcome, concurrent, .. } = &event.what else { continue };
        let told = told.entry(event.family).or_default();
        let ended = matches!(outcome, Some(Outcome::Reused | Outcome::Revoked | Outcome::Expired));
        if *concurrent {
            together += 1;
        } else if ended && *told {
            refused += 1;
        } else if *outcome == Some(Outcome::Reused) && grant != Fate::Lost {
            spent += 1;
        }
        *told |= ended;
    }
    findings.reused = together + spent + refused;
    let mut note = |count: u64, what: &str| {
        if count > 0 {
            let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
            notes.push(format!("{what} {times}"));
        }
    };
    note(together, "a token was presented while another request was presenting it:");
    note(spent, "a spent token was presented:");
    note(refused, "a token was presented after Klarna had refused it:");
}
