//! What is told of the read replica.

use chrono::{DateTime, Utc};

/// How the read replica stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicaState {
    /// Pages and lists read from it.
    Used {
        /// Until when it has all changes. `None` if it does not say: it is no standby.
        replayed_at: Option<DateTime<Utc>>,
        /// The time by its own clock.
        now: DateTime<Utc>,
    },
    /// It cannot be used, and the primary is read instead.
    Away {
        /// Since when.
        since: DateTime<Utc>,
        /// Why.
        error: String,
    },
}

/// What `doctor` reads about the replica.
#[derive(Clone, Debug)]
pub struct ReplicaFacts {
    /// The name of its installation; `None` if it has none.
    pub installation: Option<String>,
    /// Whether it is a standby of another server.
    pub standby: bool,
    /// Until when it has all changes. `None` if it does not say.
    pub replayed_at: Option<DateTime<Utc>>,
    /// The time by its own clock.
    pub now: DateTime<Utc>,
}
