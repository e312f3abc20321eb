//! Who views a page, and what they may see; and forms, which only pages of this service may send.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::header::{COOKIE, ETAG, HOST, HeaderMap, HeaderValue, IF_NONE_MATCH, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::timeout;

use super::Pages;
use super::audited::Asked;
use super::failure::Failure;
use super::fields::Fields;
use super::frame::{self, Account, MenuItem};
use super::replica;
use super::session::{LIFETIME, Session, Sessions};
use crate::audit::{Action, Actor, Entry};
use crate::config::{ApiKey, Scope};
use crate::ids::MerchantName;
use crate::telemetry::LogThrottle;

/// The largest form, in bytes.
const LARGEST_FORM: usize = 16 * 1024;

/// The one form that every viewer may send.
const SIGN_OUT: &str = "/sign-out";

/// How long a form may take to arrive. Anybody can send one to the sign-in.
const FORM: Duration = Duration::from_secs(5);

/// Set by the script that updates pages. Its requests do not count as use of the session.
const LIVE: &str = "x-live";

/// The cookie's name with TLS, which browsers accept only from this host, and without.
const SECURE_COOKIE: &str = "__Host-klarna-worker";
const PLAIN_COOKIE: &str = "klarna-worker";

/// A signed-in operator, or anybody if there are no API keys.
pub(super) struct Viewer {
    key: Option<Arc<ApiKey>>,
    /// The token for their forms.
    pub(super) form_token: String,
    /// The time of the request.
    pub(super) now: DateTime<Utc>,
    /// The fields of the query.
    pub(super) query: Fields,
    /// Whether the script asks for news of a page that is shown already.
    live: bool,
    /// What the request asks for, until it has a row in the audit log.
    pub(super) asked: Asked,
    renewed: Option<HeaderValue>,
    known: Option<HeaderValue>,
    /// What is told of the read replica, if there is one.
    replica: Option<Markup>,
}

/// A form that a signed-in operator sent.
pub(super) struct Posted {
    pub(super) viewer: Viewer,
    pub(super) fields: Fields,
}

impl Viewer {
    /// Returns the merchants of the settings that they may see.
    pub(super) fn merchants(&self, pages: &Pages) -> Vec<MerchantName> {
        let merchants = pages.deps.merchants.now();
        merchants.keys().filter(|merchant| self.sees(merchant)).cloned().collect()
    }

    /// Returns the merchants to query, one after the other. A single `None` means all, if they may
    /// see all and none is named.
    pub(super) fn scopes(&self, pages: &Pages, named: Option<&MerchantName>) -> Vec<Option<MerchantName>> {
        match named {
            Some(merchant) if self.sees(merchant) => vec![Some(merchant.clone())],
            Some(_) => Vec::new(),
            None if self.sees_all() => vec![None],
            None => self.merchants(pages).into_iter().map(Some).collect(),
        }
    }

    pub(super) fn sees_all(&self) -> bool {
        self.key.as_ref().is_none_or(|key| key.merchants.is_none())
    }

    /// Returns whether their key allows actions.
    pub(super) fn may_act(&self) -> bool {
        self.key.as_ref().is_none_or(|key| key.scopes.contains(&Scope::Ops))
    }

    pub(super) fn sees(&self, merchant: &MerchantName) -> bool {
        let only = self.key.as_ref().and_then(|key| key.merchants.as_ref());
        only.is_none_or(|only| only.contains(merchant.as_str()))
    }

    /// Fails if a merchant is named that their key is not valid for.
    pub(super) fn check(&self, merchant: Option<&MerchantName>) -> Result<(), Failure> {
        let may = merchant.is_none_or(|merchant| self.sees(merchant));
        may.then_some(()).ok_or(Failure::NotForKey("This merchant is not for your key."))
    }

    /// Whether they search for a name, and for nothing else, on a page that is not shown yet.
    pub(super) fn searches_alone(&self) -> bool {
        !self.live && self.query.names().eq(["q"])
    }

    /// Begins a row of the audit log about what they do.
    pub(super) fn entry(&self, action: Action) -> Entry {
        Entry::new(self.actor(), action)
    }

    /// Returns their name in the audit log.
    pub(super) fn actor(&self) -> Actor {
        self.key.as_ref().map_or(Actor::Local, |key| Actor::Key(key.name.clone()))
    }

    /// As [`Viewer::answer`], for a page with states of tokens: leaves a row about it. A page that
    /// updates itself leaves none as long as nothing has changed. `steady` is the page without what
    /// may change beside, such as counts.
    pub(super) fn answer_read(
        self,
        pages: &Pages,
        entry: Entry,
        place: MenuItem,
        title: &str,
        main: &Markup,
        steady: &Markup,
    ) -> Response {
        let live = self.live;
        self.asked.take();
        let response = self.answer_tagged(place, title, main, steady);
        // Everybody can say that the request is live, so it must also learn nothing.
        if !live || response.status() != StatusCode::NOT_MODIFIED {
            pages.deps.audit.record(entry);
        }
        response
    }

    /// Returns the page, or 304 if the browser already has it.
    pub(super) fn answer(self, place: MenuItem, title: &str, main: &Markup) -> Response {
        self.answer_tagged(place, title, main, main)
    }

    /// As [`Viewer::answer`]. The browser has the page already if it has one with the same
    /// `steady`.
    fn answer_tagged(self, place: MenuItem, title: &str, main: &Markup, steady: &Markup) -> Response {
        let name = self.key.as_ref().map(|key| key.name.as_str());
        let note = self.replica.map(|note| {
            let unneeded = note.0.is_empty();
            html! { p.wrong #replica data-live role="status" hidden[unneeded] { (note) } }
        });
        let note = note.unwrap_or_default();
        let account = Account { name, form_token: &self.form_token };
        let page = |main: &Markup| {
            frame::page(place, title, &account, self.query.get("q"), &html! { (note) (main) }).into_string()
        };
        let text = page(main);
        let told = if main.0 == steady.0 { Sha256::digest(&text) } else { Sha256::digest(page(steady)) };
        let digest = URL_SAFE_NO_PAD.encode(&told[..16]);
        let tag = HeaderValue::try_from(format!("\"{digest}\"")).ok();
        let mut response = if tag.is_some() && tag == self.known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Html(text).into_response()
        };
        response.headers_mut().extend(tag.map(|tag| (Some(ETAG), tag)));
        response.headers_mut().extend(self.renewed.map(|cookie| (Some(SET_COOKIE), cookie)));
        response
    }
}

impl FromRequestParts<Arc<Pages>> for Viewer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, pages: &Arc<Pages>) -> Result<Self, Failure> {
        let now = pages.deps.clock.now();
        let query = Fields::of(parts.uri.query().unwrap_or_default().as_bytes());
        let known = parts.headers.get(IF_NONE_MATCH).cloned();
        let live = parts.headers.contains_key(LIVE);
        let asked = parts.extensions.get::<Asked>().cloned().unwrap_or_default();
        if pages.is_open() {
            let form_token = pages.sessions.form_token(None);
            let replica = replica::note(pages).await;
            return Ok(Self {
                key: None,
                form_token,
                now,
                query,
                live,
                asked,
                renewed: None,
                known,
                replica,
            });
        }
        if pages.keys().is_empty() {
            return Err(Failure::NoKey);
        }
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let Some((key, session, secure)) = signed_in(pages, &parts.headers, peer, now) else {
            let back = if parts.method == Method::GET {
                parts.uri.path_and_query().map_or("/", |path| path.as_str())
            } else {
                "/"
            };
            return Err(if live { Failure::SessionEnded } else { Failure::SignIn(back.to_owned()) });
        };
        tracing::Span::current().record("key", &key.name);
        let renewed = if live { None } else { Sessions::renewed(&session, now) };
        let renewed = renewed.and_then(|session| cookie(&pages.sessions.seal(&session), secure));
        let form_token = pages.sessions.form_token(Some(&session));
        let replica = replica::note(pages).await;
        Ok(Self { key: Some(key), form_token, now, query, live, asked, renewed, known, replica })
    }
}

impl FromRequest<Arc<Pages>> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, pages: &Arc<Pages>) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let viewer = Viewer::from_request_parts(&mut parts, pages).await?;
        let read = read(&parts.headers, body).await;
        viewer.asked.note(viewer.actor(), &mut parts, read.as_ref().unwrap_or(&Fields::default())).await;
        if !viewer.may_act() && parts.uri.path() != SIGN_OUT {
            return Err(Failure::ReadOnly);
        }
        let fields = read?;
        let sent = fields.get("form_token").unwrap_or_default();
        if bool::from(sent.as_bytes().ct_eq(viewer.form_token.as_bytes())) {
            return Ok(Self { viewer, fields });
        }
        Err(refused())
    }
}

/// Reads a form, if a page of this service sent it.
pub(super) async fn read(headers: &HeaderMap, body: axum::body::Body) -> Result<Fields, Failure> {
    if !is_own(headers) {
        return Err(refused());
    }
    let bytes = timeout(FORM, to_bytes(body, LARGEST_FORM)).await.map_err(|_| Failure::TooSlow)?;
    let bytes = bytes.map_err(|_| Failure::Invalid("The form is too large.".into()))?;
    Ok(Fields::of(&bytes))
}

fn refused() -> Failure {
    static FOREIGN: LogThrottle = LogThrottle::new();
    // Anybody can send one to the sign-in.
    if let Some(left_out) = FOREIGN.next() {
        tracing::warn!(left_out, "A form was refused: it did not come from a page of its session");
    }
    Failure::ForeignForm
}

/// Returns whether a page of this service sent the request. Browsers say so in `Sec-Fetch-Site`,
/// except with plain HTTP from another machine; then the `Origin` must be this host.
fn is_own(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = origin.and_then(|origin| Some(origin.split_once("://")?.1));
    authority.is_some() && authority == host
}

/// Returns whether the browser uses TLS, perhaps to a proxy before this service. The `Origin` shows
/// it.
pub(super) fn is_secure(headers: &HeaderMap) -> bool {
    headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

/// Returns the key and the session of the cookie, and whether it is the cookie for TLS.
fn signed_in(
    pages: &Pages,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
    now: DateTime<Utc>,
) -> Option<(Arc<ApiKey>, Session, bool)> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let keys = pages.keys();
    let mut ours = pairs.filter(|(name, _)| [SECURE_COOKIE, PLAIN_COOKIE].contains(name));
    ours.find_map(|(name, value)| {
        let session = pages.sessions.open(value, now)?;
        let key = keys.iter().find(|key| pages.sessions.is_of(&session, key))?;
        key.admits(now, peer).ok()?;
        Some((Arc::clone(key), session, name == SECURE_COOKIE))
    })
}

/// Returns the header that sets the session's cookie.
pub(super) fn cookie(value: &str, secure: bool) -> Option<HeaderValue> {
    let (name, more) = if secure { (SECURE_COOKIE, "; Secure") } else { (PLAIN_COOKIE, "") };
    let age = LIFETIME.num_seconds();
    HeaderValue::try_from(format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{more}"))
        .ok()
}

/// Returns the headers that delete the session's cookies.
pub(super) fn no_cookies() -> [HeaderValue; 2] {
    [
        HeaderValue::from_static(
            "__Host-klarna-worker=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure",
        ),
        HeaderValue::from_static("klarna-worker=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"),
    ]
}

/// Redirects after an action.
pub(super) fn see(path: &str) -> Response {
    Redirect::to(path).into_response()
}
