use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::ids::{Provider, TokenId, TokenVersion};
use crate::token::{Standing, Stop};

const PROVIDER: Provider = Provider::from_bytes([1; 16]);
const POLICY: Policy = Policy {
    replay_after: Duration::from_secs(10),
    orphan_after: Duration::from_mins(5),
    holder_silent: Duration::ZERO,
    provider: PROVIDER,
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn token(presentations: Vec<Presentation>) -> ClaimedToken {
    ClaimedToken {
        version: TokenVersion { token: TokenId(1), generation: 7 },
        grant_generation: 1,
        state: TokenState::Active,
        reason: None,
        sealed: Some(vec![1]),
        provider: Some(PROVIDER),
        standing: Standing::default(),
        issued_at: Some(now() - TimeDelta::days(30)),
        expires_at: Some(now() + TimeDelta::days(30)),
        refresh_due_at: Some(now()),
        subject: None,
        answer_lost: false,
        presentations,
        now: now(),
    }
}

/// The `number`th presentation, closed `seconds` ago.
fn closed(number: i64, outcome: Outcome, seconds: i64) -> Presentation {
    Presentation {
        exchange: Uuid::from_u128(number.unsigned_abs().into()).into(),
        number: PresentationNumber(number),
        outcome: Some(outcome),
        travelling: true,
        closed_at: Some(now() - TimeDelta::seconds(seconds)),
        holder: Uuid::nil().into(),
        holder_heartbeats: Some(7),
    }
}

fn open(holder_heartbeats: Option<i64>) -> Presentation {
    Presentation { outcome: None, closed_at: None, holder_heartbeats, ..closed(1, Outcome::NoAnswer, 0) }
}

fn watched(seconds: u64) -> Policy {
    Policy { holder_silent: Duration::from_secs(seconds), ..POLICY }
}

fn present(presentation: i64) -> Decision {
    Decision::Present { presentation: PresentationNumber(presentation), if_dead: DeadReason::Rejected }
}

fn seconds(seconds: u64) -> Decision {
    Decision::ComeBack(Duration::from_secs(seconds))
}

#[test]
fn a_token_without_history_is_presented_first() {
    assert_eq!(decide(&token(vec![]), POLICY, None), present(1));
}

#[test]
fn states_that_end_a_token_are_told_apart() {
    let in_state = |state| decide(&ClaimedToken { state, ..token(vec![]) }, POLICY, None);
    assert_eq!(in_state(TokenState::Forgotten), Decision::Unusable(Unusable::NotRegistered));
    assert_eq!(in_state(TokenState::ReauthRequired), Decision::Unusable(Unusable::ReauthRequired));
    assert_eq!(in_state(TokenState::Uncertain), Decision::Unusable(Unusable::Uncertain));
}

#[test]
fn an_open_intent_of_a_living_holder_keeps_others_waiting_whatever_its_age() {
    assert_eq!(decide(&token(vec![open(Some(7))]), watched(299), None), Decision::ComeBack(POLL_INTERVAL));
}

#[test]
fn a_holder_written_down_as_dead_or_silent_too_long_has_lost_its_answer() {
    let lost = Decision::LostAnswer(Uuid::from_u128(1).into());
    assert_eq!(decide(&token(vec![open(None)]), POLICY, None), lost);
    assert_eq!(decide(&token(vec![open(Some(7))]), watched(300), None), lost);
}

#[test]
fn an_unanswered_presentation_is_repeated_after_replay_after() {
    assert_eq!(decide(&token(vec![closed(1, Outcome::NoAnswer, 4)]), POLICY, None), seconds(6));
    assert_eq!(decide(&token(vec![closed(1, Outcome::NoAnswer, 10)]), POLICY, None), present(2));
}

#[test]
fn a_useless_answer_is_over_and_repeated_after_a_second() {
    let useless = |ago| Presentation { travelling: false, ..closed(1, Outcome::NoAnswer, ago) };
    assert_eq!(decide(&token(vec![useless(0)]), POLICY, None), seconds(1));
    assert_eq!(decide(&token(vec![useless(1)]), POLICY, None), present(2));
}

#[test]
fn two_unanswered_in_a_row_back_off_by_minutes_then_hours() {
    let silent = |count: i64| (1..=count).rev().map(|number| closed(number, Outcome::NoAnswer, 0)).collect();
    let waits: Vec<_> = [2, 3, 4, 8, 40].map(|count| decide(&token(silent(count)), POLICY, None)).into();
    assert_eq!(waits, [seconds(60), seconds(120), seconds(240), seconds(3840), seconds(4 * 3600)]);
}

#[test]
fn an_answer_ends_the_row_of_silences_and_a_request_never_sent_does_not() {
    let ledger = |middle| {
        vec![closed(3, Outcome::NoAnswer, 5), closed(2, middle, 20), closed(1, Outcome::NoAnswer, 40)]
    };
    assert_eq!(decide(&token(ledger(Outcome::Refused)), POLICY, None), seconds(5));
    assert_eq!(decide(&token(ledger(Outcome::NotSent)), POLICY, None), seconds(55));
    let latest_not_sent = vec![closed(2, Outcome::NotSent, 0), closed(1, Outcome::NoAnswer, 3)];
    assert_eq!(decide(&token(latest_not_sent), POLICY, None), seconds(7));
}

#[test]
fn what_a_refusal_would_mean_is_known_before() {
    let means = |token| match decide(&token, POLICY, None) {
        Decision::Present { if_dead, .. } => if_dead,
        other => panic!("{other:?}"),
    };
    let past = Some(now() - TimeDelta::seconds(1));
    assert_eq!(means(token(vec![])), DeadReason::Rejected);
    assert_eq!(means(ClaimedToken { expires_at: past, ..token(vec![]) }), DeadReason::Expired);
    assert_eq!(
        means(ClaimedToken { expires_at: past, answer_lost: true, ..token(vec![]) }),
        DeadReason::AnswerLost
    );
}

#[test]
fn the_keeper_presents_what_is_due_and_an_order_whatever_there_is() {
    let if_due = |by, issued_before| Some(IfDue { by, issued_before });
    let due = token(vec![]);
    let late = now() + TimeDelta::days(1);
    assert_eq!(decide(&due, POLICY, if_due(now(), now())), present(1));
    assert_eq!(decide(&due, POLICY, if_due(now() - TimeDelta::microseconds(1), now())), Decision::NotDue);
    let rotated = ClaimedToken { issued_at: Some(now()), ..due.clone() };
    assert_eq!(
        decide(&rotated, POLICY, if_due(late, now())),
        Decision::NotDue,
        "this sweep has refreshed it"
    );
    let undated = ClaimedToken { refresh_due_at: None, ..due.clone() };
    assert_eq!(decide(&undated, POLICY, if_due(late, late)), Decision::NotDue);
    assert_eq!(decide(&undated, POLICY, None), present(1));
    let dead = ClaimedToken { state: TokenState::ReauthRequired, ..due };
    assert_eq!(decide(&dead, POLICY, if_due(late, late)), Decision::Unusable(Unusable::ReauthRequired));
}

#[test]
fn the_keeper_waits_as_orders_do() {
    let if_due = Some(IfDue { by: now(), issued_before: now() });
    let silent = token(vec![closed(1, Outcome::NoAnswer, 4)]);
    assert_eq!(decide(&silent, POLICY, if_due), seconds(6));
    let held = token(vec![open(Some(7))]);
    assert_eq!(decide(&held, POLICY, if_due), Decision::ComeBack(POLL_INTERVAL));
}

fn any_presentation() -> impl Strategy<Value = (Option<Outcome>, bool, i64, Option<i64>)> {
    let outcome = prop::option::weighted(
        0.9,
        prop::sample::select(vec![Outcome::NotSent, Outcome::Refused, Outcome::NoAnswer, Outcome::Unchanged]),
    );
    (outcome, any::<bool>(), 0..20_000_i64, prop::option::of(0..600_i64))
}

#[test]
fn a_stopped_merchant_waits_for_its_next_probe() {
    let at = |seconds| Some(Stop { probe_at: now() + TimeDelta::seconds(seconds), probes: 1 });
    let stopped = |seconds| {
        let standing = Standing { proven: true, stop: at(seconds) };
        decide(&ClaimedToken { standing, ..token(vec![]) }, POLICY, None)
    };
    assert_eq!(stopped(9), Decision::Stopped(Duration::from_secs(9)));
    assert!(
        matches!(stopped(0), Decision::Present { .. }) && matches!(stopped(-1), Decision::Present { .. })
    );
}

#[test]
fn a_token_is_presented_to_no_other_provider() {
    let other = Provider::from_bytes([2; 16]);
    let of = |provider| decide(&ClaimedToken { provider, ..token(vec![]) }, POLICY, None);
    assert_eq!(of(Some(other)), Decision::OtherProvider(other));
    for ours in [Some(PROVIDER), None] {
        assert!(matches!(of(ours), Decision::Present { presentation: PresentationNumber::FIRST, .. }));
    }
}

proptest! {
    /// There are never two requests in flight, and no presentation number is used twice: for any
    /// ledger, a token is presented only if no intent is open, and with a new number.
    #[test]
    fn nothing_is_presented_beside_an_open_intent(
        ledger in prop::collection::vec(any_presentation(), 0..6),
        silent in 0..600_u64,
    ) {
        let count = i64::try_from(ledger.len()).unwrap();
        let presentations: Vec<_> = ledger
            .into_iter()
            .zip(0..)
            .map(|((outcome, travelling, ago, heartbeats), at)| Presentation {
                outcome,
                travelling,
                closed_at: outcome.map(|_| now() - TimeDelta::seconds(ago)),
                holder_heartbeats: heartbeats,
                ..closed(count - at, Outcome::NoAnswer, 0)
            })
            .collect();
        let any_open = presentations.iter().any(|presentation| presentation.outcome.is_none());
        match decide(&token(presentations), watched(silent), None) {
            Decision::Present { presentation, .. } => {
                prop_assert!(!any_open);
                prop_assert_eq!(presentation, PresentationNumber(count + 1));
            }
            Decision::LostAnswer(_) => prop_assert!(any_open),
            Decision::ComeBack(wait) => prop_assert!(!wait.is_zero() && wait <= LONGEST_BACK_OFF),
            Decision::Unusable(_) | Decision::NotDue | Decision::OtherProvider(_) | Decision::Stopped(_) => prop_assert!(false, "an order takes what there is"),
        }
    }
}
