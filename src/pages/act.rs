//! The actions of operators. Each is confirmed on a page of its own, and done by the functions that
//! the API uses too.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

use super::Pages;
use super::audited::Begun;
use super::codes;
use super::failure::Failure;
use super::frame::{MenuItem, token_field};
use super::links::{link, user_link};
use super::order::find;
use super::pieces::{amount, facts, reference, state, status, time};
use super::user::{named, named_to_read};
use super::viewer::{Posted, Viewer, see};
use crate::audit::{Action, Entry};
use crate::ids::{UserKey, WebhookId};
use crate::order::{OrderId, OrderView, Status};
use crate::store::{OrderAdminOutcome, WebhookFilter, WebhookView};
use crate::token::{Resolution, Resolved, TokenState, TokenView};

/// What a confirmation page asks.
pub(super) struct Question<'a> {
    pub(super) title: &'a str,
    /// Where the form is sent.
    pub(super) action: &'a str,
    /// Where "Go back" leads.
    pub(super) back: &'a str,
}

/// A confirmation page with its form.
pub(super) fn ask(
    viewer: Viewer,
    place: MenuItem,
    question: &Question<'_>,
    about: &Markup,
    answer: &Markup,
) -> Response {
    if !viewer.may_act() {
        return Failure::ReadOnly.into_response();
    }
    let Question { title, action, back } = question;
    let main = html! {
        section.ask {
            h1 { (title) }
            (about)
            form.stack method="post" action=(action) {
                (token_field(&viewer.form_token))
                (answer)
                div.buttons { a.button href=(back) { "Go back" } }
            }
        }
    };
    viewer.answer(place, title, &main)
}

fn which(order: &OrderView) -> Markup {
    let name = reference(order).unwrap_or_default();
    facts(&[
        ("Order", html! { @if !name.is_empty() { b { (name) } " " } code { (order.id) } }),
        ("Amount", html! { (amount(&order.summary)) }),
        ("User", html! { (order.user) }),
        (
            "Status",
            html! { (status(order.status))
            @if let Some(error) = &order.error { " " (codes::shown(&error.code)) } },
        ),
    ])
}

pub(super) async fn ask_retry(
    State(pages): State<Arc<Pages>>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let order = find(&pages, &viewer, &id).await?;
    let has_failed = order.status == Status::Failed;
    let may = has_failed && pages.deps.dashboard.order_history(order.id).await?.has_body;
    let about = html! {
        @if may {
            p { "The order is queued as if it had just been accepted, with a new deadline. The user's token is \
                exchanged again." }
        } @else if has_failed {
            p { "The order cannot be retried, because its body was deleted (the setting retention.bodies)." }
        } @else {
            p { "Only a failed order can be retried." }
        }
        @if may && order.possible_duplicate {
            p.wrong { "Klarna may already have this order. A retry may create it a second time." }
        }
        @if let (true, Some(error)) = (may, &order.error) {
            div.wrong[codes::fails_again(&error.code)] { (codes::next_step(&error.code, order.status, false)) }
        }
        (which(&order))
    };
    let answer = html! { @if may { button type="submit" { "Retry the order" } } };
    let path = format!("/orders/{}", order.id);
    let question = Question { title: "Retry this order?", action: &format!("{path}/retry"), back: &path };
    Ok(ask(viewer, MenuItem::Orders, &question, &about, &answer))
}

pub(super) async fn retry(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let order = find(&pages, &posted.viewer, &id).await?;
    let row = Begun::new(&pages, &posted.viewer.asked, about(&posted, Action::OrderRetry, &order));
    let retried = pages.deps.intake.retry(order.id).await.map_err(Failure::from);
    let done = retried.and_then(|outcome| changed(outcome, order.id, "retried"));
    row.end(done)
}

pub(super) async fn ask_cancel(
    State(pages): State<Arc<Pages>>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let order = find(&pages, &viewer, &id).await?;
    let may = order.status == Status::Queued;
    let about = html! {
        @if may { p { "The order will not be submitted. This is possible only while it is queued." } }
        @else { p { "Only a queued order can be cancelled." } }
        (which(&order))
    };
    let answer = html! { @if may { button.danger type="submit" { "Cancel the order" } } };
    let path = format!("/orders/{}", order.id);
    let question = Question { title: "Cancel this order?", action: &format!("{path}/cancel"), back: &path };
    Ok(ask(viewer, MenuItem::Orders, &question, &about, &answer))
}

pub(super) async fn cancel(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let order = find(&pages, &posted.viewer, &id).await?;
    let row = Begun::new(&pages, &posted.viewer.asked, about(&posted, Action::OrderCancel, &order));
    let cancelled = pages.deps.orders.cancel_order(order.id).await.map_err(Failure::from);
    let done = cancelled.and_then(|outcome| changed(outcome, order.id, "cancelled"));
    row.end(done)
}

/// Begins a row of the audit log about an order.
fn about(posted: &Posted, action: Action, order: &OrderView) -> Entry {
    let user = UserKey { merchant: order.merchant.clone(), user: order.user.clone() };
    posted.viewer.entry(action).about(&user).object(order.id)
}

fn changed(outcome: OrderAdminOutcome, order: OrderId, what: &'static str) -> Result<Response, Failure> {
    outcome?;
    tracing::info!(%order, what, "An operator changed an order");
    Ok(see(&link(&format!("/orders/{order}"), &[("done", what)])))
}

/// Reads the token that a query names. The middleware leaves the row of the audit log.
async fn token(pages: &Pages, viewer: &Viewer) -> Result<(UserKey, TokenView), Failure> {
    let key = named_to_read(viewer)?;
    let found = pages.deps.registry.view(&key).await?;
    let found = found.ok_or(Failure::NotFound("This user has no refresh token."))?;
    Ok((key, found))
}

fn whom(token: &TokenView) -> Markup {
    facts(&[
        ("User", html! { (token.user) }),
        ("Merchant", html! { (token.merchant) }),
        ("Token", state(token.state)),
    ])
}

/// Returns the address of the user's page with a note of what was done.
fn done_link(key: &UserKey, done: &str) -> String {
    link("/user", &[("merchant", key.merchant.as_str()), ("user", key.user.as_str()), ("done", done)])
}

fn named_fields(key: &UserKey) -> Markup {
    html! {
        input type="hidden" name="merchant" value=(key.merchant);
        input type="hidden" name="user" value=(key.user);
    }
}

pub(super) async fn ask_resolve(
    State(pages): State<Arc<Pages>>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    let (key, token) = token(&pages, &viewer).await?;
    let may = token.state == TokenState::Uncertain;
    let about = html! {
        @if may {
            p { "It is not known whether the token was used: the answer of its last exchange was lost, or the \
                database was restored from a backup." }
        } @else {
            p { "Only an uncertain token needs a decision." }
        }
        (whom(&token))
    };
    let answer = html! { @if may {
        (named_fields(&key))
        fieldset {
            legend { "What should happen to it?" }
            label.check { input type="radio" name="as" value="retry" required; span { "Use it once more with \
                the user's next order. If it was already used, Klarna may revoke the user's consent." } }
            label.check { input type="radio" name="as" value="present"; span { "Let the keeper use it in its next \
                sweep, before the user's next order." } }
            label.check { input type="radio" name="as" value="lost"; span { "Do not use it again: the user \
                has to sign in again." } }
        }
        button type="submit" { "Resolve the token" }
    } };
    let back = user_link(&key.merchant, &key.user);
    let question = Question { title: "Resolve this token?", action: "/user/resolve", back: &back };
    Ok(ask(viewer, MenuItem::Users, &question, &about, &answer))
}

pub(super) async fn resolve(State(pages): State<Arc<Pages>>, posted: Posted) -> Result<Response, Failure> {
    let key = named(&posted.viewer, &posted.fields)?;
    let (resolution, done) = match posted.fields.get("as") {
        Some("retry") => (Resolution::Retry, "active"),
        Some("present") => (Resolution::Present, "active"),
        Some("lost") => (Resolution::Dead, "lost"),
        _ => return Err(Failure::Invalid("Choose what should happen to the token.".into())),
    };
    let row = Begun::new(&pages, &posted.viewer.asked, posted.viewer.entry(Action::TokenResolve).about(&key));
    row.end(decide(&pages, &key, resolution, done).await)
}

async fn decide(
    pages: &Pages,
    key: &UserKey,
    resolution: Resolution,
    done: &str,
) -> Result<Response, Failure> {
    match pages.deps.registry.resolve(key, resolution).await? {
        Resolved::Done(_) => {
            tracing::info!(merchant = key.merchant.as_str(), what = done, "An operator resolved a token");
            Ok(see(&done_link(key, done)))
        }
        Resolved::NotUncertain(token) => {
            let state = super::pieces::words(token.state.as_str());
            Err(Failure::WrongStatus(format!("The token no longer needs a decision: it is {state}.")))
        }
        Resolved::Missing => Err(Failure::NotFound("This user has no refresh token.")),
    }
}

/// What a confirmation page asks about ending a token.
struct TokenEnd {
    title: &'static str,
    /// Where the form is sent.
    action: &'static str,
    /// What happens then.
    consequence: &'static str,
    button: &'static str,
}

async fn ask_about_end(pages: &Pages, viewer: Viewer, end: &TokenEnd) -> Result<Response, Failure> {
    let TokenEnd { title, action, consequence, button } = end;
    let (key, token) = token(pages, &viewer).await?;
    let may = token.state != TokenState::Forgotten;
    let about = html! {
        p { @if may { (consequence) } @else { "The token was forgotten already." } }
        (whom(&token))
    };
    let answer = html! { @if may { (named_fields(&key)) button.danger type="submit" { (button) } } };
    let back = user_link(&key.merchant, &key.user);
    Ok(ask(viewer, MenuItem::Users, &Question { title, action, back: &back }, &about, &answer))
}

pub(super) async fn ask_forget(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let end = TokenEnd {
        title: "Forget this token?",
        action: "/user/forget",
        consequence: "The refresh token is deleted. The user's orders are submitted without a token until \
                      the user signs in again. It is also revoked at Klarna, unless the settings turn that \
                      off (the setting revoke_on_forget). This cannot be undone.",
        button: "Forget the token",
    };
    ask_about_end(&pages, viewer, &end).await
}

pub(super) async fn forget(State(pages): State<Arc<Pages>>, posted: Posted) -> Result<Response, Failure> {
    let key = named(&posted.viewer, &posted.fields)?;
    let row = Begun::new(&pages, &posted.viewer.asked, posted.viewer.entry(Action::TokenForget).about(&key));
    let forgotten = match pages.deps.registry.forget(&key).await {
        Ok(true) => Ok(see(&done_link(&key, "forgotten"))),
        Ok(false) => Err(Failure::WrongStatus("There is no token to forget.".into())),
        Err(error) => Err(error.into()),
    };
    if forgotten.is_ok() {
        tracing::info!(merchant = key.merchant.as_str(), "An operator deleted a token");
    }
    row.end(forgotten)
}

pub(super) async fn ask_sign_out(
    State(pages): State<Arc<Pages>>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    let end = TokenEnd {
        title: "Sign this user out at Klarna?",
        action: "/user/sign-out",
        consequence: "The refresh token is deleted here, and revoked at Klarna within seconds; if Klarna \
                      does not answer, this is tried again for a day. Klarna no longer recognises the user \
                      in this shop until the user signs in again. This cannot be undone.",
        button: "Sign out at Klarna",
    };
    ask_about_end(&pages, viewer, &end).await
}

pub(super) async fn sign_out(State(pages): State<Arc<Pages>>, posted: Posted) -> Result<Response, Failure> {
    let key = named(&posted.viewer, &posted.fields)?;
    let row = Begun::new(&pages, &posted.viewer.asked, posted.viewer.entry(Action::UserRevoke).about(&key));
    let revoked = revoke(&pages, &key).await;
    if revoked.is_ok() {
        tracing::info!(merchant = key.merchant.as_str(), "An operator signed a user out at Klarna");
    }
    row.end(revoked)
}

async fn revoke(pages: &Pages, key: &UserKey) -> Result<Response, Failure> {
    let registry = &pages.deps.registry;
    if !registry.can_revoke(&key.merchant) {
        return Err(Failure::WrongStatus(
            "No revocation endpoint is known for this merchant (the setting revoke_url).".into(),
        ));
    }
    if registry.forget_as(key, true).await? {
        Ok(see(&done_link(key, "signed-out")))
    } else {
        Err(Failure::WrongStatus("There is no token to revoke.".into()))
    }
}

async fn webhook(pages: &Pages, viewer: &Viewer, id: &str) -> Result<WebhookView, Failure> {
    let missing = Failure::NotFound("Webhook not found.");
    let Ok(id) = id.parse::<WebhookId>() else { return Err(missing) };
    let found = pages.deps.webhooks.webhooks(&only(id)).await?.pop();
    let found = found.ok_or(missing)?;
    if viewer.sees(&found.merchant) { Ok(found) } else { Err(Failure::NotForKey("Webhook not found.")) }
}

fn only(id: WebhookId) -> WebhookFilter {
    WebhookFilter { id: Some(id), limit: 1, ..WebhookFilter::default() }
}

pub(super) async fn ask_resend(
    State(pages): State<Arc<Pages>>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let webhook = webhook(&pages, &viewer, &id).await?;
    let about = html! {
        p { "The webhook is sent again with the same id, and retried for up to three days. A disabled \
            endpoint is enabled." }
        (facts(&[
            ("Event", html! { (webhook.kind.as_str()) }),
            ("Merchant", html! { (webhook.merchant) }),
            ("User", html! { (webhook.user) }),
            ("Happened", time(webhook.occurred_at)),
            ("Status", html! { (webhook.status.as_str()) }),
        ]))
    };
    let answer = html! { button type="submit" { "Resend" } };
    let action = format!("/webhooks/{}/resend", webhook.id);
    let question = Question { title: "Resend this webhook?", action: &action, back: "/webhooks" };
    Ok(ask(viewer, MenuItem::Webhooks, &question, &about, &answer))
}

pub(super) async fn resend(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let webhook = webhook(&pages, &posted.viewer, &id).await?;
    let user = UserKey { merchant: webhook.merchant, user: webhook.user };
    let entry = posted.viewer.entry(Action::WebhookResend).about(&user).object(webhook.id);
    let row = Begun::new(&pages, &posted.viewer.asked, entry);
    let resent = pages.deps.webhooks.resend_webhooks(&only(webhook.id)).await;
    if resent.is_ok() {
        tracing::info!(webhook = %webhook.id, "An operator sent a webhook again");
    }
    row.end(resent.map(|_| see(&link("/webhooks", &[("done", "resent")]))).map_err(Failure::from))
}
