//! What comes of each order, and what must.

use klarna_sandbox::Stats;
use serde::Serialize;
use serde_json::Value;

use super::env::LONG_AGO;
use crate::keeper::Summary;
use crate::order::{OrderId, OrderView, Status, TokenOutcome};

/// How an order of `examples/orders.jsonl` must end, line by line.
pub(super) const EXPECTED: [Expected; 13] = [
    Expected::Submitted { token: TokenOutcome::Fresh, prefilled: true },
    Expected::Submitted { token: TokenOutcome::Fresh, prefilled: true },
    Expected::Submitted { token: TokenOutcome::Fresh, prefilled: true },
    Expected::Submitted { token: TokenOutcome::Fresh, prefilled: true },
    Expected::Submitted { token: TokenOutcome::Fresh, prefilled: true },
    Expected::Submitted { token: TokenOutcome::Fresh, prefilled: false },
    Expected::Submitted { token: TokenOutcome::Fresh, prefilled: true },
    Expected::Submitted { token: TokenOutcome::Fresh, prefilled: true },
    Expected::RefusedAtTheDoor("/order/order_amount is 49000, expected 49800"),
    Expected::Submitted { token: TokenOutcome::NotRegistered, prefilled: false },
    Expected::Submitted { token: TokenOutcome::ReauthRequired, prefilled: false },
    Expected::RefusedByKlarna("Bad value: purchase_country"),
    Expected::Submitted { token: TokenOutcome::Fresh, prefilled: true },
];

/// How the keeper's run must end.
pub(super) fn expected_sweep() -> Summary {
    Summary { refreshed: LONG_AGO.len() as u64 - 1, needs_sign_in: 1, ..Summary::default() }
}

/// How an order must end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    /// Created by Klarna.
    Submitted { token: TokenOutcome, prefilled: bool },
    /// Not taken in, with this fault.
    RefusedAtTheDoor(&'static str),
    /// Taken in, exchanged for, and refused with this message.
    RefusedByKlarna(&'static str),
}

/// How an order ended.
#[derive(Serialize)]
pub(super) struct Ended {
    pub line: u64,
    pub user: String,
    pub result: Outcome,
    pub token: Option<TokenOutcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub klarna_order_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefilled: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Submitted,
    RefusedAtTheDoor,
    RefusedByKlarna,
    /// None of these: the message says more.
    Unfinished,
}

impl Ended {
    /// An order that was not taken in. `text` is its line.
    pub(super) fn refused(line: u64, text: &str, error: String) -> Self {
        let user = serde_json::from_str::<Value>(text).ok().and_then(|order| Some(order["user"].as_str()?.to_owned()));
        Self {
            line,
            user: user.unwrap_or_default(),
            result: Outcome::RefusedAtTheDoor,
            token: None,
            id: None,
            klarna_order_id: None,
            prefilled: Vec::new(),
            error: Some(error),
        }
    }

    /// An order that was taken in and waited for.
    pub(super) fn settled(line: u64, order: OrderView) -> Self {
        let result = match (order.status, &order.error) {
            (Status::Submitted, _) => Outcome::Submitted,
            (Status::Failed, Some(error)) if error.code == "klarna_refused_order" => Outcome::RefusedByKlarna,
            _ => Outcome::Unfinished,
        };
        Self {
            line,
            user: order.user,
            result,
            token: order.token,
            id: Some(order.id),
            klarna_order_id: order.klarna_order_id,
            prefilled: order.prefilled,
            error: order.error.filter(|_| result != Outcome::Submitted).map(|error| error.message),
        }
    }

    fn is(&self, expected: Expected) -> bool {
        let says = |text| self.error.as_deref().is_some_and(|error| error.contains(text));
        match expected {
            Expected::Submitted { token, prefilled } => {
                self.result == Outcome::Submitted
                    && self.token == Some(token)
                    && self.prefilled.is_empty() != prefilled
                    && self.klarna_order_id.is_some()
            }
            Expected::RefusedAtTheDoor(fault) => self.result == Outcome::RefusedAtTheDoor && says(fault),
            Expected::RefusedByKlarna(message) => {
                self.result == Outcome::RefusedByKlarna && self.token == Some(TokenOutcome::Fresh) && says(message)
            }
        }
    }
}

/// Everything that did not come out as it must.
pub(super) fn differences(ended: &[Ended], kept: &Summary, stats: &Stats) -> Vec<String> {
    let mut differences = Vec::new();
    if ended.len() != EXPECTED.len() {
        differences.push(format!("{} orders ended, expected {}", ended.len(), EXPECTED.len()));
    }
    for (ended, expected) in ended.iter().zip(EXPECTED) {
        if !ended.is(expected) {
            let (result, token, error) = (ended.result, ended.token, &ended.error);
            differences.push(format!(
                "line {} ended as {result:?} with token {token:?} ({error:?}, {} fields prefilled), expected {expected:?}",
                ended.line,
                ended.prefilled.len(),
            ));
        }
    }
    if *kept != expected_sweep() {
        differences.push(format!("the keeper told {kept:?}, expected {:?}", expected_sweep()));
    }
    let counted = counts(stats).into_iter().filter(|(_, is, must)| is != must);
    differences.extend(counted.map(|(what, is, must)| format!("the sandbox counted {is} {what}, expected {must}")));
    differences
}

/// What the sandbox saw, and what it must have seen.
fn counts(stats: &Stats) -> [(&'static str, u64, u64); 12] {
    let count = |fits: fn(&Expected) -> bool| EXPECTED.iter().filter(|expected| fits(expected)).count() as u64;
    let submitted = count(|expected| matches!(expected, Expected::Submitted { .. }));
    let with_token = count(|expected| matches!(expected, Expected::Submitted { token: TokenOutcome::Fresh, .. }));
    let refused = count(|expected| matches!(expected, Expected::RefusedByKlarna(_)));
    let kept = expected_sweep();
    let (exchanges, orders, leaks) = (&stats.exchanges, &stats.orders, &stats.leaks);
    let leaked = leaks.token_in_query + leaks.refresh_token_in_order + leaks.national_identification_number_in_order;
    let fault = |name: &str| stats.faults.get(name).copied().unwrap_or_default();
    [
        // One for each order with a token, the one that was told to come back, the one of the user who withdrew, and the
        // keeper's.
        ("requests to its token endpoint", exchanges.total, with_token + refused + 2 + LONG_AGO.len() as u64),
        ("rotations", exchanges.rotated, with_token + refused + kept.refreshed),
        ("answers 503 to an exchange", fault("token.503"), 1),
        ("dead tokens", exchanges.invalid_grant, 1 + kept.needs_sign_in),
        ("spent tokens presented again", exchanges.spent_presented, 0),
        ("tokens presented twice at once", exchanges.concurrent, 0),
        ("orders", orders.total, submitted),
        ("orders that came twice", orders.duplicates, 0),
        ("orders of recognised shoppers", orders.recognised, with_token),
        ("orders without a token", orders.without_token, submitted - with_token),
        ("refused orders", orders.refused.values().sum(), refused),
        ("secrets where they have no business", leaked, 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_example_has_its_expectation() {
        assert_eq!(super::super::ORDERS.lines().count(), EXPECTED.len());
    }

    #[test]
    fn nothing_that_happened_is_not_what_must_happen() {
        let told = differences(&[], &expected_sweep(), &Stats::default());
        assert!(told.contains(&"0 orders ended, expected 13".to_owned()), "{told:?}");
        assert!(told.contains(&"the sandbox counted 0 orders, expected 11".to_owned()), "{told:?}");
        assert!(!told.iter().any(|difference| difference.contains("spent")), "{told:?}");
    }

    #[test]
    fn an_order_that_ended_otherwise_is_told() {
        let line = r#"{"user":"alma"}"#;
        let refused = Ended::refused(1, line, "/order is missing".to_owned());
        assert_eq!((refused.user.as_str(), refused.is(EXPECTED[0])), ("alma", false));
        let told = differences(&[refused], &Summary::default(), &Stats::default());
        assert!(told[1].starts_with("line 1 ended as RefusedAtTheDoor"), "{told:?}");
        assert!(told[2].starts_with("the keeper told Summary { refreshed: 0"), "{told:?}");
    }
}
