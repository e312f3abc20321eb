//! Decides what an answer to a target's create call means for the order.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tracing::Span;

use super::{Call, refused_fields};
use crate::cause::{Cause, CauseKind};
use crate::klarna::http::{self, is_id};
use crate::klarna::pauses::retry_after;
use crate::klarna::redact::Redactor;
use crate::order::OrderResult;
use crate::received::{Document, Members};

/// The most messages that are kept. More would tell a shop nothing new.
const MOST_MESSAGES: usize = 20;

/// The result of a create call. Klarna's texts in it are redacted and cut. `correlation_id`
/// identifies the call for Klarna's support.
#[derive(Clone, PartialEq, Eq)]
pub enum CreateAnswer {
    /// Klarna created the order or session.
    Created {
        /// Klarna's id of the order or session.
        klarna_id: String,
        /// What the shop gets for the shopper's browser; `None` if the answer does not tell.
        result: Option<OrderResult>,
        /// Klarna's id of the call.
        correlation_id: Option<String>,
    },
    /// Klarna will never accept this order as it is.
    BadOrder {
        /// The HTTP status.
        status: u16,
        /// Klarna's messages; never empty.
        messages: Vec<String>,
        /// Klarna's `error_code`.
        error_code: Option<String>,
        /// Klarna's id of the call.
        correlation_id: Option<String>,
    },
    /// Klarna refuses the merchant's settings (credentials, region, product, address). Every order
    /// of this merchant would get the same answer.
    Unauthorised {
        /// The HTTP status.
        status: u16,
        /// Klarna's messages; never empty.
        messages: Vec<String>,
        /// Klarna's id of the call.
        correlation_id: Option<String>,
    },
    /// Too many calls. Nothing was created.
    Throttled {
        /// The pause that Klarna asks for.
        retry_after: Option<Duration>,
    },
    /// No usable answer. The order must be sent again.
    Unavailable {
        /// What happened: the answer's status and code, or a kind of failure.
        cause: Cause,
        /// Klarna's own words, which may quote the order.
        words: Option<String>,
        /// Whether Klarna may have created the order anyway, so that sending it again may create a
        /// second one.
        maybe_created: bool,
        /// The pause that Klarna asks for.
        retry_after: Option<Duration>,
        /// Klarna's id of the call.
        correlation_id: Option<String>,
    },
}

impl CreateAnswer {
    /// Returns whether Klarna may accept the order without the prefilled fields (JSON pointers).
    #[must_use]
    pub fn is_due_to(&self, prefilled: &[String]) -> bool {
        match self {
            Self::BadOrder { status: 400 | 422, messages, .. } => {
                refused_fields::is_due_to(messages, prefilled)
            }
            _ => false,
        }
    }

    /// Returns its word in metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::BadOrder { .. } => "bad_order",
            Self::Unauthorised { .. } => "unauthorised",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}

/// Leaves out the result, because it belongs to the shopper's session.
impl fmt::Debug for CreateAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { klarna_id, .. } => write!(f, "Created({klarna_id}, …)"),
            Self::BadOrder { status, messages, error_code, .. } => {
                write!(f, "BadOrder({status}, {error_code:?}, {messages:?})")
            }
            Self::Unauthorised { status, messages, .. } => write!(f, "Unauthorised({status}, {messages:?})"),
            Self::Throttled { retry_after } => write!(f, "Throttled({retry_after:?})"),
            Self::Unavailable { cause, words, maybe_created, .. } => {
                write!(f, "Unavailable({cause}, {words:?}, maybe_created: {maybe_created})")
            }
        }
    }
}

/// Reads a whole answer, and records Klarna's correlation id in the current span. A pause that it
/// asks for is shortened to `longest_pause`. The redactor is created only if texts of Klarna are
/// kept.
///
/// A 2xx that names no id counts as perhaps created: the order exists, but its id is unknown. So
/// does every 5xx, including 503, and 409, which reports an earlier request with the same key.
/// Redirects are never followed. Of them, only 303 says that the request was carried out (RFC 9110
/// section 15.4.4). The others, 404, 405 and 410 mean that the target's address is wrong.
pub(crate) fn classify(
    call: &Call,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    longest_pause: Duration,
    redactor: impl Fn() -> Option<Redactor>,
) -> CreateAnswer {
    let code = status.as_u16();
    let document = Document::new(body);
    let members = document.members();
    let retry_after = || retry_after(headers, longest_pause);
    let correlation_id = || http::correlation_id(headers).or_else(|| id_in(&members));
    if let Some(id) = correlation_id() {
        Span::current().record("correlation", id);
    }
    let described = || describe(status, body, &members, redactor().as_ref());
    let unavailable = |maybe_created, (cause, words)| CreateAnswer::Unavailable {
        cause,
        words,
        maybe_created,
        retry_after: retry_after(),
        correlation_id: correlation_id(),
    };
    match code {
        200..=299 => {
            let Some(klarna_id) = call.id(&members, headers) else {
                let what = format!("HTTP {code} from Klarna, but no order can be read from it");
                return unavailable(true, (Cause::new(what).of_kind(CauseKind::Status(code)), None));
            };
            let result = call.result(&members);
            CreateAnswer::Created { klarna_id, result, correlation_id: correlation_id() }
        }
        429 => CreateAnswer::Throttled { retry_after: retry_after() },
        // Klarna did not wait for the whole request (408), or did not want it yet (425).
        408 | 425 => unavailable(false, described()),
        303 | 409 => unavailable(true, described()),
        401 | 403 | 404 | 405 | 410 | 300..=399 => {
            let messages = messages(body, &members, redactor().as_ref());
            CreateAnswer::Unauthorised { status: code, messages, correlation_id: correlation_id() }
        }
        400..=499 => {
            let redactor = redactor();
            CreateAnswer::BadOrder {
                status: code,
                error_code: error_code(&members, redactor.as_ref()),
                messages: messages(body, &members, redactor.as_ref()),
                correlation_id: correlation_id(),
            }
        }
        _ => unavailable(true, described()),
    }
}

/// Returns an id without characters that no id has, such as NUL. If the whole answer were refused
/// instead, the order would be created a second time.
pub(super) fn id(members: &Members<'_>, name: &str) -> Option<String> {
    let mut id = members.text(name)?;
    id.retain(|c| !(c.is_control() || c.is_whitespace() || c == '\u{fffd}'));
    is_id(&id).then_some(id)
}

pub(in crate::klarna) fn error_code(members: &Members<'_>, redactor: Option<&Redactor>) -> Option<String> {
    let code = redactor?.clean(&members.text("error_code")?);
    is_id(&code).then_some(code)
}

/// Returns Klarna's messages. Answers have `error_messages` or `error_message`, or neither if
/// something between Klarna and this service answered.
pub(in crate::klarna) fn messages(
    body: &[u8],
    members: &Members<'_>,
    redactor: Option<&Redactor>,
) -> Vec<String> {
    cleaned(&texts(members), body, redactor)
}

fn texts(members: &Members<'_>) -> Vec<String> {
    let mut texts = members.texts("error_messages", MOST_MESSAGES);
    texts.extend(members.texts("error_message", MOST_MESSAGES - texts.len()));
    texts
}

fn cleaned(texts: &[String], body: &[u8], redactor: Option<&Redactor>) -> Vec<String> {
    let clean = |redactor: &Redactor| -> Vec<String> {
        let cleaned = texts.iter().map(|text| redactor.clean(text));
        cleaned.filter(|text| !text.trim().is_empty()).collect()
    };
    let mut messages = redactor.map(clean).unwrap_or_default();
    if messages.is_empty() {
        messages.push(match redactor {
            Some(_) => format!("no reason given ({})", kind(body)),
            None => "the reason is not kept, because it may repeat the shopper's data".to_owned(),
        });
    }
    messages
}

/// Returns what kind of body an answer without a reason has.
fn kind(body: &[u8]) -> &'static str {
    match body.trim_ascii_start().first() {
        None => "empty answer",
        Some(b'<') => "an HTML page",
        Some(b'{' | b'[') => "JSON without a message",
        Some(_) => "not JSON",
    }
}

/// Describes an answer: its status and Klarna's code, and Klarna's messages if it has any.
pub(in crate::klarna) fn describe(
    status: StatusCode,
    body: &[u8],
    members: &Members<'_>,
    redactor: Option<&Redactor>,
) -> (Cause, Option<String>) {
    let code = error_code(members, redactor).map_or_else(String::new, |code| format!(" ({code})"));
    let texts = texts(members);
    let has_words = !texts.is_empty();
    let words = has_words.then(|| cleaned(&texts, body, redactor).join("; "));
    let kind = if has_words || body.is_empty() { String::new() } else { format!(", with {}", kind(body)) };
    let status = status.as_u16();
    let cause = Cause::new(format!("HTTP {status}{code} from Klarna{kind}"));
    (cause.of_kind(CauseKind::Status(status)), words)
}

fn id_in(members: &Members<'_>) -> Option<String> {
    members.text("correlation_id").filter(|id| is_id(id))
}
