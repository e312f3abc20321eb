//! Whose shopper a user is.

use crate::ids::UserKey;

/// A user, and the keyed hash of the shopper's subject.
pub(super) struct Subject {
    pub(super) key: UserKey,
    pub(super) hash: Vec<u8>,
}
