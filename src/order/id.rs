//! The id of an order.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::{NoContext, Timestamp, Uuid};

/// The id of an order in this service: a UUID version 7 (RFC 9562). Such ids sort by the time of
/// acceptance, which keeps indexes compact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct OrderId(Uuid);

impl OrderId {
    /// Returns a new id for an order accepted at `now`: the milliseconds of `now`, and random bits.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Self(Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos())))
    }

    /// Returns the id as the stores save it.
    #[must_use]
    pub fn as_uuid(&self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for OrderId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for OrderId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::from_str(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn ids_are_version_7_and_sort_by_time() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let (first, second) = (OrderId::new(now), OrderId::new(now + TimeDelta::milliseconds(1)));
        assert_eq!(first.as_uuid().get_version_num(), 7);
        assert!(first < second);
        assert!(first.to_string() < second.to_string());
    }

    #[test]
    fn the_text_is_the_uuid_everywhere() {
        let id = OrderId::new(DateTime::UNIX_EPOCH);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
        assert!("not-an-id".parse::<OrderId>().is_err());
    }
}
