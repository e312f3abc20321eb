//! A year of sweeps, with the clock as a parameter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use klarna_order_worker::ids::UserKey;
use klarna_order_worker::token::TokenState;
use klarna_sandbox::{Behaviour, EndpointBehaviour, Failure, Sandbox, SandboxOptions, SignIn, What};

use super::{DAY, Process, sign_in};
use crate::support::stores::{Db, on_postgres_within, on_sqlite_within};
use crate::vault::Shop;

/// Returns the number of tokens. `KLARNA_WORKER_TEST_YEAR=10000` sets the full number, which takes
/// minutes.
fn tokens(otherwise: usize) -> usize {
    let asked = std::env::var("KLARNA_WORKER_TEST_YEAR").ok();
    asked.map_or(otherwise, |tokens| tokens.parse().expect("KLARNA_WORKER_TEST_YEAR is a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    on_sqlite_within(LIMIT, |db| a_year(db, tokens(150))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    on_postgres_within(LIMIT, |db| a_year(db, tokens(100))).await;
}

/// A time limit that is long enough for the full number.
const LIMIT: Duration = Duration::from_hours(2);
/// The time between two sweeps.
const BETWEEN: Duration = Duration::from_hours(12);
/// The days on which the token endpoint is down.
const AWAY: std::ops::Range<u32> = 200..207;

async fn a_year(db: Db, tokens: usize) {
    let options = SandboxOptions { record: true, ..SandboxOptions::default() };
    let now = db.clock.clone();
    let sandbox = Sandbox::start(options, klarna_sandbox::Clock::from_fn(move || now.now())).await.unwrap();
    let mut shop = Shop::new(&db, sandbox.url());
    let mut merchant = (*shop.merchant).clone();
    merchant.token_url = format!("{}/eu/lp/idp/oauth2/token", sandbox.url()).parse().unwrap();
    merchant.token_rate_per_second = 100_000.0;
    shop.merchant = Arc::new(merchant);

    let user = |number: usize| format!("u-{number}");
    let start = db.clock.now();
    for number in 0..tokens {
        let signed_in = sandbox.admin().sign_in(SignIn { user: user(number), ..SignIn::default() });
        sign_in(&shop, &user(number), &signed_in.refresh_token, Duration::ZERO).await;
    }
    // The due dates of the import are spread evenly.
    assert_even(&db, tokens).await;

    let mut process = Process::start(&shop).await;
    let mut revoked = BTreeSet::new();
    for day in 0..365_u32 {
        // Two percent of the users withdraw consent, over the year.
        let number = usize::try_from(day).unwrap() * tokens / 365;
        if number.is_multiple_of(50) && revoked.insert(user(number)) {
            assert_eq!(sandbox.admin().revoke(&user(number)), 1);
        }
        if day == AWAY.start {
            let token = EndpointBehaviour {
                failure_rate: 1.0,
                failures: vec![Failure::Unavailable],
                ..EndpointBehaviour::default()
            };
            sandbox.admin().behave(Behaviour { token, ..Behaviour::default() }).unwrap();
        }
        if day == AWAY.end {
            sandbox.admin().behave(Behaviour::default()).unwrap();
        }
        // Restarts, also after each day of the outage, because the circuit breaker uses the
        // machine's clock and not the test's.
        if day.is_multiple_of(30) || (AWAY.start..=AWAY.end + 1).contains(&day) {
            process = Process::start(&shop).await;
        }
        for _ in 0..2 {
            db.clock.advance(BETWEEN);
            process.sweep().await;
            assert_none_past_its_time(&db).await;
        }
    }

    let stats = sandbox.admin().stats();
    assert_eq!((stats.exchanges.spent_presented, stats.exchanges.concurrent), (0, 0), "{stats:?}");
    let mut noticed = 0;
    for number in 0..tokens {
        let (stands, ..) = shop.row(&user(number)).await;
        noticed += usize::from(stands == TokenState::ReauthRequired);
        let expected =
            if revoked.contains(&user(number)) { TokenState::ReauthRequired } else { TokenState::Active };
        // A token that was revoked in the last weeks may not have been due yet.
        assert!(
            stands == expected || stands == TokenState::Active && revoked.contains(&user(number)),
            "{number}"
        );
    }
    assert!(noticed > 0, "nobody noticed a withdrawal");
    assert_between_day_30_and_40(&sandbox, start);
    sandbox.shutdown().await;
}

async fn assert_even(db: &Db, tokens: usize) {
    let due = db.raw().await.column("refresh_due_at FROM tokens").await;
    assert_eq!(due.len(), tokens);
    let now = db.clock.now();
    let mut days = [0_usize; 10];
    for number in 0..tokens {
        let view = db.store.token(&UserKey::new("shop", format!("u-{number}"))).await.unwrap().unwrap();
        let day = (view.refresh_due_at.unwrap() - now).num_days();
        assert!((30..=40).contains(&day), "{day}");
        days[usize::try_from(day - 30).unwrap().min(9)] += 1;
    }
    let even = tokens / 10;
    // Within a quarter, for a thousand tokens a day; with fewer tokens the spread is larger.
    let (least, most) =
        if tokens >= 10_000 { (even * 3 / 4, even * 5 / 4) } else { (even / 2, even * 3 / 2) };
    assert!(days.iter().all(|count| (least..=most).contains(count)), "{days:?}");
}

async fn assert_none_past_its_time(db: &Db) {
    let expired = db.store.token_counts(None).await.unwrap();
    let expired =
        expired.iter().filter(|count| count.days == Some(-1)).map(|count| count.tokens).sum::<u64>();
    assert_eq!(expired, 0, "{}", db.clock.now());
}

/// Checks that every rotation came 30 to 40 days after the previous one, except those that the
/// outage delayed.
fn assert_between_day_30_and_40(sandbox: &Sandbox, start: DateTime<Utc>) {
    let mut last = BTreeMap::<String, (DateTime<Utc>, Duration)>::new();
    let mut late = 0;
    for event in sandbox.admin().record() {
        let Some(user) = event.user else { continue };
        let granted = match event.what {
            What::SignedIn => true,
            What::Presented { outcome: Some(outcome), .. } => outcome.is_granted(),
            _ => false,
        };
        if !granted {
            continue;
        }
        let before = last.get(&user).copied();
        let age = before.map_or(Duration::ZERO, |(at, _)| (event.at - at).to_std().unwrap());
        last.insert(user, (event.at, age));
        if let Some((_, earlier)) = before {
            let day = u32::try_from((event.at - start).num_days()).unwrap();
            let held_back = (AWAY.start..AWAY.end + 2).contains(&day);
            assert!(age >= 30 * DAY, "{age:?}");
            assert!(age <= 40 * DAY + BETWEEN || held_back, "{age:?} on day {day}");
            // The hash of the user is constant, so without the outage the interval would be the
            // same.
            late += u32::from(!earlier.is_zero() && age > earlier + DAY);
        }
    }
    assert!(late > 0, "the outage held nobody back");
}
