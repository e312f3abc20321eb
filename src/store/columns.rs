//! Reads columns in the same way on both engines, and converts times, which the engines store
//! differently.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgRow, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteRow, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Postgres, Row, Sqlite, Type};
use uuid::Uuid;

use super::StoreError;
use crate::ids::{
    ClaimNumber, MerchantName, PresentationNumber, Provider, TokenId, TokenVersion, UserId, UserKey,
};

/// A time as stored: `timestamptz` on PostgreSQL, microseconds since 1970 on SQLite (its text forms
/// do not sort).
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp(pub DateTime<Utc>);

impl Type<Postgres> for Stamp {
    fn type_info() -> PgTypeInfo {
        <DateTime<Utc> as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Stamp {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode_by_ref(&self.0, buffer)
    }
}

/// PostgreSQL's times begin in 2000.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

impl<'r> Decode<'r, Postgres> for Stamp {
    /// PostgreSQL has years up to 294276 and infinity, at which chrono's own decoding panics.
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.format() == PgValueFormat::Text {
            return <DateTime<Utc> as Decode<Postgres>>::decode(value).map(Self);
        }
        let micros = <i64 as Decode<Postgres>>::decode(value)?.checked_add(POSTGRES_EPOCH_MICROS);
        let time = micros.and_then(DateTime::from_timestamp_micros);
        time.map(Self).ok_or_else(|| "a time out of range".into())
    }
}

impl Type<Sqlite> for Stamp {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Stamp {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode_by_ref(&self.0.timestamp_micros(), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for Stamp {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        let micros = <i64 as Decode<Sqlite>>::decode(value)?;
        DateTime::from_timestamp_micros(micros).map(Self).ok_or_else(|| "a time out of range".into())
    }
}

/// Reads the columns of a row of either engine.
pub(super) trait Columns {
    fn text(&self, column: &str) -> sqlx::Result<String>;
    fn opt_text(&self, column: &str) -> sqlx::Result<Option<String>>;
    fn int(&self, column: &str) -> sqlx::Result<i64>;
    fn opt_int(&self, column: &str) -> sqlx::Result<Option<i64>>;
    fn flag(&self, column: &str) -> sqlx::Result<bool>;
    fn opt_flag(&self, column: &str) -> sqlx::Result<Option<bool>>;
    fn uuid(&self, column: &str) -> sqlx::Result<Uuid>;
    fn opt_uuid(&self, column: &str) -> sqlx::Result<Option<Uuid>>;
    fn bytes(&self, column: &str) -> sqlx::Result<Vec<u8>>;
    fn opt_bytes(&self, column: &str) -> sqlx::Result<Option<Vec<u8>>>;
    fn time(&self, column: &str) -> sqlx::Result<DateTime<Utc>>;
    fn opt_time(&self, column: &str) -> sqlx::Result<Option<DateTime<Utc>>>;

    /// An id that is a UUID.
    fn id<T: From<Uuid>>(&self, column: &str) -> sqlx::Result<T> {
        self.uuid(column).map(T::from)
    }

    fn opt_id<T: From<Uuid>>(&self, column: &str) -> sqlx::Result<Option<T>> {
        Ok(self.opt_uuid(column)?.map(T::from))
    }

    fn token(&self, column: &str) -> sqlx::Result<TokenId> {
        self.int(column).map(TokenId)
    }

    fn claim_number(&self) -> sqlx::Result<ClaimNumber> {
        self.int("claim_number").map(ClaimNumber)
    }

    fn presentation_number(&self) -> sqlx::Result<PresentationNumber> {
        self.int("presentation").map(PresentationNumber)
    }

    /// A token's row and generation; `column` names the row.
    fn version(&self, column: &str) -> sqlx::Result<TokenVersion> {
        Ok(TokenVersion { token: self.token(column)?, generation: self.int("generation")? })
    }

    fn merchant(&self) -> sqlx::Result<MerchantName> {
        self.text("merchant").map(Into::into)
    }

    fn user(&self) -> sqlx::Result<UserId> {
        self.text("user_id").map(Into::into)
    }

    fn owner(&self) -> sqlx::Result<UserKey> {
        Ok(UserKey { merchant: self.merchant()?, user: self.user()? })
    }

    fn provider(&self, column: &str) -> Result<Option<Provider>, StoreError> {
        let bytes = self.opt_bytes(column)?;
        let read = |bytes: Vec<u8>| Provider::try_from(&bytes[..]);
        bytes.map(read).transpose().map_err(|_| StoreError::Unreadable(format!("column {column}")))
    }

    /// A number of rows.
    fn count(&self, column: &str) -> sqlx::Result<u64> {
        Ok(u64::try_from(self.int(column)?).unwrap_or_default())
    }

    /// A value of an enum, stored as its word.
    fn parsed<T: FromStr>(&self, column: &str) -> Result<T, StoreError> {
        parse(column, &self.text(column)?)
    }

    fn opt_parsed<T: FromStr>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.opt_text(column)?.map(|word| parse(column, &word)).transpose()
    }
}

fn parse<T: FromStr>(column: &str, word: &str) -> Result<T, StoreError> {
    word.parse().map_err(|_| StoreError::Unreadable(format!("{column} {word:?}")))
}

macro_rules! columns {
    ($row:ty) => {
        impl Columns for $row {
            fn text(&self, column: &str) -> sqlx::Result<String> {
                self.try_get(column)
            }
            fn opt_text(&self, column: &str) -> sqlx::Result<Option<String>> {
                self.try_get(column)
            }
            fn int(&self, column: &str) -> sqlx::Result<i64> {
                self.try_get(column)
            }
            fn opt_int(&self, column: &str) -> sqlx::Result<Option<i64>> {
                self.try_get(column)
            }
            fn flag(&self, column: &str) -> sqlx::Result<bool> {
                self.try_get(column)
            }
            fn opt_flag(&self, column: &str) -> sqlx::Result<Option<bool>> {
                self.try_get(column)
            }
            fn uuid(&self, column: &str) -> sqlx::Result<Uuid> {
                self.try_get(column)
            }
            fn opt_uuid(&self, column: &str) -> sqlx::Result<Option<Uuid>> {
                self.try_get(column)
            }
            fn bytes(&self, column: &str) -> sqlx::Result<Vec<u8>> {
                self.try_get(column)
            }
            fn opt_bytes(&self, column: &str) -> sqlx::Result<Option<Vec<u8>>> {
                self.try_get(column)
            }
            fn time(&self, column: &str) -> sqlx::Result<DateTime<Utc>> {
                self.try_get::<Stamp, _>(column).map(|stamp| stamp.0)
            }
            fn opt_time(&self, column: &str) -> sqlx::Result<Option<DateTime<Utc>>> {
                self.try_get::<Option<Stamp>, _>(column).map(|stamp| stamp.map(|stamp| stamp.0))
            }
        }
    };
}

columns!(PgRow);
columns!(SqliteRow);

/// Reads rows one by one. A row that cannot be read is left out and reported in the log, so that
/// the caller still gets the others.
pub(super) fn readable<R, T>(
    what: &'static str,
    rows: &[R],
    read: impl Fn(&R) -> Result<T, StoreError>,
) -> Vec<T> {
    let read = rows.iter().map(read).filter_map(|row| {
        row.inspect_err(|error| tracing::error!(what, %error, "A row cannot be read; it is left out")).ok()
    });
    read.collect()
}
