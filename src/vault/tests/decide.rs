use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;

const POLICY: Policy = Policy {
    replay_after: Duration::from_secs(10),
    orphan_after: Duration::from_mins(5),
    observed: Duration::from_hours(1),
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn token(presentations: Vec<Presentation>) -> ClaimedToken {
    ClaimedToken {
        id: 1,
        generation: 7,
        state: TokenState::Active,
        reason: None,
        sealed: Some(vec![1]),
        expires_at: Some(now() + TimeDelta::days(30)),
        subject: None,
        answer_lost: false,
        presentations,
        now: now(),
    }
}

/// The `number`th presentation, closed `seconds` ago.
fn closed(number: i64, outcome: Outcome, seconds: i64) -> Presentation {
    Presentation {
        exchange: Uuid::from_u128(number.unsigned_abs().into()),
        number,
        outcome: Some(outcome),
        travelling: true,
        closed_at: Some(now() - TimeDelta::seconds(seconds)),
        holder: Uuid::nil(),
        holder_silent: Some(Duration::ZERO),
    }
}

fn open(holder_silent: Option<Duration>) -> Presentation {
    Presentation { outcome: None, closed_at: None, holder_silent, ..closed(1, Outcome::NoAnswer, 0) }
}

fn present(presentation: i64) -> Decision {
    Decision::Present { presentation, if_dead: DeadReason::Rejected }
}

fn seconds(seconds: u64) -> Decision {
    Decision::ComeBack(Duration::from_secs(seconds))
}

#[test]
fn a_token_without_history_is_presented_first() {
    assert_eq!(decide(&token(vec![]), POLICY), present(1));
}

#[test]
fn states_that_end_a_token_are_told_apart() {
    let in_state = |state| decide(&ClaimedToken { state, ..token(vec![]) }, POLICY);
    assert_eq!(in_state(TokenState::Forgotten), Decision::Unusable(Unusable::NotRegistered));
    assert_eq!(in_state(TokenState::ReauthRequired), Decision::Unusable(Unusable::ReauthRequired));
    assert_eq!(in_state(TokenState::Uncertain), Decision::Unusable(Unusable::Uncertain));
}

#[test]
fn an_open_intent_of_a_living_holder_keeps_others_waiting_whatever_its_age() {
    assert_eq!(decide(&token(vec![open(Some(Duration::from_secs(299)))]), POLICY), Decision::ComeBack(LOOK_AGAIN));
}

#[test]
fn a_holder_written_down_as_dead_or_silent_too_long_has_lost_its_answer() {
    let lost = Decision::LostAnswer(Uuid::from_u128(1));
    assert_eq!(decide(&token(vec![open(None)]), POLICY), lost);
    assert_eq!(decide(&token(vec![open(Some(Duration::from_mins(5)))]), POLICY), lost);
}

#[test]
fn silence_counts_only_while_the_judge_had_the_database() {
    let blind = Policy { observed: Duration::from_secs(299), ..POLICY };
    assert_eq!(decide(&token(vec![open(Some(Duration::from_hours(9)))]), blind), Decision::ComeBack(LOOK_AGAIN));
    assert_eq!(decide(&token(vec![open(None)]), blind), Decision::LostAnswer(Uuid::from_u128(1)));
}

#[test]
fn an_unanswered_presentation_is_repeated_after_replay_after() {
    assert_eq!(decide(&token(vec![closed(1, Outcome::NoAnswer, 4)]), POLICY), seconds(6));
    assert_eq!(decide(&token(vec![closed(1, Outcome::NoAnswer, 10)]), POLICY), present(2));
}

#[test]
fn a_useless_answer_is_over_and_repeated_after_a_second() {
    let useless = |ago| Presentation { travelling: false, ..closed(1, Outcome::NoAnswer, ago) };
    assert_eq!(decide(&token(vec![useless(0)]), POLICY), seconds(1));
    assert_eq!(decide(&token(vec![useless(1)]), POLICY), present(2));
}

#[test]
fn two_unanswered_in_a_row_back_off_by_minutes_then_hours() {
    let silent = |count: i64| (1..=count).rev().map(|number| closed(number, Outcome::NoAnswer, 0)).collect();
    let waits: Vec<_> = [2, 3, 4, 8, 40].map(|count| decide(&token(silent(count)), POLICY)).into();
    assert_eq!(waits, [seconds(60), seconds(120), seconds(240), seconds(3840), seconds(4 * 3600)]);
}

#[test]
fn an_answer_ends_the_row_of_silences_and_a_request_never_sent_does_not() {
    let ledger =
        |middle| vec![closed(3, Outcome::NoAnswer, 5), closed(2, middle, 20), closed(1, Outcome::NoAnswer, 40)];
    assert_eq!(decide(&token(ledger(Outcome::Refused)), POLICY), seconds(5));
    assert_eq!(decide(&token(ledger(Outcome::NotSent)), POLICY), seconds(55));
    let latest_not_sent = vec![closed(2, Outcome::NotSent, 0), closed(1, Outcome::NoAnswer, 3)];
    assert_eq!(decide(&token(latest_not_sent), POLICY), seconds(7));
}

#[test]
fn what_a_refusal_would_mean_is_known_before() {
    let means = |token| match decide(&token, POLICY) {
        Decision::Present { if_dead, .. } => if_dead,
        other => panic!("{other:?}"),
    };
    let past = Some(now() - TimeDelta::seconds(1));
    assert_eq!(means(token(vec![])), DeadReason::Rejected);
    assert_eq!(means(ClaimedToken { expires_at: past, ..token(vec![]) }), DeadReason::Expired);
    assert_eq!(means(ClaimedToken { expires_at: past, answer_lost: true, ..token(vec![]) }), DeadReason::AnswerLost);
}

fn any_presentation() -> impl Strategy<Value = (Option<Outcome>, bool, i64, Option<u64>)> {
    let outcome = prop::option::weighted(
        0.9,
        prop::sample::select(vec![Outcome::NotSent, Outcome::Refused, Outcome::NoAnswer, Outcome::Unchanged]),
    );
    (outcome, any::<bool>(), 0..20_000_i64, prop::option::of(0..600_u64))
}

proptest! {
    /// Never two requests in the air, and never a number twice: whatever the ledger, a presentation comes only where
    /// none is open, and its number is new.
    #[test]
    fn nothing_is_presented_beside_an_open_intent(ledger in prop::collection::vec(any_presentation(), 0..6)) {
        let count = i64::try_from(ledger.len()).unwrap();
        let presentations: Vec<_> = ledger
            .into_iter()
            .zip(0..)
            .map(|((outcome, travelling, ago, silent), at)| Presentation {
                outcome,
                travelling,
                closed_at: outcome.map(|_| now() - TimeDelta::seconds(ago)),
                holder_silent: silent.map(Duration::from_secs),
                ..closed(count - at, Outcome::NoAnswer, 0)
            })
            .collect();
        let any_open = presentations.iter().any(|presentation| presentation.outcome.is_none());
        match decide(&token(presentations), POLICY) {
            Decision::Present { presentation, .. } => {
                prop_assert!(!any_open);
                prop_assert_eq!(presentation, count + 1);
            }
            Decision::LostAnswer(_) => prop_assert!(any_open),
            Decision::ComeBack(wait) => prop_assert!(!wait.is_zero() && wait <= LONGEST_BACK_OFF),
            Decision::Unusable(why) => prop_assert!(false, "{:?}", why),
        }
    }
}
