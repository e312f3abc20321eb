//! The stand-in for Klarna, through its HTTP endpoints.

mod admin;
mod checkout;
mod faults;
mod later;
mod payments;
#[cfg(unix)]
mod program;
mod revoke;
mod shop;
mod token;
