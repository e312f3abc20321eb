//! Tokens: registration, claims, intents and the ends of exchanges.

mod ahead;
mod ends;
mod intents;
mod late;
mod providers;
mod registration;
mod resolve;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use klarna_order_worker::ids::{PresentationNumber, Provider, PurposeId, TokenVersion, UserKey, WorkerId};
use klarna_order_worker::order::OrderId;
use klarna_order_worker::store::{ClaimAttempt, Store, TokenClaim};
use klarna_order_worker::token::{
    CachedTokens, DeadReason, ExchangeEnd, ExchangeResult, Intended, Intent, NewCachedTokens, NewToken,
    Purpose, PurposeKind, Registered, SealedFor, Settled, SignIn, Successor, TokenSecret, TokenState,
    TokenView,
};
use uuid::Uuid;

use crate::support::stores::Db;

/// Returns the provider of every token here.
pub fn provider() -> Provider {
    Provider::new("https://login.test/token", "client")
}

/// The token that one byte stands for. Each user has tokens of their own.
struct Byte {
    byte: u8,
    user: String,
}

impl TokenSecret for Byte {
    fn seal(&self, _: &SealedFor) -> Result<Vec<u8>, String> {
        Ok(vec![self.byte])
    }

    fn hash(&self, provider: Provider) -> [u8; 32] {
        let name = self.user.bytes().chain(std::iter::repeat(0)).take(16);
        let mut hash = [self.byte; 32];
        hash.iter_mut()
            .zip(name.chain(provider.as_bytes().iter().copied()))
            .for_each(|(byte, other)| *byte ^= other);
        hash
    }
}

fn byte(user: &str, byte: u8) -> Arc<Byte> {
    Arc::new(Byte { byte, user: user.into() })
}

/// A sign-in of a user with the token that one byte stands for.
pub fn new_token(db: &Db, user: &str, byte: u8) -> NewToken {
    NewToken {
        owner: UserKey::new("shop", user),
        provider: provider(),
        secret: self::byte(user, byte),
        issued_at: db.clock.now(),
        sign_in: SignIn::Stated,
        expires_at: db.clock.now() + TimeDelta::days(60),
        refresh_due_at: db.clock.now() + TimeDelta::days(35),
    }
}

pub async fn register(db: &Db, user: &str, byte: u8) -> TokenView {
    match db.store.register_token(&new_token(db, user, byte)).await.unwrap() {
        Registered::Stored(view) => view,
        other => panic!("{other:?}"),
    }
}

pub async fn view(db: &Db, user: &str) -> TokenView {
    db.store.token(&UserKey::new("shop", user)).await.unwrap().unwrap()
}

/// Returns state, reason and generation.
pub async fn row(db: &Db, user: &str) -> (TokenState, Option<DeadReason>, i64) {
    let view = view(db, user).await;
    (view.state, view.reason, view.generation)
}

pub async fn claim(store: &dyn Store, user: &str) -> Box<dyn TokenClaim> {
    match store.claim_token(&UserKey::new("shop", user), provider()).await.unwrap() {
        ClaimAttempt::Claimed(claim) => claim,
        ClaimAttempt::Missing => panic!("no token of {user}"),
        ClaimAttempt::Busy => panic!("the token of {user} is claimed"),
    }
}

/// Returns the next intent that a claim allows, for a new order.
pub fn intent(claim: &dyn TokenClaim, holder: WorkerId) -> Intent {
    let token = claim.token();
    Intent {
        exchange: Uuid::now_v7().into(),
        version: token.version,
        presentation: token
            .presentations
            .first()
            .map_or(PresentationNumber::FIRST, |latest| latest.number.next()),
        purpose: Purpose { kind: PurposeKind::Order, id: Uuid::now_v7().into() },
        holder,
    }
}

/// Returns a claim with its committed intent.
pub async fn intended(db: &Db, user: &str, holder: WorkerId) -> (Box<dyn TokenClaim>, Intent) {
    let mut claim = claim(&*db.store, user).await;
    let intent = intent(&*claim, holder);
    assert_eq!(claim.intend(&intent).await.unwrap(), Intended::Recorded);
    (claim, intent)
}

/// A successor for the user u. For another user it works alike, but then the token is not known as
/// that user's.
pub fn successor(db: &Db, byte: u8) -> ExchangeResult {
    successor_of(db, "u", byte)
}

/// A successor for a user.
pub fn successor_of(db: &Db, user: &str, byte: u8) -> ExchangeResult {
    let NewToken { secret, issued_at, expires_at, refresh_due_at, .. } = new_token(db, user, byte);
    let (sealed, hash, refresh_due_at) = (vec![byte], secret.hash(provider()), Some(refresh_due_at));
    ExchangeResult::Rotated(Successor { sealed, hash, secret, issued_at, expires_at, refresh_due_at })
}

/// Returns an end of the exchange, with tokens to cache if the answer had an access token.
pub fn end(db: &Db, intent: &Intent, result: ExchangeResult) -> ExchangeEnd {
    let cached =
        matches!(result, ExchangeResult::Rotated(_) | ExchangeResult::Unchanged).then(|| NewCachedTokens {
            purpose: intent.purpose.id,
            sealed: intent.exchange.as_uuid().as_bytes().to_vec(),
            received_at: db.clock.now(),
            good_until: db.clock.now() + Duration::from_secs(299),
            claim: None,
        });
    let Intent { exchange, version, .. } = *intent;
    ExchangeEnd {
        exchange,
        owner: UserKey::new("shop", "nobody"),
        provider: provider(),
        version,
        result,
        cause: None,
        cached,
    }
}

pub async fn cached(db: &Db, intent: &Intent) -> bool {
    let user = db.value(&format!("user_id FROM tokens WHERE id = {}", intent.version.token.0)).await;
    cached_for(db, &user.unwrap(), intent.purpose.id).await.is_some()
}

/// Returns the tokens that are cached for an order of the user.
pub async fn cached_for(db: &Db, user: &str, order: PurposeId) -> Option<CachedTokens> {
    db.store.cached_tokens(order, &UserKey::new("shop", user), provider()).await.unwrap()
}

/// Returns the outcome of a presentation in the ledger.
pub async fn outcome(db: &Db, intent: &Intent) -> Option<String> {
    let Intent { version: TokenVersion { token, generation }, presentation, .. } = intent;
    let wanted =
        format!("token_id = {} AND generation = {generation} AND presentation = {presentation}", token.0);
    db.value(&format!("outcome FROM exchanges WHERE {wanted}")).await
}

/// Rotates the user's token for an order. Registers one first if there is none.
pub async fn exchange_for(db: &Db, user: &str, order: OrderId) {
    if db.store.token(&UserKey::new("shop", user)).await.unwrap().is_none() {
        register(db, user, 200).await;
    }
    // Registered before the claim, so that the claim does not block it.
    let holder = db.begin_worker().await;
    let mut claim = claim(&*db.store, user).await;
    let purpose = Purpose { kind: PurposeKind::Order, id: order.into() };
    let intent = Intent { purpose, ..intent(&*claim, holder) };
    assert_eq!(claim.intend(&intent).await.unwrap(), Intended::Recorded);
    assert_eq!(claim.settle(&end(db, &intent, successor(db, 201))).await.unwrap(), Settled::Written);
}
