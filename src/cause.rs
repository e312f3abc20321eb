//! What a call to another service failed with.

use std::fmt;

/// What a call failed with, in words without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The kind of failure, such as `HTTP 503` or `no answer`.
    pub what: String,
    /// More about it.
    pub detail: Option<String>,
    /// The kind of failure for programs, if it is known.
    pub kind: Option<CauseKind>,
}

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseKind {
    /// An answer had this HTTP status.
    Status(u16),
    /// The request was not sent.
    NotReached,
    /// The request was sent, and no complete answer came.
    NoAnswer,
    /// The service asked for a pause.
    AskedToWait,
    /// A limit of calls was reached.
    RateLimit,
}

impl Cause {
    /// Returns a cause without a detail.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), detail: None, kind: None }
    }

    /// Adds the kind, if it is known.
    #[must_use]
    pub fn of_kind(self, kind: impl Into<Option<CauseKind>>) -> Self {
        Self { kind: kind.into(), ..self }
    }

    /// Adds a detail, if there is one.
    #[must_use]
    pub fn with(self, detail: impl Into<Option<String>>) -> Self {
        Self { detail: detail.into().or(self.detail), ..self }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}
