//! An order worker for *Sign in with Klarna*. It stores shoppers' single-use refresh tokens,
//! exchanges them safely, and creates Klarna Checkout orders and Klarna Payments sessions in which
//! Klarna recognises the shopper.
//!
//! The modules, in the order of the flow:
//!
//! 1. [`config`] has the settings of a process; [`clock`] its time, which is a parameter everywhere
//!    else.
//! 2. [`order`] has orders and Klarna's rules for them; [`token`] has refresh tokens and their
//!    exchanges. Both are pure.
//! 3. [`intake`] checks an order and inserts one row into the [`store`].
//! 4. [`queue`] claims due rows and gives them to a handler, on apalis' worker runtime.
//! 5. [`worker`] is that handler for orders: one attempt, from token to result.
//! 6. [`vault`] exchanges the user's refresh token for an access token, by the exchange protocol.
//! 7. [`klarna`] speaks HTTP to Klarna: the token endpoint for the vault, Checkout or Klarna
//!    Payments for orders.
//! 8. [`delivery`] sends the result to waiting requests and to the shop's webhook endpoint.
//! 9. [`sessions`] follows a submitted order at Klarna.
//! 10. [`keeper`] refreshes tokens through the same vault before they expire.
//!
//! [`audit`] records who read or changed what. [`breaker`] has the circuit breakers. [`ops`] has
//! metrics, retention and [`ops::doctor`]. [`app`] connects the modules. [`api`], [`pages`] and
//! [`cli`] are how callers and operators reach the service, and [`tls`] protects the way.
//! [`lifecycle`] and [`telemetry`] handle signals, logs and traces. The crate `klarna-sandbox`
//! stands in for Klarna, and `bench` measures.
//!
//! `ARCHITECTURE.md` has the map, the rules between modules, and three walks through the code.

pub mod api;
pub mod app;
pub mod audit;
mod backoff;
mod bounded;
pub mod breaker;
pub mod bulkhead;
pub mod cause;
pub mod cli;
pub mod clock;
pub mod config;
mod crash;
pub mod delivery;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod history;
pub mod ids;
pub mod intake;
pub mod keeper;
pub mod klarna;
pub mod lifecycle;
mod meter;
pub mod ops;
pub mod order;
pub mod pages;
pub mod pauses;
pub mod queue;
mod received;
pub mod sessions;
pub mod silence;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod token;
pub mod vault;
mod when;
mod words;
pub mod worker;
