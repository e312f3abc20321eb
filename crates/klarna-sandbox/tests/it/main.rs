//! The stand-in for Klarna, through its HTTP endpoints.

mod admin;
mod checkout;
mod faults;
mod later;
mod payments;
#[cfg(unix)]
mod program;
mod pushes;
mod revoke;
mod shop;
mod sign_in;
mod token;
