use chrono::DateTime;

use super::circuit::{FAILURES, FIRST_PAUSE};
use super::*;

fn breakers() -> CircuitBreakers {
    CircuitBreakers::new(
        Endpoint::Token,
        Arc::new(BTreeMap::from([(shop(), 1_000_000.0), (other(), 1_000_000.0)])),
    )
}

fn shop() -> MerchantName {
    "shop".into()
}

fn other() -> MerchantName {
    "other".into()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn call(breakers: &CircuitBreakers, report: CallOutcome, now: Duration) {
    breakers.admit(&shop(), now).unwrap_or_else(|_| panic!("calls must wait")).report(report, now);
}

fn failure() -> CallOutcome {
    CallOutcome::Failed { cause: Cause::new("HTTP 503"), retry_after: None }
}

fn opened() -> CircuitBreakers {
    let breakers = breakers();
    (0..FAILURES).for_each(|_| call(&breakers, failure(), seconds(10)));
    breakers
}

#[test]
fn failures_in_a_row_open_it_for_that_merchant_alone() {
    let breakers = opened();
    assert_eq!(breakers.admit(&shop(), seconds(10)).err(), Some(FIRST_PAUSE));
    assert_eq!(breakers.open_for(&shop(), seconds(40)), Some(seconds(30)));
    assert!(breakers.admit(&other(), seconds(10)).is_ok());
    assert_eq!(
        breakers.why(&shop(), seconds(10)).what,
        "Circuit breaker open for token: HTTP 503, 5 failures in a row"
    );
    assert_eq!(breakers.states(seconds(10))["shop"], BreakerState::Open);
}

#[test]
fn a_cause_is_short_whatever_the_endpoint_said() {
    let breakers = breakers();
    let long = CallOutcome::Failed { cause: Cause::new("é".repeat(100_000)), retry_after: None };
    (0..FAILURES).for_each(|_| call(&breakers, long.clone(), seconds(10)));
    let view = breakers.view(seconds(10));
    let trouble = view.iter().find_map(|breaker| breaker.trouble.as_ref()).unwrap();
    assert_eq!(trouble.cause, format!("{}…, 5 failures in a row", "é".repeat(500)));
}

#[test]
fn an_answer_in_between_starts_the_count_anew() {
    let breakers = breakers();
    for report in [failure(), failure(), failure(), failure(), CallOutcome::Answered, failure()] {
        call(&breakers, report, seconds(10));
    }
    assert_eq!(breakers.states(seconds(12))["shop"], BreakerState::Closed);
}

#[test]
fn one_users_refusals_open_nothing_and_three_users_do() {
    let breakers = breakers();
    let what = || Cause::new("HTTP 401").of_kind(CauseKind::Status(401));
    let refused = |user: &str| CallOutcome::Misconfigured { user: user.into(), what: what() };
    (0..10).for_each(|_| call(&breakers, refused("u-1"), seconds(1)));
    assert_eq!(breakers.states(seconds(1))["shop"], BreakerState::Closed);
    call(&breakers, refused("u-2"), seconds(1));
    call(&breakers, refused("u-3"), seconds(1));
    assert_eq!(
        breakers.why(&shop(), seconds(1)).what,
        "Circuit breaker open for token: Klarna refused the merchant's settings: HTTP 401"
    );
    assert_eq!(breakers.why(&shop(), seconds(1)).kind, Some(CauseKind::Status(401)));
    assert_eq!(breakers.states(seconds(1))["shop"], BreakerState::Open);
}

#[test]
fn one_probe_at_a_time_and_its_answer_closes() {
    let breakers = opened();
    let probe = breakers.admit(&shop(), seconds(11)).ok().unwrap();
    assert!(breakers.admit(&shop(), seconds(11)).is_err());
    assert_eq!(breakers.states(seconds(12))["shop"], BreakerState::Probing);
    probe.report(CallOutcome::Answered, seconds(12));
    assert_eq!(
        (breakers.states(seconds(12))["shop"], breakers.open_for(&shop(), seconds(12))),
        (BreakerState::Closed, None)
    );
    assert!(breakers.admit(&shop(), seconds(12)).is_ok());
}

#[test]
fn a_failed_probe_doubles_the_pause_up_to_a_minute() {
    let breakers = opened();
    let mut now = seconds(10);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        now += breakers.wait(&shop(), now).unwrap();
        call(&breakers, failure(), now);
        pauses.push(breakers.wait(&shop(), now).unwrap().as_secs());
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(breakers.open_for(&shop(), now), now.checked_sub(seconds(10)));
}

#[test]
fn the_longest_pause_is_the_merchants_and_a_reload_changes_it() {
    let rates = Arc::new(Changing::new([(shop(), 1000.0)], seconds(3)));
    let breakers = CircuitBreakers::new(Endpoint::Token, Arc::clone(&rates) as Arc<dyn Rates>);
    (0..FAILURES).for_each(|_| call(&breakers, failure(), seconds(10)));
    let mut now = seconds(10);
    let mut pauses = Vec::new();
    for round in 0..6 {
        if round == 4 {
            *rates.longest_pause.lock().unwrap() = seconds(5);
        }
        now += breakers.wait(&shop(), now).unwrap();
        call(&breakers, failure(), now);
        pauses.push(breakers.wait(&shop(), now).unwrap().as_secs());
    }
    assert_eq!(pauses, [2, 3, 3, 3, 5, 5]);
}

#[test]
fn after_its_pause_it_is_half_open_until_a_call_comes() {
    let breakers = opened();
    let told = |now| {
        let view = breakers.view(now).into_iter().find(|breaker| breaker.merchant == shop()).unwrap();
        let state = breakers.states(now)[&shop()];
        assert_eq!(view.state, state);
        (state, view.trouble.map(|trouble| (trouble.open_for.as_secs(), trouble.next_try)))
    };
    assert_eq!(told(seconds(10)), (BreakerState::Open, Some((0, FIRST_PAUSE))));
    for later in [11, 3_600] {
        let told = told(seconds(later));
        assert_eq!(told, (BreakerState::HalfOpen, Some((later - 10, Duration::ZERO))), "{later}");
    }
    let probe = breakers.admit(&shop(), seconds(3_600)).ok().unwrap();
    assert_eq!(told(seconds(3_600)).0, BreakerState::Probing);
    probe.report(failure(), seconds(3_600));
    assert_eq!(told(seconds(3_600)).0, BreakerState::Open);
    // An operator's try ends the pause, and calls nothing.
    assert!(breakers.probe_now(&shop(), seconds(3_600)));
    assert_eq!(told(seconds(3_600)).0, BreakerState::HalfOpen);
    assert!(!breakers.probe_now(&shop(), seconds(3_600)), "no call waits any more");
    call(&breakers, CallOutcome::Answered, seconds(3_601));
    assert_eq!(told(seconds(3_601)), (BreakerState::Closed, None));
}

#[test]
fn a_probe_that_sent_nothing_lets_the_next_one_probe() {
    let breakers = opened();
    drop(breakers.admit(&shop(), seconds(11)));
    assert!(breakers.admit(&shop(), seconds(11)).is_ok());
}

#[test]
fn a_late_answer_from_before_the_opening_does_not_close() {
    let breakers = breakers();
    let early = breakers.admit(&shop(), seconds(1)).ok().unwrap();
    (0..FAILURES).for_each(|_| call(&breakers, failure(), seconds(2)));
    early.report(CallOutcome::Answered, seconds(2));
    assert_eq!(breakers.states(seconds(2))["shop"], BreakerState::Open);
}

#[test]
fn pauses_that_everybody_is_asked_for_open_it() {
    let breakers = breakers();
    // In flight together, so that none knew of the other's answer.
    let permits: Vec<_> = (0..FAILURES).map(|_| breakers.admit(&shop(), seconds(10)).ok().unwrap()).collect();
    for permit in permits {
        permit.report(CallOutcome::Throttled(seconds(30)), seconds(10));
    }
    assert_eq!(breakers.states(seconds(10))[&shop()], BreakerState::Open);
    assert_eq!(breakers.open_for(&shop(), seconds(25)), Some(seconds(15)));
    assert_eq!(breakers.wait(&shop(), seconds(15)), Some(seconds(25)));
    call(&breakers, CallOutcome::Answered, seconds(40));
    assert_eq!(breakers.states(seconds(10))[&shop()], BreakerState::Closed);
}

#[test]
fn what_the_endpoint_asks_for_is_obeyed() {
    let breakers = breakers();
    call(&breakers, CallOutcome::Throttled(seconds(30)), seconds(10));
    assert_eq!(breakers.admit(&shop(), seconds(15)).err(), Some(seconds(25)));
    let asked = Cause::new("Klarna asked for a pause of token calls").of_kind(CauseKind::AskedToWait);
    assert_eq!(breakers.why(&shop(), seconds(15)), asked);
    let limited = Cause::new("Rate limit reached for token calls").of_kind(CauseKind::RateLimit);
    assert_eq!(breakers.why(&shop(), seconds(40)), limited);
    assert!(breakers.admit(&shop(), seconds(40)).is_ok());
    assert_eq!(breakers.states(seconds(12))["shop"], BreakerState::Closed);
}

#[test]
fn after_a_reload_an_open_breaker_tries_a_call_at_once() {
    let breakers = opened();
    breakers.try_now();
    let probe = breakers.admit(&shop(), seconds(10)).ok().unwrap();
    assert!(breakers.admit(&shop(), seconds(10)).is_err(), "one alone");
    probe.report(CallOutcome::Answered, seconds(10));
    assert_eq!(breakers.states(seconds(12))["shop"], BreakerState::Closed);
    // Not while the endpoint asked for a pause.
    let pause = CallOutcome::Failed { cause: Cause::new("HTTP 503"), retry_after: Some(seconds(60)) };
    let calls: Vec<_> = (0..FAILURES).map(|_| breakers.admit(&shop(), seconds(10)).ok().unwrap()).collect();
    for call in calls {
        call.report(pause.clone(), seconds(10));
    }
    breakers.try_now();
    assert_eq!(breakers.admit(&shop(), seconds(11)).err(), Some(seconds(59)));
}

#[test]
fn an_operators_probe_is_one_call_also_if_klarna_asked_for_a_pause() {
    let breakers = breakers();
    assert!(!breakers.probe_now(&shop(), seconds(10)), "nothing waits");
    call(&breakers, CallOutcome::Throttled(seconds(3600)), seconds(10));
    assert!(breakers.any_waits(seconds(20)) && breakers.admit(&shop(), seconds(20)).is_err());
    assert!(breakers.probe_now(&shop(), seconds(20)));
    let probe = breakers.admit(&shop(), seconds(20)).ok().unwrap();
    assert!(breakers.admit(&shop(), seconds(20)).is_err(), "one alone");
    assert!(!breakers.probe_now(&shop(), seconds(20)), "it is being tried");
    probe.report(CallOutcome::Answered, seconds(21));
    assert!(breakers.admit(&shop(), seconds(21)).is_ok() && !breakers.any_waits(seconds(21)));

    // A probe that is refused waits as long as it is asked to.
    call(&breakers, CallOutcome::Throttled(seconds(3600)), seconds(30));
    assert!(breakers.probe_now(&shop(), seconds(40)));
    call(&breakers, CallOutcome::Throttled(seconds(600)), seconds(40));
    assert_eq!(breakers.wait(&shop(), seconds(40)), Some(seconds(600)));
    assert!(!breakers.probe_now(&other(), seconds(40)), "of that merchant alone");
}

#[test]
fn calls_wait_for_klarnas_next_interval_when_its_limit_is_used_up() {
    let breakers = breakers();
    let used_up = |limit, wait| UsedUp { limit, wait: seconds(wait) };
    let permit = breakers.admit(&shop(), seconds(10)).ok().unwrap();
    permit.used_up(&used_up(Some(40), 30), seconds(10));
    permit.report(CallOutcome::Answered, seconds(10));
    assert_eq!(breakers.admit(&shop(), seconds(11)).err(), Some(seconds(29)));
    let limited = Cause::new("Klarna's limit of token calls is used up (40)").of_kind(CauseKind::RateLimit);
    assert_eq!(breakers.why(&shop(), seconds(11)), limited);
    let told = breakers.view(seconds(11));
    let told: Vec<_> = told.iter().filter_map(|view| Some((view.state, view.trouble.clone()?))).collect();
    let cause = "Klarna's limit of calls is used up (40)".to_owned();
    let trouble = Trouble { cause, open_for: seconds(1), next_try: seconds(29) };
    assert_eq!(told, [(BreakerState::Closed, trouble)]);
    assert!(breakers.admit(&other(), seconds(11)).is_ok());
    // The last second is waited for with the permit, and nobody is told.
    assert_eq!(breakers.wait(&shop(), seconds(39)), None);
    assert_eq!(breakers.admit(&shop(), seconds(39)).ok().unwrap().hold, seconds(1));
    assert_eq!(breakers.view(seconds(39))[1].trouble, None);
    // A shorter one ends no longer one.
    breakers.used_up(&other(), &used_up(None, 20), seconds(50));
    breakers.used_up(&other(), &used_up(None, 1), seconds(51));
    assert_eq!(breakers.wait(&other(), seconds(51)), Some(seconds(19)));
    // It counts as no failure.
    (0..9).for_each(|_| breakers.used_up(&shop(), &used_up(None, 0), seconds(50)));
    assert_eq!(breakers.admit(&shop(), seconds(50)).ok().unwrap().hold, Duration::ZERO);
}

/// Merchants, rates and a longest pause that change.
struct Changing {
    rates: Mutex<BTreeMap<MerchantName, f64>>,
    longest_pause: Mutex<Duration>,
}

impl Changing {
    fn new(rates: impl IntoIterator<Item = (MerchantName, f64)>, longest_pause: Duration) -> Self {
        Self { rates: Mutex::new(rates.into_iter().collect()), longest_pause: longest_pause.into() }
    }
}

impl Rates for Changing {
    fn rate(&self, merchant: &MerchantName) -> Option<f64> {
        self.rates.lock().unwrap().get(merchant).copied()
    }

    fn longest_pause(&self, _: &MerchantName) -> Duration {
        *self.longest_pause.lock().unwrap()
    }

    fn merchants(&self) -> Vec<MerchantName> {
        self.rates.lock().unwrap().keys().cloned().collect()
    }
}

#[test]
fn merchants_come_and_go_and_rates_change() {
    let rates = Arc::new(Changing::new([(shop(), 1.0)], seconds(60)));
    let breakers = CircuitBreakers::new(Endpoint::Token, Arc::clone(&rates) as Arc<dyn Rates>);
    let admitted =
        |merchant: &MerchantName, at| (0..9).filter(|_| breakers.admit(merchant, at).is_ok()).count();
    assert_eq!(admitted(&shop(), seconds(10)), 2, "one at once, and one a second later");
    rates.rates.lock().unwrap().extend([(shop(), 1000.0), (other(), 1000.0)]);
    assert_eq!((admitted(&shop(), seconds(20)), admitted(&other(), seconds(20))), (9, 9));
    let in_flight = breakers.admit(&other(), seconds(20)).ok().unwrap();
    rates.rates.lock().unwrap().remove(&other());
    in_flight.report(failure(), seconds(20));
    assert_eq!(breakers.states(seconds(12)).keys().collect::<Vec<_>>(), [&shop()]);
}

/// The others still make its calls too until they have heard of it.
#[test]
fn a_process_that_joins_others_makes_no_call_in_its_first_moments() {
    let breakers = CircuitBreakers::new(Endpoint::Token, Arc::new(BTreeMap::from([(shop(), 10.0)])));
    let (begun, first_call) = (seconds(10), seconds(10) + Duration::from_millis(500));
    breakers.join(2, first_call);
    let hold = |now: Duration| breakers.admit(&shop(), now).map(|permit| permit.hold).ok();
    assert_eq!(hold(begun), Some(Duration::from_millis(500)));
    // Nor one that the database has handed out.
    let permit = breakers.admit(&shop(), begun).unwrap_or_else(|_| panic!("it waits"));
    let handed_out = begun + Duration::from_millis(100);
    breakers.lease(&shop(), 5, handed_out);
    assert!(!permit.takes_leased(handed_out) && permit.takes_leased(first_call));
    // Then it has its equal share, five calls a second.
    let later = seconds(20);
    assert_eq!([hold(later), hold(later)], [Some(Duration::ZERO); 2]);
    let longest = (0..20).filter_map(|_| hold(later)).max();
    assert!(longest > Some(Duration::from_millis(500)), "{longest:?}");
}

#[test]
fn a_wait_names_the_kind_of_the_failure_and_an_error_all_of_it() {
    let breakers = breakers();
    let cause =
        Cause::new("no answer").with("timed out after sending".to_owned()).of_kind(CauseKind::NoAnswer);
    let failed = CallOutcome::Failed { cause, retry_after: None };
    (0..FAILURES).for_each(|_| call(&breakers, failed.clone(), seconds(10)));
    assert_eq!(
        breakers.why(&shop(), seconds(10)).what,
        "Circuit breaker open for token: no answer: timed out after sending, 5 failures in a row"
    );
    assert_eq!(breakers.why(&shop(), seconds(10)).kind, Some(CauseKind::NoAnswer));
    assert_eq!(breakers.waits_for(&shop(), seconds(10)), "the circuit breaker of token (no answer)");
}

#[test]
fn breakers_of_a_newer_program_are_left_out() {
    let told =
        opened().view(seconds(10)).iter().find_map(|breaker| breaker.waiting(DateTime::UNIX_EPOCH)).unwrap();
    let mut newer = serde_json::to_value(&told).unwrap();
    newer["endpoint"] = "refunds".into();
    let json = serde_json::to_string(&[newer, serde_json::to_value(&told).unwrap()]).unwrap();
    assert_eq!(WaitingBreaker::known(&json), [told]);
    assert_eq!(WaitingBreaker::known("{"), []);
}
