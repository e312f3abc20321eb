//! The stand-in for Klarna, through its HTTP doors.

mod admin;
mod checkout;
mod faults;
mod shop;
mod token;
