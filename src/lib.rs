//! An order worker for *Sign in with Klarna*.

pub mod api;
pub mod app;
pub mod breaker;
pub mod checkout;
pub mod cli;
pub mod clock;
pub mod config;
mod crash;
pub mod delivery;
pub mod intake;
pub mod lifecycle;
pub mod order;
pub mod queue;
pub mod sandbox;
pub mod store;
pub mod telemetry;
pub mod vault;
pub mod worker;
