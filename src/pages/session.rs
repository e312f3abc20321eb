//! Sessions: who signed in and when, in a cookie that this installation signed. The server stores
//! nothing, so every process accepts the sessions of the others.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use subtle::ConstantTimeEq;

use crate::config::{ApiKey, Credential};
use crate::vault::sealing::Secrets;

/// How long a session lasts after the sign-in.
pub(super) const LIFETIME: TimeDelta = TimeDelta::hours(12);
/// How long a session lasts without a page that the operator requested.
pub(super) const IDLE: TimeDelta = TimeDelta::hours(1);
/// How old a cookie must be to be renewed.
const RENEW: TimeDelta = TimeDelta::minutes(1);

/// The length of a cookie's content: both times, the session's id and the key's hash.
const LENGTH: usize = 8 + 8 + 16 + 32;
const SIGNATURE: usize = 32;

/// Who signed in, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    began: i64,
    seen: i64,
    /// A random id, to tell it from other sessions of the same key.
    id: [u8; 16],
    /// A keyed hash of the API key's hash. When the key is removed from the settings, its sessions
    /// end.
    key: [u8; 32],
}

/// Signs sessions and verifies them.
pub(super) struct Sessions(Arc<Secrets>);

impl Sessions {
    pub(super) fn new(secrets: Arc<Secrets>) -> Self {
        Self(secrets)
    }

    /// Starts a session with this key.
    pub(super) fn begin(&self, key: &ApiKey, now: DateTime<Utc>) -> Session {
        let now = now.timestamp();
        Session { began: now, seen: now, id: rand::random(), key: self.name_of(key) }
    }

    /// Returns whether the session was started with this key.
    pub(super) fn is_of(&self, session: &Session, key: &ApiKey) -> bool {
        session.key.ct_eq(&self.name_of(key)).into()
    }

    /// Returns the cookie's value.
    pub(super) fn seal(&self, session: &Session) -> String {
        let mut bytes = session.bytes();
        bytes.extend(self.sign("cookie", &bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the session in a cookie's value, unless it has ended or its signature is wrong.
    pub(super) fn open(&self, value: &str, now: DateTime<Utc>) -> Option<Session> {
        let bytes = URL_SAFE_NO_PAD.decode(value).ok().filter(|bytes| bytes.len() == LENGTH + SIGNATURE)?;
        let (bytes, signature) = bytes.split_at(LENGTH);
        if !bool::from(self.sign("cookie", bytes).ct_eq(signature)) {
            return None;
        }
        let session = Session::of(bytes)?;
        session.lasts(now).then_some(session)
    }

    /// Returns the session with a new time of use, if its cookie should be renewed.
    pub(super) fn renewed(session: &Session, now: DateTime<Utc>) -> Option<Session> {
        let old = now.timestamp() - session.seen >= RENEW.num_seconds();
        old.then(|| Session { seen: now.timestamp(), ..session.clone() })
    }

    /// Returns the token that every form of the session contains. `None` stands for this machine,
    /// if there are no keys.
    pub(super) fn form_token(&self, session: Option<&Session>) -> String {
        URL_SAFE_NO_PAD.encode(self.sign("form", session.map_or(&[][..], |session| &session.id)))
    }

    fn name_of(&self, key: &ApiKey) -> [u8; 32] {
        match &key.credential {
            Credential::Key(sha256) => self.sign("key", sha256),
            Credential::Certificate(name) => self.sign("certificate", name.as_bytes()),
        }
    }

    fn sign(&self, what: &str, bytes: &[u8]) -> [u8; 32] {
        self.0.hasher().session(what, bytes)
    }
}

impl Session {
    fn bytes(&self) -> Vec<u8> {
        let Self { began, seen, id, key } = self;
        [&began.to_be_bytes()[..], &seen.to_be_bytes(), id, key].concat()
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let (began, rest) = bytes.split_first_chunk()?;
        let (seen, rest) = rest.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        let key = rest.try_into().ok()?;
        Some(Self { began: i64::from_be_bytes(*began), seen: i64::from_be_bytes(*seen), id: *id, key })
    }

    fn lasts(&self, now: DateTime<Utc>) -> bool {
        let now = now.timestamp();
        now - self.began < LIFETIME.num_seconds() && now - self.seen < IDLE.num_seconds()
    }
}
