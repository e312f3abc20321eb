//! An exhaustive model of the exchange protocol.
