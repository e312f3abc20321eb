//! The limits for an order body.

/// The largest order body, in bytes. Klarna accepts bodies below 1 MB, and 16 KiB are reserved for
/// the access token and prefilled fields.
pub const MAX_BODY: usize = 1_000_000 - 16 * 1024;

/// The deepest nesting of objects and arrays. Klarna's own fields need seven levels.
pub const MAX_DEPTH: usize = 32;
