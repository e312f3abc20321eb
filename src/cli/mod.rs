//! (room to be filled)

pub mod sandbox;
