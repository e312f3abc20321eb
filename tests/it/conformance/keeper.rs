//! Storage for the keeper.

use std::time::Duration;

use chrono::TimeDelta;
use klarna_order_worker::ids::{TokenId, TokenVersion, UserKey};
use klarna_order_worker::store::{DueCursor, DueDate, DueFilter, PlanFilter, TokenFilter, Worker};
use klarna_order_worker::token::{NewToken, Note, Registered, SignIn, TokenState};
use uuid::Uuid;

use super::tokens::{end, intended, new_token, register, successor, view};
use crate::support::stores::{Db, both_engines};

both_engines!(
    what_is_due_comes_by_day_of_expiry_then_by_due_date,
    a_page_looks_at_few_tokens_whichever_merchants_are_wanted,
    a_token_that_cannot_be_read_stops_no_other,
    a_rotation_brings_a_new_date_and_death_takes_it,
    what_a_program_of_before_wrote_is_found_and_given_a_date,
    a_plan_leaves_what_waits_for_another_reason,
    a_late_note_changes_no_later_generation,
    only_orders_and_sign_ins_are_signs_of_life,
    the_idle_are_forgotten_in_any_state,
    an_unanswered_exchange_is_due_at_once,
    an_exchange_of_a_dead_holder_is_brought_forward,
    one_sweeps_at_a_time_and_a_dead_one_not_for_long,
    tokens_are_counted_by_state_and_days,
    tokens_that_expire_soon_are_listed,
);

const DAY: u64 = 86_400;

/// Registers a token that expires in `days` days and is due in `due` seconds.
async fn token(db: &Db, user: &str, days: i64, due: i64) {
    let now = db.clock.now();
    let byte = u8::try_from(db.count("tokens").await).unwrap();
    let token = NewToken {
        expires_at: now + TimeDelta::days(days),
        refresh_due_at: now + TimeDelta::seconds(due),
        ..new_token(db, user, byte)
    };
    assert!(matches!(db.store.register_token(&token).await.unwrap(), Registered::Stored(_)));
}

fn filter(db: &Db, after: Option<DueCursor>, limit: u32) -> DueFilter {
    DueFilter { by: db.clock.now(), merchant: None, except: Vec::new(), after, limit }
}

/// Returns the users with due tokens, read in pages of `limit`.
async fn due(db: &Db, limit: u32) -> Vec<String> {
    let pages = pages(db, filter(db, None, limit)).await;
    assert!(pages.iter().all(|page| page.len() <= limit as usize));
    pages.concat()
}

/// Returns the users of each page, from the filter's position to the end.
async fn pages(db: &Db, mut filter: DueFilter) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let page = db.store.due_tokens(&filter).await.unwrap();
        pages.push(page.tokens.into_iter().map(|token| token.user.into()).collect());
        if page.next.is_none() {
            return pages;
        }
        filter.after = page.next;
    }
}

async fn what_is_due_comes_by_day_of_expiry_then_by_due_date(db: Db) {
    assert!(due(&db, 10).await.is_empty());
    for (user, days, ago) in
        [("late", 40, 50), ("second", 3, 10), ("first", 3, 20), ("expired", -2, 5), ("later", 9, 99)]
    {
        token(&db, user, days, -ago).await;
    }
    token(&db, "not yet", 1, 1).await;
    let order = ["expired", "first", "second", "later", "late"];
    for limit in [1, 2, 3, 100] {
        assert_eq!(due(&db, limit).await, order, "in pages of {limit}");
    }
    let other = DueFilter { merchant: Some("other".into()), ..filter(&db, None, 10) };
    assert!(db.store.due_tokens(&other).await.unwrap().tokens.is_empty());
    let now = db.store.time().await.unwrap();
    assert_eq!(db.store.count_due(now).await.unwrap(), 5);
    assert_eq!(db.store.count_due(now + TimeDelta::seconds(1)).await.unwrap(), 6);
}

async fn a_page_looks_at_few_tokens_whichever_merchants_are_wanted(db: Db) {
    for (n, user) in (0..).zip(["aside-1", "wanted-1", "aside-2", "wanted-2", "aside-3"]) {
        token(&db, user, 3, n - 10).await;
    }
    token(&db, "wanted-3", 4, -1).await;
    db.execute("UPDATE tokens SET merchant = 'aside' WHERE user_id LIKE 'aside-%'").await;
    let except = DueFilter { except: vec!["aside".into()], ..filter(&db, None, 1) };
    let only = DueFilter { merchant: Some("shop".into()), ..filter(&db, None, 1) };
    for filter in [except, only] {
        // An empty page is not the end.
        let one_by_one: [&[&str]; 7] = [&[], &["wanted-1"], &[], &["wanted-2"], &[], &["wanted-3"], &[]];
        assert_eq!(pages(&db, filter.clone()).await, one_by_one, "{filter:?}");
        let in_fours: [&[&str]; 2] = [&["wanted-1", "wanted-2"], &["wanted-3"]];
        assert_eq!(pages(&db, DueFilter { limit: 4, ..filter.clone() }).await, in_fours, "{filter:?}");
    }
    let both =
        DueFilter { merchant: Some("aside".into()), except: vec!["aside".into()], ..filter(&db, None, 10) };
    assert!(pages(&db, both).await.concat().is_empty());
}

async fn a_token_that_cannot_be_read_stops_no_other(db: Db) {
    for (user, days) in [("broken", 1), ("absurd", 2), ("readable", 3)] {
        token(&db, user, days, -1).await;
    }
    let absurd = if db.is_sqlite() { "9000000000000000000" } else { "'290000-01-01'" };
    db.execute(&format!("UPDATE tokens SET expires_at = {absurd} WHERE user_id = 'absurd'")).await;
    if db.is_sqlite() {
        db.execute("UPDATE tokens SET user_id = CAST(x'ff' AS TEXT) WHERE user_id = 'broken'").await;
    } else {
        db.execute("DELETE FROM tokens WHERE user_id = 'broken'").await;
    }
    for limit in [1, 2, 10] {
        assert_eq!(due(&db, limit).await, ["readable", "absurd"], "in pages of {limit}");
    }
    db.execute("UPDATE tokens SET refresh_due_generation = NULL").await;
    for which in [PlanFilter::Undated, PlanFilter::All] {
        // The first page skips the row that cannot be read, and is not the end.
        let mut after = TokenId::START;
        let mut found = Vec::new();
        while let Some(token) = db.store.plannable_tokens(which, after, 1).await.unwrap().pop() {
            after = token.version.token;
            found.push((token.owner.user, token.expires_at));
        }
        let now = db.clock.now();
        assert_eq!(found, [("absurd".into(), now), ("readable".into(), now + TimeDelta::days(3))]);
    }
}

async fn a_rotation_brings_a_new_date_and_death_takes_it(db: Db) {
    token(&db, "u", 20, -1).await;
    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    claim.settle(&end(&db, &intent, successor(&db, 100))).await.unwrap();
    let rotated = view(&db, "u").await;
    assert_eq!(rotated.refresh_due_at, Some(db.clock.now() + TimeDelta::days(35)));
    assert!(due(&db, 10).await.is_empty());
    db.clock.advance(Duration::from_secs(35 * DAY));
    assert_eq!(due(&db, 10).await, ["u"]);

    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    let dead = klarna_order_worker::token::ExchangeResult::Rejected(
        klarna_order_worker::token::DeadReason::Rejected,
    );
    claim.settle(&end(&db, &intent, dead)).await.unwrap();
    assert_eq!(view(&db, "u").await.refresh_due_at, None);
    assert!(due(&db, 10).await.is_empty());
    register(&db, "u", 101).await;
    assert_eq!(view(&db, "u").await.refresh_due_at, Some(db.clock.now() + TimeDelta::days(35)));
    db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap();
    assert_eq!(view(&db, "u").await.refresh_due_at, None);
}

async fn what_a_program_of_before_wrote_is_found_and_given_a_date(db: Db) {
    token(&db, "new", 50, 10).await;
    token(&db, "rotated before", 50, -10).await;
    token(&db, "registered before", 50, -10).await;
    // A program without a keeper rotates tokens and sets no due dates.
    db.execute("UPDATE tokens SET generation = generation + 1 WHERE user_id = 'rotated before'").await;
    db.execute(
        "UPDATE tokens SET refresh_due_at = NULL, refresh_due_generation = NULL, last_seen_at = NULL
         WHERE user_id = 'registered before'",
    )
    .await;
    assert!(due(&db, 10).await.is_empty(), "a date of another generation is none");
    let undated = db.store.plannable_tokens(PlanFilter::Undated, TokenId::START, 1).await.unwrap();
    assert_eq!(undated[0].owner.user, "rotated before");
    let rest = db.store.plannable_tokens(PlanFilter::Undated, undated[0].version.token, 10).await.unwrap();
    assert_eq!(rest.iter().map(|token| token.owner.user.as_str()).collect::<Vec<_>>(), ["registered before"]);
    let due_at = db.clock.now() + TimeDelta::days(3);
    let dates: Vec<_> =
        undated.iter().chain(&rest).map(|token| DueDate { version: token.version, due_at }).collect();
    assert_eq!(db.store.set_due_dates(&dates).await.unwrap(), 2);
    assert!(db.store.plannable_tokens(PlanFilter::Undated, TokenId::START, 10).await.unwrap().is_empty());
    let view = view(&db, "registered before").await;
    assert_eq!((view.refresh_due_at, view.last_seen_at), (Some(due_at), Some(db.clock.now())));
    let version = TokenVersion { generation: dates[0].version.generation - 1, ..dates[0].version };
    let stale = DueDate { version, due_at: db.clock.now() };
    assert_eq!(db.store.set_due_dates(&[stale]).await.unwrap(), 0);
}

async fn a_plan_leaves_what_waits_for_another_reason(db: Db) {
    for user in ["plain", "failed", "idle"] {
        token(&db, user, 50, 10).await;
    }
    let all = db.store.plannable_tokens(PlanFilter::All, TokenId::START, 10).await.unwrap();
    let later = db.clock.now() + TimeDelta::hours(1);
    assert!(db.store.postpone(all[1].version, Some(later), 4, Note::Refused).await.unwrap());
    assert!(db.store.postpone(all[2].version, None, 0, Note::Idle).await.unwrap());
    let guess = new_token(&db, "guess", 50);
    let guess = NewToken { sign_in: SignIn::Unknown, refresh_due_at: db.clock.now(), ..guess };
    db.store.register_token(&guess).await.unwrap();
    let plannable = db.store.plannable_tokens(PlanFilter::All, TokenId::START, 10).await.unwrap();
    assert_eq!(
        plannable.iter().map(|token| token.owner.user.as_str()).collect::<Vec<_>>(),
        ["plain", "idle"]
    );
    let due_at = db.clock.now() + TimeDelta::days(1);
    let dates: Vec<_> = all.iter().map(|token| DueDate { version: token.version, due_at }).collect();
    assert_eq!(db.store.set_due_dates(&dates).await.unwrap(), 2, "asked again when it is written");
    let failed = view(&db, "failed").await;
    assert_eq!(
        (failed.refresh_due_at, failed.refresh_failures, failed.refresh_note),
        (Some(later), 4, Some(Note::Refused))
    );
    let idle = view(&db, "idle").await;
    assert_eq!((idle.refresh_due_at, idle.refresh_note), (Some(due_at), None));
}

async fn a_late_note_changes_no_later_generation(db: Db) {
    token(&db, "u", 20, -1).await;
    let old = db.store.due_tokens(&filter(&db, None, 1)).await.unwrap().tokens.remove(0);
    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    claim.settle(&end(&db, &intent, successor(&db, 100))).await.unwrap();
    let due_at = Some(db.clock.now());
    assert!(!db.store.postpone(old.version, due_at, 1, Note::Refused).await.unwrap());
    let view = view(&db, "u").await;
    assert_eq!((view.refresh_failures, view.refresh_note), (0, None));
}

async fn only_orders_and_sign_ins_are_signs_of_life(db: Db) {
    let signed_in = db.clock.now();
    register(&db, "u", 1).await;
    db.advance(1000);
    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    let by_keeper =
        klarna_order_worker::token::ExchangeEnd { cached: None, ..end(&db, &intent, successor(&db, 2)) };
    claim.settle(&by_keeper).await.unwrap();
    assert_eq!(view(&db, "u").await.last_seen_at, Some(signed_in));
    db.advance(1000);
    for unchanged in [false, true] {
        db.advance(1);
        let holder = db.begin_worker().await;
        let (claim, intent) = intended(&db, "u", holder).await;
        let result =
            if unchanged { klarna_order_worker::token::ExchangeResult::Unchanged } else { successor(&db, 3) };
        claim.settle(&end(&db, &intent, result)).await.unwrap();
        assert_eq!(view(&db, "u").await.last_seen_at, Some(db.clock.now()));
    }
    // Importing an old token does not count as seeing the user.
    let old = NewToken { issued_at: signed_in, ..new_token(&db, "u", 9) };
    db.store.register_token(&old).await.unwrap();
    assert_eq!(view(&db, "u").await.last_seen_at, Some(db.clock.now()));
}

async fn the_idle_are_forgotten_in_any_state(db: Db) {
    for (byte, user) in (1..).zip(["active", "dead", "uncertain", "fresh"]) {
        register(&db, user, byte).await;
    }
    db.execute("UPDATE tokens SET state = 'reauth_required', reason = 'rejected' WHERE user_id = 'dead'")
        .await;
    db.execute("UPDATE tokens SET state = 'uncertain' WHERE user_id = 'uncertain'").await;
    db.advance(100);
    register(&db, "fresh", 50).await;
    let idle = Duration::from_secs(100);
    assert_eq!(db.store.forget_idle(idle, 10).await.unwrap(), 0, "not a moment too early");
    db.advance(1);
    assert_eq!(db.store.forget_idle(idle, 2).await.unwrap(), 2);
    assert_eq!(db.store.forget_idle(idle, 2).await.unwrap(), 1);
    assert_eq!(db.store.forget_idle(idle, 2).await.unwrap(), 0);
    assert_eq!(db.count("tokens WHERE sealed IS NOT NULL").await, 1);
    assert_eq!(db.count("tokens WHERE signed_in_at IS NOT NULL").await, 1);
    let (forgotten, fresh) = (view(&db, "dead").await, view(&db, "fresh").await);
    assert_eq!((forgotten.state, forgotten.generation), (TokenState::Forgotten, 2));
    assert_eq!((fresh.state, fresh.generation), (TokenState::Active, 2));
}

async fn an_unanswered_exchange_is_due_at_once(db: Db) {
    token(&db, "u", 50, 1000).await;
    let holder = db.begin_worker().await;
    let (claim, intent) = intended(&db, "u", holder).await;
    let silent = klarna_order_worker::token::ExchangeResult::NoAnswer { travelling: true, hold: false };
    claim.settle(&end(&db, &intent, silent)).await.unwrap();
    let view = view(&db, "u").await;
    assert_eq!((view.refresh_due_at, view.refresh_note), (Some(db.clock.now()), Some(Note::NoAnswer)));
    assert_eq!(due(&db, 10).await, ["u"]);
}

async fn an_exchange_of_a_dead_holder_is_brought_forward(db: Db) {
    for user in ["held", "silent", "gone"] {
        token(&db, user, 50, 1000).await;
    }
    let (living, silent, gone) = (db.begin_worker().await, db.begin_worker().await, db.begin_worker().await);
    for (user, holder) in [("held", living), ("silent", silent), ("gone", gone)] {
        drop(intended(&db, user, holder).await);
    }
    db.store.end_worker(gone).await.unwrap();
    let watched: Vec<_> =
        db.store.heartbeats().await.unwrap().into_iter().map(|worker| worker.count).collect();
    assert_eq!(watched.len(), 2);
    db.advance(600);
    db.store.heartbeat(living).await.unwrap();
    assert_eq!(db.store.bring_forward(&[]).await.unwrap(), 1);
    assert_eq!(due(&db, 10).await, ["gone"]);
    assert_eq!(db.store.bring_forward(&watched).await.unwrap(), 2);
    let mut users = due(&db, 10).await;
    users.sort();
    assert_eq!(users, ["gone", "silent"]);
}

async fn one_sweeps_at_a_time_and_a_dead_one_not_for_long(db: Db) {
    let hold = Duration::from_secs(30);
    let first = Worker { id: Uuid::now_v7().into(), instance: Uuid::new_v4().into(), name: "host/7".into() };
    db.store.begin_worker(&first).await.unwrap();
    let second = db.begin_worker().await;
    assert_eq!(db.store.last_sweep().await.unwrap(), klarna_order_worker::store::LastSweep::default());
    assert!(db.store.take_sweep(first.id, hold).await.unwrap());
    assert!(!db.store.take_sweep(second, hold).await.unwrap());
    assert_eq!(db.store.last_sweep().await.unwrap().sweeper.as_deref(), Some("host/7"));

    // The lease lasts if it is renewed, and expires if not.
    db.advance(29);
    assert!(db.store.renew_sweep(first.id, hold).await.unwrap());
    db.advance(29);
    assert!(!db.store.take_sweep(second, hold).await.unwrap());
    db.advance(2);
    assert!(db.store.take_sweep(second, hold).await.unwrap());
    assert!(!db.store.renew_sweep(first.id, hold).await.unwrap());
    db.store.end_sweep(first.id, true).await.unwrap();
    assert_eq!(db.store.last_sweep().await.unwrap().ended_at, None, "it was another's");

    // A worker that is recorded as ended loses the lease.
    db.store.end_worker(second).await.unwrap();
    assert!(db.store.take_sweep(first.id, hold).await.unwrap());
    db.store.end_sweep(first.id, false).await.unwrap();
    assert_eq!(db.store.last_sweep().await.unwrap().ended_at, None, "it was cut off");
    assert!(db.store.take_sweep(first.id, hold).await.unwrap());
    db.store.end_sweep(first.id, true).await.unwrap();
    let last = db.store.last_sweep().await.unwrap();
    assert_eq!((last.ended_at, last.sweeper), (Some(db.clock.now()), None));
}

async fn tokens_are_counted_by_state_and_days(db: Db) {
    for (user, days) in [("a", 3), ("b", 3), ("c", 59), ("expired", -1)] {
        token(&db, user, days, 0).await;
    }
    register(&db, "dead", 200).await;
    db.execute("UPDATE tokens SET state = 'reauth_required', reason = 'rejected' WHERE user_id = 'dead'")
        .await;
    db.advance(1);
    let counts = db.store.token_counts(None).await.unwrap();
    let mut counts: Vec<_> =
        counts.iter().map(|count| (count.state.as_str(), count.days, count.tokens)).collect();
    counts.sort_unstable();
    let expected = [
        ("active", Some(-1), 1),
        ("active", Some(2), 2),
        ("active", Some(58), 1),
        ("reauth_required", None, 1),
    ];
    assert_eq!(counts, expected);
    assert!(db.store.token_counts(Some(&"other".into())).await.unwrap().is_empty());
}

async fn tokens_that_expire_soon_are_listed(db: Db) {
    for (user, days) in [("soon", 6), ("later", 8), ("expired", -1)] {
        token(&db, user, days, 0).await;
    }
    let filter = TokenFilter {
        expiring_within: Some(Duration::from_secs(7 * DAY)),
        limit: 10,
        ..TokenFilter::default()
    };
    let users: Vec<_> = db.store.tokens(&filter).await.unwrap().into_iter().map(|token| token.user).collect();
    assert_eq!(users, ["expired", "soon"]);
}
