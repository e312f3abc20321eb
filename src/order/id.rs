//! The id of an order.

use chrono::{DateTime, Utc};
use utoipa::ToSchema;
use uuid::{NoContext, Timestamp, Uuid};

use crate::ids::{PurposeId, uuid_id};

uuid_id! {
    /// The id of an order in this service: a UUID version 7 (RFC 9562). Such ids sort by the time
    /// of acceptance, which keeps indexes compact.
    #[derive(ToSchema)]
    OrderId
}

impl OrderId {
    /// Returns a new id for an order accepted at `now`: the milliseconds of `now`, and random bits.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos())).into()
    }
}

/// An exchange for an order has the order's id as its purpose.
impl From<OrderId> for PurposeId {
    fn from(order: OrderId) -> Self {
        order.as_uuid().into()
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
