//! The storage trait for operators' decisions about tokens of which nobody knows whether they are spent.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::token::{Resolution, Resolved};

/// Which of the `uncertain` tokens.
#[derive(Clone, Debug, Default)]
pub struct Doubtful {
    /// Only this merchant's.
    pub merchant: Option<String>,
    /// Only those that became uncertain before this time.
    pub before: Option<DateTime<Utc>>,
}

/// What a store does about `uncertain` tokens. Each decision leaves the generation alone: a successor that comes late after
/// all still takes the token's place.
#[async_trait]
pub trait Resolving: Send + Sync {
    /// Carries out what was decided about one token.
    async fn resolve_token(&self, merchant: &str, user: &str, resolution: Resolution) -> Result<Resolved, StoreError>;

    /// How many wait for a decision.
    async fn count_uncertain(&self, which: &Doubtful) -> Result<u64, StoreError>;

    /// Carries out what was decided about up to `limit` tokens with an id above `after`, in one transaction. How many there
    /// were, and the last one's id; `None` once there are no more.
    async fn resolve_tokens(
        &self,
        which: &Doubtful,
        resolution: Resolution,
        after: i64,
        limit: u32,
    ) -> Result<Option<(u64, i64)>, StoreError>;
}
