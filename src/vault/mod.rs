//! Refresh tokens: kept sealed, spent one at a time, never lost in mid-air.

pub mod claims;
