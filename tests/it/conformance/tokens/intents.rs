//! Claims and intents.

use klarna_order_worker::config::LostAnswer;
use klarna_order_worker::ids::{PresentationNumber, TokenVersion, UserKey};
use klarna_order_worker::store::ClaimAttempt;
use klarna_order_worker::token::{
    ExchangeResult, Intended, Intent, Outcome, Purpose, PurposeKind, TokenState,
};
use uuid::Uuid;

use super::{cached, claim, end, intended, intent, outcome, provider, register, row, successor};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_user_without_a_row_has_nothing_to_claim,
    a_claim_reads_the_row_and_the_ledger_of_its_generation,
    the_next_claim_sees_what_the_last_one_stored,
    an_intent_of_another_generation_is_refused,
    an_intent_for_a_token_that_is_no_longer_active_is_refused,
    intents_of_many_tokens_at_once_are_each_answered,
    a_presentation_is_taken_once,
    a_holder_written_down_as_dead_intends_nothing,
    an_intent_renews_its_holders_beat,
    open_intents_are_those_of_the_holder,
    a_voided_intent_can_never_be_written,
    voiding_closes_an_open_intent_and_no_other,
    voiding_gives_way_to_another_exchange_in_its_place,
    an_orphan_is_closed_as_unanswered,
    an_orphan_held_leaves_the_token_to_an_operator,
    closing_an_orphan_touches_nothing_that_moved_on,
];

async fn a_user_without_a_row_has_nothing_to_claim(db: Db) {
    register(&db, "u", 1).await;
    for (merchant, user) in [("shop", "v"), ("other", "u")] {
        assert!(matches!(
            db.store.claim_token(&UserKey::new(merchant, user), provider()).await.unwrap(),
            ClaimAttempt::Missing
        ));
    }
    // The token is not locked afterwards.
    claim(&*db.store, "u").await.release().await;
    register(&db, "v", 1).await;
}

async fn a_claim_reads_the_row_and_the_ledger_of_its_generation(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (first_claim, first) = intended(&db, "u", holder).await;
    let travelling = ExchangeResult::NoAnswer { travelling: true, hold: false };
    first_claim.settle(&end(&db, &first, travelling)).await.unwrap();
    let first_closed = db.clock.now();
    db.advance(60);
    let (second_claim, second) = intended(&db, "u", holder).await;
    second_claim.release().await;
    db.advance(7);

    let claim = claim(&*db.store, "u").await;
    let token = claim.token();
    assert_eq!((token.version.generation, token.state, token.reason), (1, TokenState::Active, None));
    assert_eq!(
        (token.sealed.as_deref(), token.answer_lost, token.now),
        (Some(&[1][..]), true, db.clock.now())
    );
    let [open, closed] = &token.presentations[..] else { panic!("{token:?}") };
    assert_eq!(
        (open.exchange, open.number, open.outcome, open.closed_at),
        (second.exchange, PresentationNumber(2), None, None)
    );
    assert_eq!((open.holder, open.holder_heartbeats), (holder, Some(heartbeats(&db).await)));
    assert_eq!(
        (closed.exchange, closed.number, closed.travelling),
        (first.exchange, PresentationNumber::FIRST, true)
    );
    assert_eq!((closed.outcome, closed.closed_at), (Some(Outcome::NoAnswer), Some(first_closed)));
    claim.release().await;

    db.store.end_worker(holder).await.unwrap();
    let claim = super::claim(&*db.store, "u").await;
    assert!(claim.token().presentations.iter().all(|presentation| presentation.holder_heartbeats.is_none()));
    claim.release().await;
}

async fn the_next_claim_sees_what_the_last_one_stored(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    for generation in 1..=3 {
        let (claim, intent) = intended(&db, "u", holder).await;
        assert_eq!(
            (claim.token().version.generation, intent.presentation),
            (generation, PresentationNumber::FIRST)
        );
        assert!(claim.token().presentations.is_empty() && !claim.token().answer_lost);
        let byte = u8::try_from(generation + 1).unwrap();
        claim.settle(&end(&db, &intent, successor(&db, byte))).await.unwrap();
    }
    let claim = claim(&*db.store, "u").await;
    assert_eq!(claim.token().sealed.as_deref(), Some(&[4][..]));
    claim.release().await;
}

async fn an_intent_of_another_generation_is_refused(db: Db) {
    register(&db, "u", 1).await;
    register(&db, "u", 2).await;
    let holder = db.begin_worker().await;
    for generation in [1, 3] {
        let mut claim = claim(&*db.store, "u").await;
        let stale = intent(&*claim, holder);
        let intent = Intent { version: TokenVersion { generation, ..stale.version }, ..stale };
        assert_eq!(claim.intend(&intent).await.unwrap(), Intended::Refused);
        claim.release().await;
    }
    assert_eq!(db.count("exchanges").await, 0);
}

/// The state may change between the claim and its intent.
async fn an_intent_for_a_token_that_is_no_longer_active_is_refused(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let mut claim = claim(&*db.store, "u").await;
    db.execute("UPDATE tokens SET state = 'uncertain'").await;
    let intent = intent(&*claim, holder);
    assert_eq!(claim.intend(&intent).await.unwrap(), Intended::Refused);
    claim.release().await;
    assert_eq!(db.count("exchanges").await, 0);
}

async fn intents_of_many_tokens_at_once_are_each_answered(db: Db) {
    let (holder, dead) = (db.begin_worker().await, Uuid::now_v7().into());
    let mut claims = Vec::new();
    for byte in 1..=3 {
        register(&db, &format!("u-{byte}"), byte).await;
        let claim = claim(&*db.store, &format!("u-{byte}")).await;
        let intent = intent(&*claim, if byte == 2 { dead } else { holder });
        claims.push((claim, intent));
    }
    let intending = claims.iter_mut().map(|(claim, intent)| claim.intend(intent));
    let answers =
        futures::future::join_all(intending).await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(answers, [Intended::Recorded, Intended::Refused, Intended::Recorded]);
    for (claim, _) in claims {
        claim.release().await;
    }
    let open = db.store.open_intents(holder).await.unwrap();
    assert_eq!((open.len(), db.count("exchanges").await), (2, 2));
}

async fn a_presentation_is_taken_once(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (first_claim, first) = intended(&db, "u", holder).await;
    first_claim.release().await;
    let mut second = claim(&*db.store, "u").await;
    let same = Intent { presentation: PresentationNumber::FIRST, ..intent(&*second, holder) };
    assert_eq!(second.intend(&same).await.unwrap(), Intended::Refused);
    second.release().await;
    assert_eq!((db.count("exchanges").await, outcome(&db, &first).await), (1, None));
}

async fn a_holder_written_down_as_dead_intends_nothing(db: Db) {
    register(&db, "u", 1).await;
    let dead = db.begin_worker().await;
    db.store.end_worker(dead).await.unwrap();
    for holder in [dead, Uuid::now_v7().into()] {
        let mut claim = claim(&*db.store, "u").await;
        let intent = intent(&*claim, holder);
        assert_eq!(claim.intend(&intent).await.unwrap(), Intended::Refused);
        claim.release().await;
    }
    assert_eq!(db.count("exchanges").await, 0);
}

/// The number of heartbeats of the only worker.
async fn heartbeats(db: &Db) -> i64 {
    db.store.heartbeats().await.unwrap()[0].count.heartbeats
}

async fn an_intent_renews_its_holders_beat(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let before = heartbeats(&db).await;
    db.advance(400);
    let (claim, _) = intended(&db, "u", holder).await;
    claim.release().await;
    let claim = super::claim(&*db.store, "u").await;
    assert_eq!(claim.token().presentations[0].holder_heartbeats, Some(before + 1));
    claim.release().await;
}

async fn open_intents_are_those_of_the_holder(db: Db) {
    let (holder, other) = (db.begin_worker().await, db.begin_worker().await);
    for user in ["u", "v", "w"] {
        register(&db, user, 1).await;
    }
    let sweep = Purpose { kind: PurposeKind::Keeper, id: Uuid::now_v7().into() };
    let mut held = claim(&*db.store, "u").await;
    let open = Intent { purpose: sweep, ..intent(&*held, holder) };
    assert_eq!(held.intend(&open).await.unwrap(), Intended::Recorded);
    held.release().await;
    let (closing, closed) = intended(&db, "v", holder).await;
    closing.settle(&end(&db, &closed, ExchangeResult::NotSent)).await.unwrap();
    let (others, _) = intended(&db, "w", other).await;
    others.release().await;
    let found = db.store.open_intents(holder).await.unwrap();
    assert_eq!(format!("{found:?}"), format!("{:?}", [("shop", open)]));
}

async fn a_voided_intent_can_never_be_written(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let mut claim = claim(&*db.store, "u").await;
    let intent = intent(&*claim, holder);
    // Release the claim before other writes.
    claim.release().await;
    db.store.void_intent(&intent).await.unwrap();
    assert_eq!(outcome(&db, &intent).await.as_deref(), Some("not_sent"));
    claim = super::claim(&*db.store, "u").await;
    assert_eq!(claim.intend(&intent).await.unwrap(), Intended::Refused, "the late commit came through");
    claim.release().await;
    let (claim, next) = intended(&db, "u", holder).await;
    assert_eq!(next.presentation, PresentationNumber(2));
    claim.release().await;
}

async fn voiding_closes_an_open_intent_and_no_other(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (claim, open) = intended(&db, "u", holder).await;
    claim.release().await;
    db.store.void_intent(&open).await.unwrap();
    assert_eq!(outcome(&db, &open).await.as_deref(), Some("not_sent"));
    let (claim, settled) = intended(&db, "u", holder).await;
    claim.settle(&end(&db, &settled, successor(&db, 2))).await.unwrap();
    db.store.void_intent(&settled).await.unwrap();
    assert_eq!(outcome(&db, &settled).await.as_deref(), Some("rotated"));
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 2));
}

async fn voiding_gives_way_to_another_exchange_in_its_place(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (claim, taken) = intended(&db, "u", holder).await;
    claim.release().await;
    db.store.void_intent(&Intent { exchange: Uuid::now_v7().into(), ..taken.clone() }).await.unwrap();
    assert_eq!((db.count("exchanges").await, outcome(&db, &taken).await), (1, None));
}

async fn an_orphan_is_closed_as_unanswered(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (claim, orphan) = intended(&db, "u", holder).await;
    claim.release().await;
    db.store.close_orphan(orphan.exchange, orphan.version, LostAnswer::Replay).await.unwrap();
    let claim = super::claim(&*db.store, "u").await;
    let closed = &claim.token().presentations[0];
    // Its request may still be on its way, so the next presentation waits.
    assert_eq!((closed.outcome, closed.travelling), (Some(Outcome::NoAnswer), true));
    assert_eq!(closed.closed_at, Some(db.clock.now()));
    claim.release().await;
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 1));
}

async fn an_orphan_held_leaves_the_token_to_an_operator(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    let (claim, orphan) = intended(&db, "u", holder).await;
    claim.release().await;
    db.store.close_orphan(orphan.exchange, orphan.version, LostAnswer::Hold).await.unwrap();
    assert_eq!(row(&db, "u").await, (TokenState::Uncertain, None, 1));
    assert_eq!(outcome(&db, &orphan).await.as_deref(), Some("no_answer"));
}

async fn closing_an_orphan_touches_nothing_that_moved_on(db: Db) {
    register(&db, "u", 1).await;
    let holder = db.begin_worker().await;
    // An exchange that was settled.
    let (claim, settled) = intended(&db, "u", holder).await;
    claim.settle(&end(&db, &settled, ExchangeResult::Unchanged)).await.unwrap();
    db.store.close_orphan(settled.exchange, settled.version, LostAnswer::Hold).await.unwrap();
    assert_eq!(outcome(&db, &settled).await.as_deref(), Some("unchanged"));
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 1));
    assert!(cached(&db, &settled).await);
    // An open intent, after which the user signed in.
    let (claim, open) = intended(&db, "u", holder).await;
    claim.release().await;
    register(&db, "u", 2).await;
    db.store.close_orphan(open.exchange, open.version, LostAnswer::Hold).await.unwrap();
    assert_eq!(outcome(&db, &open).await.as_deref(), Some("no_answer"));
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 2));
}
