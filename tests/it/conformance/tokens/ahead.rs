//! Successors of exchanges that a restored database does not know.

use std::fmt::Write as _;
use std::time::Duration;

use klarna_order_worker::ids::{PresentationNumber, TokenId, TokenVersion, UserKey};
use klarna_order_worker::store::{Renamed, StoreError};
use klarna_order_worker::token::{
    DeadReason, ExchangeEnd, Intent, Purpose, PurposeKind, Registered, Resolution, Settled, TokenState,
};
use proptest::test_runner::{RngAlgorithm, TestRng};
use rand::RngExt as _;
use uuid::Uuid;

use super::{cached, claim, end, intended, new_token, register, row, successor, successor_of, view};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_forgotten_exchange_brings_the_token_back,
    a_sign_in_since_wins_even_under_the_number_that_was_presented,
    forgetting_since_wins_and_forgetting_before_does_not,
    the_row_of_another_user_is_left_alone,
    a_user_that_is_unknown_is_told,
    whichever_came_last_is_the_users_token_in_every_order,
    a_merge_of_users_is_no_arrival,
];

/// Returns the end of an exchange that the database has forgotten.
fn forgotten(db: &Db, user: &str, (token, generation): (TokenId, i64), byte: u8) -> (Intent, ExchangeEnd) {
    let purpose = Purpose { kind: PurposeKind::Order, id: Uuid::now_v7().into() };
    let (exchange, holder) = (Uuid::now_v7().into(), Uuid::now_v7().into());
    let intent = Intent {
        exchange,
        version: TokenVersion { token, generation },
        presentation: PresentationNumber::FIRST,
        purpose,
        holder,
    };
    let owner = UserKey::new("shop", user);
    let end = ExchangeEnd { owner, ..end(db, &intent, successor_of(db, user, byte)) };
    (intent, end)
}

async fn settle(db: &Db, end: &ExchangeEnd) -> Settled {
    db.store.settle_exchange(end).await.unwrap()
}

/// Returns the row's id and the byte that stands for its token.
async fn held(db: &Db, user: &str) -> (TokenId, Option<u8>) {
    let claim = claim(&*db.store, user).await;
    let held = (claim.token().version.token, claim.token().sealed.as_ref().map(|sealed| sealed[0]));
    claim.release().await;
    held
}

async fn a_forgotten_exchange_brings_the_token_back(db: Db) {
    register(&db, "u", 1).await;
    let token = held(&db, "u").await.0;
    for (generation, presented, stored) in [(1, 5, 6), (6, 6, 7), (7, 2, 8)] {
        for state in [TokenState::Active, TokenState::Uncertain, TokenState::ReauthRequired] {
            db.advance(1);
            db.execute(&format!(
                "UPDATE tokens SET generation = {generation}, state = 'active', reason = NULL"
            ))
            .await;
            if state != TokenState::Active {
                db.store.doubt_tokens(TokenId::START, 9).await.unwrap();
            }
            if state == TokenState::ReauthRequired {
                db.store.resolve_token(&UserKey::new("shop", "u"), Resolution::Dead).await.unwrap();
            }
            let (intent, end) = forgotten(&db, "u", (token, presented), 9);
            assert_eq!(settle(&db, &end).await, Settled::Written);
            assert_eq!(
                row(&db, "u").await,
                (TokenState::Active, None, stored),
                "{generation}, {presented}, {state:?}"
            );
            assert_eq!(held(&db, "u").await, (token, Some(9)));
            assert_eq!(
                view(&db, "u").await.refresh_due_at,
                Some(db.clock.now() + chrono::TimeDelta::days(35))
            );
            // The access token is encrypted for a grant that this database may not have.
            assert!(!cached(&db, &intent).await);
            // A second time, because a crash may happen before the file is removed.
            db.advance(1);
            assert_eq!(settle(&db, &end).await, Settled::Written);
            assert_eq!(row(&db, "u").await.2, stored);
        }
    }
    // Its hash is known: it cannot be brought in from outside.
    assert!(matches!(db.store.register_token(&new_token(&db, "u", 9)).await.unwrap(), Registered::Known(_)));
    let (claim, intent) = intended(&db, "u", db.begin_worker().await).await;
    assert_eq!(claim.settle(&super::end(&db, &intent, successor(&db, 10))).await.unwrap(), Settled::Written);
    assert_eq!(row(&db, "u").await, (TokenState::Active, None, 9));
}

async fn a_sign_in_since_wins_even_under_the_number_that_was_presented(db: Db) {
    register(&db, "u", 1).await;
    let token = held(&db, "u").await.0;
    db.advance(1);
    let (intent, end) = forgotten(&db, "u", (token, 2), 9);
    db.advance(1);
    // Before the restore, generation 2 was a different token.
    register(&db, "u", 2).await;
    for _ in 0..2 {
        assert_eq!(settle(&db, &end).await, Settled::Superseded);
        assert_eq!((row(&db, "u").await, held(&db, "u").await.1), ((TokenState::Active, None, 2), Some(2)));
    }
    assert!(!cached(&db, &intent).await);
}

async fn forgetting_since_wins_and_forgetting_before_does_not(db: Db) {
    register(&db, "u", 1).await;
    let token = held(&db, "u").await.0;
    db.advance(1);
    let (_, before) = forgotten(&db, "u", (token, 4), 8);
    db.advance(1);
    db.store.forget_token(&UserKey::new("shop", "u")).await.unwrap();
    assert_eq!(settle(&db, &before).await, Settled::Superseded);
    assert_eq!(row(&db, "u").await, (TokenState::Forgotten, None, 2));
    assert_eq!(db.count("tokens WHERE sealed IS NOT NULL").await, 0);
    // Before the restore, they had signed in once more.
    db.advance(1);
    let (_, since) = forgotten(&db, "u", (token, 3), 9);
    assert_eq!(settle(&db, &since).await, Settled::Written);
    assert_eq!((row(&db, "u").await, held(&db, "u").await.1), ((TokenState::Active, None, 4), Some(9)));
    assert_eq!(
        db.value("grant_generation FROM tokens").await.as_deref(),
        Some("4"),
        "another grant than the old one"
    );
}

async fn the_row_of_another_user_is_left_alone(db: Db) {
    register(&db, "u", 1).await;
    register(&db, "v", 2).await;
    let ids = (held(&db, "u").await.0, held(&db, "v").await.0);
    db.advance(1);
    // Before the restore, u had the row id that v has now.
    let (_, end) = forgotten(&db, "u", (ids.1, 1), 9);
    assert_eq!(settle(&db, &end).await, Settled::Written);
    assert_eq!((row(&db, "v").await.2, held(&db, "v").await), (1, (ids.1, Some(2))));
    assert_eq!((row(&db, "u").await.2, held(&db, "u").await), (2, (ids.0, Some(9))));
}

async fn a_user_that_is_unknown_is_told(db: Db) {
    register(&db, "v", 2).await;
    let token = held(&db, "v").await.0;
    db.advance(1);
    let (_, unknown) = forgotten(&db, "u", (token, 1), 9);
    let refused = db.store.settle_exchange(&unknown).await.unwrap_err();
    assert!(matches!(refused, StoreError::Behind), "{refused}");
    assert_eq!((row(&db, "v").await.2, held(&db, "v").await.1, db.count("tokens").await), (1, Some(2), 1));
}

/// The expected row of the user.
struct Model {
    generation: i64,
    state: TokenState,
    /// When its token arrived or was forgotten, in seconds.
    last: u64,
    byte: Option<u8>,
    /// The file that has its token.
    file: Option<usize>,
}

impl Model {
    fn came(&mut self, last: u64, byte: Option<u8>) {
        let state = if byte.is_some() { TokenState::Active } else { TokenState::Forgotten };
        *self = Self { generation: self.generation + 1, state, last, byte, file: None };
    }

    /// Returns the expected result of replaying the file.
    fn replay(&mut self, number: usize, file: &File) -> Settled {
        if self.file == Some(number) {
            return Settled::Written;
        }
        if file.came <= self.last {
            return Settled::Superseded;
        }
        self.generation = self.generation.max(file.presented);
        self.came(file.came, Some(file.byte));
        self.file = Some(number);
        Settled::Written
    }
}

/// A successor in a spool.
struct File {
    end: ExchangeEnd,
    presented: i64,
    came: u64,
    byte: u8,
}

/// A database before and after its restore, with random events in between that it has forgotten.
struct RestoredDatabase {
    db: Db,
    rng: TestRng,
    user: String,
    now: u64,
    next: u8,
    told: String,
}

impl RestoredDatabase {
    fn below(&mut self, limit: u32) -> u32 {
        self.rng.random_range(0..limit)
    }

    fn tick(&mut self) -> u64 {
        self.db.advance(1);
        self.now += 1;
        self.now
    }

    fn byte(&mut self) -> u8 {
        self.next += 1;
        self.next
    }

    /// Applies a random event to the real row.
    async fn happens(&mut self, model: &mut Model) {
        let (now, user) = (self.tick(), self.user.clone());
        match self.below(8) {
            0 => {
                let byte = self.byte();
                let _ = write!(self.told, " sign-in {byte},");
                register(&self.db, &user, byte).await;
                model.came(now, Some(byte));
            }
            1 if model.byte.is_some() => {
                let _ = write!(self.told, " forget,");
                assert!(self.db.store.forget_token(&UserKey::new("shop", user.as_str())).await.unwrap());
                model.came(now, None);
            }
            2..=4 if model.state == TokenState::Active => {
                let byte = self.byte();
                let _ = write!(self.told, " rotate to {byte},");
                let (claim, intent) = intended(&self.db, &user, self.db.begin_worker().await).await;
                let settled = claim
                    .settle(&super::end(&self.db, &intent, successor_of(&self.db, &user, byte)))
                    .await
                    .unwrap();
                assert_eq!(settled, Settled::Written, "{}", self.told);
                model.came(now, Some(byte));
            }
            choice if model.state == TokenState::Uncertain => {
                let (resolution, state) = match choice {
                    5 => (Resolution::Dead, TokenState::ReauthRequired),
                    6 => (Resolution::Present, TokenState::Active),
                    _ => (Resolution::Retry, TokenState::Active),
                };
                let _ = write!(self.told, " {resolution:?},");
                self.db.store.resolve_token(&UserKey::new("shop", user.as_str()), resolution).await.unwrap();
                model.state = state;
            }
            _ => {}
        }
    }

    /// Returns the files that remain of the events between backup and restore.
    fn forgotten(&mut self, token: TokenId, model: &Model) -> Vec<File> {
        let (mut generation, mut files) = (model.generation, Vec::new());
        for _ in 0..=self.below(5) {
            let came = self.tick();
            // Sometimes a sign-in, which leaves no file.
            if self.below(4) > 0 {
                let byte = self.byte();
                let _ = write!(self.told, " [lost: {generation} to {byte}],");
                let (_, end) = forgotten(&self.db, &self.user, (token, generation), byte);
                files.push(File { end, presented: generation, came, byte });
            }
            generation += 1;
        }
        files
    }

    async fn replay(&mut self, number: usize, file: &File, model: &mut Model) {
        self.tick();
        let _ = write!(self.told, " replay {},", file.byte);
        let expected = model.replay(number, file);
        assert_eq!(settle(&self.db, &file.end).await, expected, "{}", self.told);
    }

    async fn compare(&self, model: &Model) {
        let (state, reason, generation) = row(&self.db, &self.user).await;
        assert_eq!((state, generation), (model.state, model.generation), "{}", self.told);
        assert_eq!(held(&self.db, &self.user).await.1, model.byte, "{}", self.told);
        let dead = (state == TokenState::ReauthRequired).then_some(DeadReason::AnswerLost);
        assert_eq!(reason, dead, "{}", self.told);
    }

    async fn run(mut self) {
        let byte = self.byte();
        register(&self.db, &self.user, byte).await;
        let mut model =
            Model { generation: 1, state: TokenState::Active, last: 0, byte: Some(byte), file: None };
        for _ in 0..self.below(4) {
            self.happens(&mut model).await;
        }
        let token = held(&self.db, &self.user).await.0;
        let files = self.forgotten(token, &model);
        let _ = write!(self.told, " restore,");
        self.db.store.doubt_tokens(TokenId::START, 1000).await.unwrap();
        if model.state == TokenState::Active {
            model.state = TokenState::Uncertain;
        }
        for _ in 0..self.below(12) {
            if self.below(2) == 0 && !files.is_empty() {
                let number = self.below(u32::try_from(files.len()).unwrap()) as usize;
                self.replay(number, &files[number], &mut model).await;
            } else {
                self.happens(&mut model).await;
            }
            self.compare(&model).await;
        }
        // After all files are replayed, the token that arrived last remains.
        for (number, file) in files.iter().enumerate().rev() {
            self.replay(number, file, &mut model).await;
            self.compare(&model).await;
        }
        assert!(files.iter().all(|file| file.came <= model.last), "{}", self.told);
    }
}

async fn whichever_came_last_is_the_users_token_in_every_order(db: Db) {
    for seed in 0..60_u8 {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let (user, told) = (format!("u-{seed}"), format!("seed {seed}:"));
        RestoredDatabase { db: db.clone(), rng, user, now: 0, next: 0, told }.run().await;
    }
}

/// A tombstone's tokens become known as those of the row that stays, whichever name it had.
async fn a_merge_of_users_is_no_arrival(db: Db) {
    for (from, to, tombstone) in [("a", "b", "a"), ("c", "d", "d")] {
        let stays = if tombstone == from { to } else { from };
        register(&db, stays, 1).await;
        let token = held(&db, stays).await.0;
        db.advance(30);
        let (_, late) = forgotten(&db, to, (token, 1), 9);
        db.advance(30);
        register(&db, tombstone, 2).await;
        assert!(db.store.forget_token(&UserKey::new("shop", tombstone)).await.unwrap());
        let renamed =
            db.store.rename_user(&UserKey::new("shop", from), &to.into(), Duration::ZERO).await.unwrap();
        assert!(matches!(renamed, Renamed::Done(_)), "{renamed:?}");
        // It arrived after the present token of the row, and before the other user's.
        assert_eq!(settle(&db, &late).await, Settled::Written, "{from} to {to}");
        assert_eq!(held(&db, to).await, (token, Some(9)));
    }
}
