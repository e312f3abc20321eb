//! The stand-in for Klarna, through its HTTP endpoints.

mod admin;
mod checkout;
mod faults;
#[cfg(unix)]
mod program;
mod shop;
mod token;
