//! An order worker for *Sign in with Klarna*: it keeps shoppers' single-use refresh tokens, spends them safely, and
//! creates Klarna Checkout orders in which Klarna recognises the shopper.
//!
//! The tour, in the order of the flow:
//!
//! 1. [`config`] is everything a process is told; [`clock`] is its time, a parameter everywhere else.
//! 2. [`order`] is what a shop hands in, and Klarna's rules for it; [`token`] is a refresh token and its exchanges. Both are pure.
//! 3. [`intake`] is the one way in: it checks an order and inserts one row into the [`store`].
//! 4. [`queue`] claims rows that are due and hands them to a handler, on apalis' worker runtime.
//! 5. [`worker`] is that handler for orders: one attempt, from token to result.
//! 6. [`vault`] turns the user's refresh token into an access token, by the exchange protocol.
//! 7. [`klarna`] speaks HTTP to Klarna: the token endpoint for the vault, Checkout for orders.
//! 8. [`delivery`] tells the result to whoever waits for it, and to the shop's endpoint.
//! 9. [`keeper`] spends tokens through the same vault before they lapse, where no order does.
//!
//! [`breaker`] leaves failing endpoints alone. [`ops`] counts, removes what was kept for long enough, and looks an installation
//! over ([`ops::doctor`]). [`app`] wires the rooms together; [`api`], [`pages`] and [`cli`] are the doors, [`lifecycle`] and [`telemetry`] what
//! a process needs besides. The crate `klarna-sandbox` stands in for Klarna, and `bench` measures.
//!
//! `ARCHITECTURE.md` has the map, the rules that the rooms keep, and the protocol.

pub mod api;
pub mod app;
mod backoff;
pub mod breaker;
pub mod cli;
pub mod clock;
pub mod config;
mod crash;
pub mod delivery;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod ids;
pub mod intake;
pub mod keeper;
pub mod klarna;
pub mod lifecycle;
mod meter;
pub mod ops;
pub mod order;
pub mod pages;
pub mod queue;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod vault;
mod words;
pub mod worker;
