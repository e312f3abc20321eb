//! An exhaustive model of the exchange protocol (`docs/protocol.md`).
//!
//! The model is a small world: the database with its token rows, ledger, orders and workers; the
//! processes with what they have in memory and in their spools; the network; the provider and
//! Klarna. A *scenario* ([`scenarios`]) says who takes part and which faults may happen how often.
//! The model checker [`stateright`] then visits every state that any order of steps can lead to,
//! and asks in each whether every promise holds. Each *rule* of the protocol ([`Rule`]) is a
//! switch: without it, a scenario must break a promise.
//!
//! `cargo nextest run -p model` checks both: 25 scenarios with 1.9 million states, at most 41 steps
//! deep, and each rule once or twice, in about 30 s.
//! `cargo run --locked --release -p model -- large` explores 29 larger scenarios by hand, with 44.6
//! million states, at most 60 steps deep, in about ten minutes on two cores, and prints the states
//! and the depth of each. The largest, two orders of two users in shared claims, has 8.4 million
//! states.
//!
//! # Where things are
//!
//! | file | what it has |
//! |---|---|
//! | `rules.rs` | the rules, each in a sentence |
//! | `scenario.rs`, `scenarios.rs` | what a scenario is, and all scenarios |
//! | `state.rs`, `state/` | the state |
//! | `exchange.rs`, `store.rs` | the steps of an exchange, and what a store does to the row |
//! | `order.rs` | the steps of an order |
//! | `process.rs` | start, stop, silence, and what operators do |
//! | `network.rs` | network, provider and Klarna |
//! | `faults.rs` | what may go wrong, and what shops and users do |
//! | `properties.rs` | the promises |
//! | `run.rs`, `trace.rs` | exploring, and telling a counterexample |
//!
//! # What is simplified
//!
//! Time is an order of events. `replay_after` is longer than a request takes, `orphan_after` longer
//! than any request, and a restore takes longer than both: the pages say that what breaks these
//! cannot be prevented. What no protocol can prevent (a crash while a successor is only in memory,
//! an answer that is lost, a lost disk) marks the user or the order as *at risk*: a token may then
//! be lost and an order created twice, but the loss must be told and the order flagged. Encryption,
//! deadlines, webhooks and the reading of answers are not in the model.
//!
//! # Read a counterexample
//!
//! `cargo run -p model -- SCENARIO RULE` explores a scenario without a rule and prints the shortest
//! way to a broken promise: numbered steps, and below each the facts that it changed. `P0` and `P1`
//! are processes; `token 0.2` is the second successor of sign-in 0. Read the last step first: it
//! names what was broken. Then look for the step at which somebody knew less than he should have.
//! Without arguments the command lists scenarios and rules.

#![allow(clippy::trivially_copy_pass_by_ref)] // A row or a file is looked at, whatever its size.

mod action;
mod ask;
mod exchange;
mod faults;
mod model;
mod network;
mod order;
mod process;
mod properties;
mod rules;
mod scenario;
pub mod state;
mod store;

pub use action::Action;
pub use rules::Rule;
pub use scenario::{Engine, Fault, Provider, Scenario};
mod run;
pub mod scenarios;
mod trace;
pub use run::{Counterexample, Found, explore};
