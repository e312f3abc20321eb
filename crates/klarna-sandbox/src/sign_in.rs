//! Sign-in by OpenID Connect: the authorization endpoint with its page, and the exchange of a code
//! for tokens (RFC 6749 section 4.1, with PKCE as in RFC 7636).

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use url::{Url, form_urlencoded};

use crate::Shared;
use crate::admin::Admin;
use crate::html::{escape, page};
use crate::profile::granted;
use crate::request::Form;
use crate::state::Tokens;
use crate::token::{Grant, error, grant};

/// How long a code can be exchanged.
const CODE_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// What a shop asks the authorization endpoint for.
struct Request {
    client_id: String,
    redirect_uri: Url,
    scope: String,
    state: Option<String>,
    nonce: Option<String>,
    /// The `code_challenge` of PKCE.
    challenge: Option<String>,
}

/// A code that was issued and not yet exchanged.
pub(super) struct Code {
    account: String,
    request: Request,
    issued_at: DateTime<Utc>,
}

/// `GET /{region}/lp/idp/oauth2/auth`: the sign-in page.
pub(super) async fn show(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let fields = fields(query.as_deref().unwrap_or_default());
    let request = match Request::read(&shared, &fields) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    let mut kept = String::new();
    for (name, value) in &fields {
        kept.extend(["<input type=\"hidden\" name=\"", &escape(name), "\" value=\"", &escape(value), "\">"]);
    }
    let body = format!(
        "<p>The shop <b>{}</b> asks for: {}</p><form method=\"post\">{kept}\
         <p><label>Your name at Klarna<br>\
         <input name=\"account\" value=\"Alma Test\" required autofocus></label></p>\
         <p><button name=\"decision\" value=\"accept\">Sign in</button>\
         <button name=\"decision\" value=\"decline\" formnovalidate>Decline</button></p></form>",
        escape(&request.client_id),
        escape(&request.scope)
    );
    page(StatusCode::OK, "Sign in with Klarna", &body)
}

/// `POST /{region}/lp/idp/oauth2/auth`: what the page sends. Goes back to the shop with a code.
pub(super) async fn decide(State(shared): State<Arc<Shared>>, body: String) -> Response {
    let mut fields = fields(&body);
    let request = match Request::read(&shared, &fields) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    let account = fields.remove("account").unwrap_or_default();
    if fields.get("decision").map(String::as_str) != Some("accept") || account.trim().is_empty() {
        return request.back(&[("error", "access_denied"), ("error_description", "The user declined.")]);
    }
    let issued_at = shared.now();
    let mut world = shared.world();
    let code = format!("ory_ac_{}", URL_SAFE_NO_PAD.encode(world.grants.random_id().to_be_bytes()));
    let answer = request.back(&[("code", &code)]);
    let issued = Code { account: account.trim().to_owned(), request, issued_at };
    world.codes.insert(code, issued);
    answer
}

/// Exchanges a code for tokens. The failures of the token endpoint do not concern it.
pub(super) fn redeem(shared: &Arc<Shared>, form: &Form) -> Response {
    let field = |name: &str| form.fields.get(name).map(String::as_str).unwrap_or_default();
    let invalid = |description| error(StatusCode::BAD_REQUEST, "invalid_grant", description);
    let code = shared.world().codes.remove(field("code"));
    let Some(Code { account, request, issued_at }) = code else {
        return invalid("The code is unknown, or was exchanged before.");
    };
    if shared.now() - issued_at >= CODE_LIFETIME {
        return invalid("The code has expired.");
    }
    if form.client_id != request.client_id {
        return invalid("The code was issued to another client.");
    }
    if field("redirect_uri").parse::<Url>().ok().as_ref() != Some(&request.redirect_uri) {
        return invalid("redirect_uri is not that of the authorization request.");
    }
    if request.challenge.as_deref().is_some_and(|challenge| challenge != challenge_of(field("code_verifier")))
    {
        return invalid("code_verifier does not match the code_challenge.");
    }
    let signed_in = Admin(Arc::clone(shared)).sign_in_by_name(account);
    let terms = shared.behaviour();
    let mut lock = shared.world();
    let world = &mut *lock;
    let issued = world.grants.first_access(&signed_in.refresh_token, &terms, shared.now());
    let Some((holder, access)) = issued else {
        return invalid("The sign-in has ended.");
    };
    world.scopes.insert(holder.family, request.scope.as_str().into());
    let profile = world.profiles.get(&*holder.user).cloned().unwrap_or_default();
    drop(lock);
    let claims = granted(&profile, &request.scope);
    // Without this scope, the shop gets no refresh token.
    let offline = request.scope.split(' ').any(|scope| scope == "offline_access");
    let tokens = Tokens { access, refresh: offline.then_some(signed_in.refresh_token) };
    let about = Grant { client_id: &form.client_id, scope: &request.scope, nonce: request.nonce.as_deref() };
    let answer = grant(shared, about, &terms, &holder, claims, tokens, None);
    answer.unwrap_or_else(|_| {
        error(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "The id_token could not be signed.")
    })
}

fn fields(form: &str) -> HashMap<String, String> {
    form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}

fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

impl Request {
    /// Reads a request. If client or `redirect_uri` are wrong, the refusal is a page, and otherwise
    /// a redirect to the shop (RFC 6749 section 4.1.2.1).
    fn read(shared: &Shared, fields: &HashMap<String, String>) -> Result<Self, Box<Response>> {
        let field = |name: &str| fields.get(name).filter(|value| !value.is_empty()).cloned();
        let refused = |what: &str| {
            let body = format!("<p>{what}</p>");
            Err(Box::new(page(StatusCode::BAD_REQUEST, "The shop's request is wrong", &body)))
        };
        let Some(client_id) = field("client_id") else {
            return refused("The parameter client_id is missing.");
        };
        if shared.options.client_id.as_ref().is_some_and(|known| *known != client_id) {
            return refused("No client has this client_id.");
        }
        let redirect_uri = field("redirect_uri").and_then(|uri| uri.parse::<Url>().ok());
        let Some(redirect_uri) = redirect_uri.filter(|uri| matches!(uri.scheme(), "http" | "https")) else {
            return refused("The parameter redirect_uri is missing, or no http or https URL.");
        };
        let request = Self {
            client_id,
            redirect_uri,
            scope: field("scope").unwrap_or_default(),
            state: field("state"),
            nonce: field("nonce"),
            challenge: field("code_challenge"),
        };
        let wrong = if field("response_type").as_deref() != Some("code") {
            Some(("unsupported_response_type", "Only response_type=code is supported here."))
        } else if !request.scope.split(' ').any(|scope| scope == "openid") {
            Some(("invalid_scope", "The scope openid is missing."))
        } else if request.challenge.is_some() && field("code_challenge_method").as_deref() != Some("S256") {
            Some(("invalid_request", "Only code_challenge_method=S256 is supported here."))
        } else {
            None
        };
        match wrong {
            Some((code, description)) => {
                Err(Box::new(request.back(&[("error", code), ("error_description", description)])))
            }
            None => Ok(request),
        }
    }

    /// Returns a redirect to the shop, with `state` as the shop sent it.
    fn back(&self, parameters: &[(&str, &str)]) -> Response {
        let mut target = self.redirect_uri.clone();
        let state = self.state.as_deref().map(|state| ("state", state));
        target.query_pairs_mut().extend_pairs(parameters.iter().copied().chain(state));
        Redirect::to(target.as_str()).into_response()
    }
}
