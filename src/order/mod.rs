//! Order types and Klarna's rules; pure, no I/O.
