//! Refresh tokens: kept sealed, spent one at a time, never lost in mid-air.

pub mod answer;
pub mod claims;
pub mod http;
pub mod id_token;
mod jwks;
mod payload;
pub mod transport;
