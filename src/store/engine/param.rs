//! The values of statements' parameters.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Now;
use crate::ids::{
    ClaimNumber, ExchangeId, InstanceId, MerchantName, PresentationNumber, Provider, PurposeId, TokenId,
    UserId, WebhookId, WorkerId,
};
use crate::order::OrderId;
use crate::store::micros;

/// The value of a statement's parameter, for either engine. Null has a type too.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum Param<'a> {
    Text(Option<&'a str>),
    Int(Option<i64>),
    Flag(Option<bool>),
    Id(Option<Uuid>),
    Bytes(Option<&'a [u8]>),
    Time(Option<DateTime<Utc>>),
    /// `= ANY($1)` on PostgreSQL, `IN (SELECT unhex(value) FROM json_each($1))` on SQLite.
    Ids(&'a [OrderId]),
}

macro_rules! params {
    ($($type:ty: $value:ident => $param:expr;)+) => {
        $(impl<'a> From<$type> for Param<'a> {
            fn from($value: $type) -> Self {
                $param
            }
        })+
    };
}

params! {
    &'a str: value => Self::Text(Some(value));
    Option<&'a str>: value => Self::Text(value);
    &'a String: value => Self::Text(Some(value));
    &'a Option<String>: value => Self::Text(value.as_deref());
    &'a MerchantName: value => Self::Text(Some(value.as_str()));
    Option<&'a MerchantName>: value => Self::Text(value.map(MerchantName::as_str));
    &'a Option<MerchantName>: value => value.as_ref().into();
    &'a UserId: value => Self::Text(Some(value.as_str()));
    Option<&'a UserId>: value => Self::Text(value.map(UserId::as_str));
    &'a Option<UserId>: value => value.as_ref().into();
    i64: value => Self::Int(Some(value));
    Option<i64>: value => Self::Int(value);
    u32: value => Self::Int(Some(value.into()));
    usize: value => Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)));
    Duration: value => Self::Int(Some(micros(value)));
    Option<Duration>: value => Self::Int(value.map(micros));
    bool: value => Self::Flag(Some(value));
    Option<bool>: value => Self::Flag(value);
    Uuid: value => Self::Id(Some(value));
    Option<Uuid>: value => Self::Id(value);
    OrderId: value => value.as_uuid().into();
    Option<OrderId>: value => value.map(|id| id.as_uuid()).into();
    WorkerId: value => value.as_uuid().into();
    InstanceId: value => value.as_uuid().into();
    ExchangeId: value => value.as_uuid().into();
    PurposeId: value => value.as_uuid().into();
    WebhookId: value => value.as_uuid().into();
    Option<WebhookId>: value => value.map(|id| id.as_uuid()).into();
    TokenId: value => value.0.into();
    ClaimNumber: value => value.0.into();
    Option<ClaimNumber>: value => value.map(|number| number.0).into();
    PresentationNumber: value => value.0.into();
    Option<PresentationNumber>: value => value.map(|number| number.0).into();
    &'a [u8]: value => Self::Bytes(Some(value));
    &'a Vec<u8>: value => Self::Bytes(Some(value));
    &'a [u8; 32]: value => Self::Bytes(Some(value));
    Option<&'a Vec<u8>>: value => Self::Bytes(value.map(Vec::as_slice));
    &'a Provider: value => Self::Bytes(Some(value.as_bytes()));
    DateTime<Utc>: value => Self::Time(Some(value));
    Option<DateTime<Utc>>: value => Self::Time(value);
    Now: value => Self::Time(value.0);
    &'a [OrderId]: value => Self::Ids(value);
}
