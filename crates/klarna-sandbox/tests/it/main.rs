//! The stand-in for Klarna, through its HTTP endpoints.

mod admin;
mod checkout;
mod docs;
mod faults;
mod late;
mod later;
mod ledger;
mod payments;
#[cfg(unix)]
mod program;
mod pushes;
mod revoke;
mod shop;
mod sign_in;
mod token;
#[cfg(unix)]
mod torture;
