//! The envelope of a submitted order: merchant, user, order body and options.

use std::collections::HashSet;

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::body::not_json;
use super::fields::{Faults, Fields, Need, excerpt};
use super::json::{Kind, MAX_FORM_FAULTS, TWICE, not_an_object};
use super::{Body, Fault, Rejection, Target, check};
use crate::ids::{MerchantName, UserId};

const MEMBERS: [&str; 8] =
    ["merchant", "user", "order", "target", "prefill", "not_before", "deadline", "idempotency_key"];

/// The most characters of an idempotency key.
const MOST_CHARACTERS: usize = 255;

/// A submitted order that keeps Klarna's rules:
///
/// ```json
/// {"merchant": …, "user": …, "order": {…}, "target": …, "prefill": …, "not_before": …,
///  "deadline": …, "idempotency_key": …}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// The merchant's name in the settings. This type does not check that the merchant exists.
    pub merchant: MerchantName,
    /// The shop's own id for the user whose refresh token is used.
    pub user: UserId,
    /// Klarna's order body, exactly as the shop wrote it.
    pub body: Body,
    /// The target that the order is submitted to. `None`: use the merchant's setting.
    pub target: Option<Target>,
    /// Whether to fill in absent fields from the `id_token`. `None`: use the merchant's setting.
    pub prefill: Option<bool>,
    /// Do not submit the order before this time.
    pub not_before: Option<DateTime<Utc>>,
    /// Do not submit the order after this time. Later than `not_before`.
    pub deadline: Option<DateTime<Utc>>,
    /// The shop's id for this request. The same key again does not order twice.
    pub idempotency_key: Option<String>,
}

impl NewOrder {
    /// Reads an envelope and checks its order against the rules of its target. The order's text is
    /// kept byte for byte. Times are cut to microseconds, which is what the stores save.
    ///
    /// `default` returns the target of an order that names none, by its merchant.
    ///
    /// # Errors
    /// [`Rejection::TooLarge`] for an order larger than [`super::MAX_BODY`]; otherwise every fault
    /// of the envelope and of the order (under `/order`). Unknown members are faults, because a
    /// misspelt option would silently do nothing.
    pub fn parse(text: &str, default: impl FnOnce(&MerchantName) -> Target) -> Result<Self, Rejection> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        let envelope = Fields::of_envelope(raw)
            .ok_or_else(|| Rejection::Faults(vec![Fault::new("", not_an_object(raw))]))?;
        let mut faults = Faults::new(raw.get());
        check_members(&envelope, &MEMBERS, &mut faults);
        let merchant = name(&envelope, "merchant", MerchantName::parse, &mut faults);
        let user = name(&envelope, "user", UserId::parse, &mut faults);
        let target = target(&envelope, &mut faults);
        let rules = target.or_else(|| merchant.as_ref().map(default)).unwrap_or(Target::Checkout);
        let body = order(&envelope, rules, &mut faults)?;
        let prefill = envelope.boolean("prefill", &mut faults);
        let not_before = time(&envelope, "not_before", &mut faults);
        let deadline = time(&envelope, "deadline", &mut faults);
        if let (Some(not_before), Some(deadline)) = (not_before, deadline)
            && deadline <= not_before
        {
            envelope.fault("deadline", "is not after not_before: expected a later time", &mut faults);
        }
        let idempotency_key = idempotency_key(&envelope, &mut faults);
        match (merchant, user, body) {
            (Some(merchant), Some(user), Some(body)) if faults.is_empty() => {
                Ok(Self { merchant, user, body, target, prefill, not_before, deadline, idempotency_key })
            }
            _ => Err(Rejection::Faults(faults.sorted())),
        }
    }

    /// Returns the SHA-256 over everything except the idempotency key, each part after its length.
    /// It shows whether a repeated request with the same key is for the same order.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let micros = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp_micros().to_be_bytes());
        let mut hash = Sha256::new();
        let mut part = |bytes: Option<&[u8]>| {
            // No part has the length u64::MAX, so this separates an absent part from an empty one.
            let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(bytes.unwrap_or_default());
        };
        part(Some(self.merchant.as_str().as_bytes()));
        part(Some(self.user.as_str().as_bytes()));
        part(Some(self.body.as_str().as_bytes()));
        part(self.prefill.map(|prefill| [u8::from(prefill)]).as_ref().map(<[u8; 1]>::as_slice));
        part(micros(self.not_before).as_ref().map(<[u8; 8]>::as_slice));
        part(micros(self.deadline).as_ref().map(<[u8; 8]>::as_slice));
        part(self.target.map(|target| target.as_str().as_bytes()));
        hash.finalize().into()
    }
}

/// Reads the body of a request that changes an order, `{"order":{…}}`, and checks the order against
/// the rules of its target, as [`NewOrder::parse`].
///
/// # Errors
/// As [`NewOrder::parse`].
pub fn parse_change(text: &str, target: Target) -> Result<Body, Rejection> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    let envelope = Fields::of_envelope(raw)
        .ok_or_else(|| Rejection::Faults(vec![Fault::new("", not_an_object(raw))]))?;
    let mut faults = Faults::new(raw.get());
    check_members(&envelope, &["order"], &mut faults);
    match order(&envelope, target, &mut faults)? {
        Some(body) if faults.is_empty() => Ok(body),
        _ => Err(Rejection::Faults(faults.sorted())),
    }
}

/// Checks an idempotency key: 1 to 255 visible ASCII characters, so that an HTTP header can contain
/// it.
///
/// # Errors
/// If it is invalid: what is wrong and what is expected, as a phrase to read after the position.
pub fn check_idempotency_key(key: &str) -> Result<(), &'static str> {
    let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_visible && (1..=MOST_CHARACTERS).contains(&key.len()) {
        Ok(())
    } else {
        Err("is not a valid idempotency key, expected 1 to 255 visible ASCII characters without spaces")
    }
}

/// Reports members that are unknown or occur twice. The number of reports is limited, because
/// nothing else limits it.
fn check_members(envelope: &Fields<'_>, known: &[&str], faults: &mut Faults<'_>) {
    let mut seen = HashSet::new();
    let wrong = envelope.members().filter_map(|(name, value)| {
        if !known.contains(&name) {
            let message = format!("is unknown: expected one of {}", known.join(", "));
            return Some((name, value, message));
        }
        (!seen.insert(name)).then(|| (name, value, TWICE.to_owned()))
    });
    for (name, value, message) in wrong.take(MAX_FORM_FAULTS) {
        faults.add(value.get(), Fault::new(envelope.pointer(name), message));
    }
}

/// Reads the name of a merchant or the id of a user.
fn name<T>(
    envelope: &Fields<'_>,
    member: &str,
    parse: fn(&str) -> Result<T, &'static str>,
    faults: &mut Faults<'_>,
) -> Option<T> {
    let text = envelope.string(member, Need::Required, &(0..=usize::MAX), faults)?;
    valid(envelope, member, parse(&text), faults)
}

fn idempotency_key(envelope: &Fields<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = envelope.string("idempotency_key", Need::Optional, &(0..=usize::MAX), faults)?;
    let key = check_idempotency_key(&text).map(|()| text.into_owned());
    valid(envelope, "idempotency_key", key, faults)
}

fn valid<T>(
    envelope: &Fields<'_>,
    member: &str,
    read: Result<T, &'static str>,
    faults: &mut Faults<'_>,
) -> Option<T> {
    read.map_err(|message| envelope.fault(member, message, faults)).ok()
}

/// Reads the target. An unknown word is a fault.
fn target(envelope: &Fields<'_>, faults: &mut Faults<'_>) -> Option<Target> {
    let word = envelope.string("target", Need::Optional, &(0..=usize::MAX), faults)?;
    let read = word.parse::<Target>();
    read.map_err(|unknown| {
        envelope.fault(
            "target",
            format!("is {:?}, expected one of {}", excerpt(&word), unknown.expected),
            faults,
        );
    })
    .ok()
}

fn order(envelope: &Fields<'_>, target: Target, faults: &mut Faults<'_>) -> Result<Option<Body>, Rejection> {
    let Some(raw) =
        envelope.value("order", Need::Required, Kind::Object, "an object, Klarna's order", faults)
    else {
        return Ok(None);
    };
    let (body, found) = match Body::parse(raw.get()) {
        Ok(body) => {
            let found = check(target, &body);
            (Some(body), found)
        }
        Err(Rejection::Faults(found)) => (None, found),
        Err(Rejection::TooLarge) => return Err(Rejection::TooLarge),
    };
    for fault in found {
        faults.add(raw.get(), fault.under("/order"));
    }
    Ok(body)
}

fn time(envelope: &Fields<'_>, member: &str, faults: &mut Faults<'_>) -> Option<DateTime<Utc>> {
    let text = envelope.string(member, Need::Optional, &(0..=usize::MAX), faults)?;
    let time = DateTime::parse_from_rfc3339(&text).ok();
    if time.is_none() {
        envelope.fault(member, "is not a time; expected RFC 3339 such as 2026-01-31T12:00:00Z", faults);
    }
    time.map(|time| time.to_utc().trunc_subsecs(6))
}

#[cfg(test)]
mod tests;
