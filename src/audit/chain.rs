//! The chain of a process: the place of each row in it, and its hash.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::entry::Recorded;
use crate::received::storable;
use crate::store::{AuditRow, NewestAuditRow};
use crate::vault::sealing::Hasher;

/// What the first row of all has in place of the hash of a row before it.
pub(super) const NO_HASH: [u8; 32] = [0; 32];

/// The end of a chain, to which the next row is added.
pub(super) struct Chain {
    id: Uuid,
    number: i64,
    /// The newest row of the table when the chain began; for its first row alone.
    joined_id: Option<i64>,
    previous_at: Option<DateTime<Utc>>,
    previous_hash: Vec<u8>,
}

impl Chain {
    /// Begins a chain after the newest row of the table, if there is one: whoever deletes that row,
    /// or the end of its chain, breaks this one.
    pub(super) fn begin(newest: Option<NewestAuditRow>) -> Self {
        // By their ids, chains sort by the time of their start.
        let id = Uuid::now_v7();
        match newest {
            Some(NewestAuditRow { id: joined, happened_at, hash }) => Self {
                id,
                number: 0,
                joined_id: Some(joined),
                previous_at: Some(happened_at),
                previous_hash: hash,
            },
            None => {
                Self { id, number: 0, joined_id: None, previous_at: None, previous_hash: NO_HASH.to_vec() }
            }
        }
    }

    /// Adds a row.
    pub(super) fn add(&mut self, recorded: Recorded, hasher: &Hasher) -> AuditRow {
        let Recorded { at, user_hash, entry } = recorded;
        self.number += 1;
        let first = self.number == 1;
        let mut row = AuditRow {
            id: 0,
            chain: self.id,
            number: self.number,
            // Retention deletes by time, so a clock that steps back must not mix up the chain.
            happened_at: self.previous_at.filter(|_| !first).map_or(at, |previous| at.max(previous)),
            actor: text(&entry.actor.to_string()),
            action: entry.action.as_str().to_owned(),
            outcome: entry.outcome.as_str().to_owned(),
            request_id: entry.request_id.as_deref().map(text),
            merchant: entry.merchant.as_ref().map(|merchant| text(merchant.as_str())),
            user_hash,
            object: entry.object.as_deref().map(text),
            joined_id: self.joined_id.filter(|_| first),
            previous_at: self.previous_at,
            previous_hash: std::mem::take(&mut self.previous_hash),
            hash: Vec::new(),
        };
        row.hash = hash(&row, hasher).to_vec();
        self.previous_at = Some(row.happened_at);
        self.previous_hash.clone_from(&row.hash);
        row
    }
}

/// Returns a text as both engines store it, because the hash is of what is stored.
fn text(text: &str) -> String {
    storable(text).into_owned()
}

/// Returns the hash of a row, over everything but its number in the table.
pub(super) fn hash(row: &AuditRow, hasher: &Hasher) -> [u8; 32] {
    let AuditRow {
        id: _,
        chain,
        number,
        happened_at,
        actor,
        action,
        outcome,
        request_id,
        merchant,
        user_hash,
        object,
        joined_id,
        previous_at,
        previous_hash,
        hash: _,
    } = row;
    hasher.audit_row(&[
        chain.as_bytes().to_vec(),
        number.to_be_bytes().to_vec(),
        micros(*happened_at),
        actor.as_bytes().to_vec(),
        action.as_bytes().to_vec(),
        outcome.as_bytes().to_vec(),
        optional(request_id.as_deref().map(str::as_bytes)),
        optional(merchant.as_deref().map(str::as_bytes)),
        optional(user_hash.as_deref()),
        optional(object.as_deref().map(str::as_bytes)),
        optional(joined_id.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice)),
        optional(previous_at.map(micros).as_deref()),
        previous_hash.clone(),
    ])
}

fn micros(time: DateTime<Utc>) -> Vec<u8> {
    time.timestamp_micros().to_be_bytes().to_vec()
}

/// Tells a missing value from an empty one.
fn optional(value: Option<&[u8]>) -> Vec<u8> {
    value.map_or_else(Vec::new, |value| [&[1], value].concat())
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::audit::{Action, Actor, Entry};

    fn recorded(at: i64, object: &str) -> Recorded {
        let entry = Entry::new(Actor::Local, Action::TokenRead).object(object);
        Recorded { at: DateTime::from_timestamp(at, 0).unwrap(), user_hash: None, entry }
    }

    #[test]
    fn each_row_carries_the_hash_of_the_one_before() {
        let hasher = Hasher::new(&Zeroizing::new([7; 32]));
        let mut chain = Chain::begin(None);
        let rows: Vec<AuditRow> = [(5, "a"), (3, "b"), (9, "c")]
            .map(|(at, object)| chain.add(recorded(at, object), &hasher))
            .into();
        assert_eq!(rows[0].previous_hash, NO_HASH);
        for (before, after) in rows.iter().zip(&rows[1..]) {
            assert_eq!(after.previous_hash, before.hash);
            assert_eq!(after.number, before.number + 1);
            assert_eq!(after.previous_at, Some(before.happened_at));
        }
        // The clock went back; the chain does not.
        assert_eq!(rows.iter().map(|row| row.happened_at.timestamp()).collect::<Vec<_>>(), [5, 5, 9]);

        let newest = NewestAuditRow { id: 3, happened_at: rows[2].happened_at, hash: rows[2].hash.clone() };
        let mut other = Chain::begin(Some(newest));
        let joined = [other.add(recorded(1, "d"), &hasher), other.add(recorded(2, "e"), &hasher)];
        assert_eq!(joined[0].previous_hash, rows[2].hash);
        assert_eq!([joined[0].joined_id, joined[1].joined_id], [Some(3), None]);
        assert_eq!(joined[0].happened_at.timestamp(), 1, "another process has another clock");
    }

    #[test]
    fn nothing_is_cut() {
        let hasher = Hasher::new(&Zeroizing::new([7; 32]));
        let keys = "key-of-a-shop,".repeat(500);
        assert_eq!(Chain::begin(None).add(recorded(5, &keys), &hasher).object, Some(keys));
    }

    #[test]
    fn whatever_is_changed_changes_the_hash() {
        let hasher = Hasher::new(&Zeroizing::new([7; 32]));
        let row = Chain::begin(None).add(recorded(5, ""), &hasher);
        let changes: [fn(&mut AuditRow); 12] = [
            |row| row.chain = Uuid::nil(),
            |row| row.number += 1,
            |row| row.happened_at = DateTime::UNIX_EPOCH,
            |row| row.actor.push('x'),
            |row| row.action.push('x'),
            |row| row.outcome.push('x'),
            |row| row.request_id = Some(String::new()),
            |row| row.merchant = Some(String::new()),
            |row| row.user_hash = Some(Vec::new()),
            |row| row.object = None,
            |row| row.joined_id = Some(0),
            |row| row.previous_at = Some(DateTime::UNIX_EPOCH),
        ];
        for (at, change) in changes.iter().enumerate() {
            let mut other = row.clone();
            change(&mut other);
            assert_ne!(hash(&other, &hasher), hash(&row, &hasher), "change {at}");
        }
        assert_ne!(hash(&row, &Hasher::new(&Zeroizing::new([8; 32]))), hash(&row, &hasher), "another key");
    }
}
