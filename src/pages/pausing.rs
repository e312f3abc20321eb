//! The forms that pause and resume work.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::html;

use super::Pages;
use super::act::{Question, ask};
use super::audited::Begun;
use super::failure::Failure;
use super::fields::Fields;
use super::frame::MenuItem;
use super::pauses::{seen, whose};
use super::pieces::{facts, maybe_time, time};
use super::viewer::{Posted, Viewer, see};
use crate::audit::Action;
use crate::ids::MerchantName;
use crate::pauses::{self, PauseKind, check_reason};
use crate::store::NewPause;

/// The times that the form offers; the first is none.
const TIMES: [(&str, &str); 6] = [
    ("", "until it is resumed"),
    ("10m", "for 10 minutes"),
    ("1h", "for 1 hour"),
    ("4h", "for 4 hours"),
    ("12h", "for 12 hours"),
    ("1day", "for a day"),
];

pub(super) async fn ask_pause(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let merchants = viewer.merchants(&pages);
    let about = html! {
        p { "What runs already goes on to its end. Every process follows within a second, and keeps to it after \
            a restart." }
    };
    let answer = html! {
        label { span { "Merchant" }
            select name="merchant" {
                @if viewer.sees_all() { option value="" { "all merchants" } }
                @for merchant in &merchants { option value=(merchant) { (merchant) } }
            }
        }
        fieldset {
            legend { "What to pause" }
            @for kind in PauseKind::ALL {
                label.check { input type="radio" name="kind" value=(kind.as_str()) required; span { (meaning(kind)) } }
            }
        }
        label { span { "How long" }
            select name="for" { @for (value, name) in TIMES { option value=(value) { (name) } } }
        }
        label { span { "Why" } input type="text" name="reason" maxlength="500" required; }
        button.danger type="submit" { "Pause" }
    };
    let question = Question { title: "Pause work", action: "/pauses", back: "/pauses" };
    Ok(ask(viewer, MenuItem::Overview, &question, &about, &answer))
}

fn meaning(kind: PauseKind) -> &'static str {
    match kind {
        PauseKind::Orders => {
            "Orders: none is started. They are accepted and wait, and their deadlines go on."
        }
        PauseKind::Exchanges => {
            "Exchanges: no refresh token is presented. Orders wait within vault.token_patience, then go without a \
             token."
        }
        PauseKind::Keeper => "Keeper: no token is refreshed before it expires.",
        PauseKind::Webhooks => "Webhooks: none is sent. They wait, and no attempt is counted.",
    }
}

pub(super) async fn pause(State(pages): State<Arc<Pages>>, posted: Posted) -> Result<Response, Failure> {
    let (merchant, kind) = named(&pages, &posted.viewer, &posted.fields)?;
    let lasts = posted.fields.get("for").map(pauses::duration).transpose();
    let lasts = lasts.map_err(|wrong| Failure::Invalid(format!("for: {wrong}")))?;
    let reason = posted.fields.get("reason").unwrap_or_default().to_owned();
    check_reason(&reason).map_err(|wrong| Failure::Invalid(format!("The reason {wrong}.")))?;
    let paused_by = posted.viewer.actor().to_string();
    let new = NewPause { merchant, kind, reason, paused_by, lasts };
    let entry = posted.viewer.entry(Action::Pause).merchant(new.merchant.as_ref());
    let row = Begun::new(&pages, entry.object(pauses::describe(kind, None, &new.reason)));
    let paused = pages.deps.pausing.pause(&new).await.map_err(Failure::from);
    let until = paused.as_ref().ok().and_then(|pause| pause.until);
    if paused.is_ok() {
        tracing::info!(
            merchant = new.merchant.as_ref().map(MerchantName::as_str),
            kind = kind.as_str(),
            reason = new.reason,
            "An operator paused work"
        );
    }
    let row = row.object(pauses::describe(kind, until, &new.reason));
    row.end(paused.map(|_| see("/pauses?done=paused")))
}

pub(super) async fn ask_resume(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let (merchant, kind) = named(&pages, &viewer, &viewer.query)?;
    let pauses = seen(&pages, &viewer).await?;
    let pause = pauses.iter().find(|pause| pause.merchant == merchant && pause.kind == kind);
    let pause = pause.ok_or(Failure::NotFound("This is not paused any more."))?;
    let about = facts(&[
        ("Merchant", html! { (whose(merchant.as_ref())) }),
        ("Paused", html! { (kind.named()) }),
        ("Since", time(pause.since)),
        ("Until", maybe_time(pause.until)),
        ("By", html! { (pause.paused_by) }),
        ("Reason", html! { (pause.reason) }),
    ]);
    let answer = html! {
        @if let Some(merchant) = &merchant { input type="hidden" name="merchant" value=(merchant); }
        input type="hidden" name="kind" value=(kind.as_str());
        button type="submit" autofocus { "Resume" }
    };
    let question = Question { title: "Resume this work?", action: "/pauses/resume", back: "/pauses" };
    Ok(ask(viewer, MenuItem::Overview, &question, &about, &answer))
}

pub(super) async fn resume(State(pages): State<Arc<Pages>>, posted: Posted) -> Result<Response, Failure> {
    let (merchant, kind) = named(&pages, &posted.viewer, &posted.fields)?;
    let entry = posted.viewer.entry(Action::Resume).merchant(merchant.as_ref()).object(kind.as_str());
    let row = Begun::new(&pages, entry);
    let resumed = match pages.deps.pausing.resume(merchant.as_ref(), kind).await {
        Ok(true) => Ok(see("/pauses?done=resumed")),
        Ok(false) => Err(Failure::WrongStatus("This is not paused any more.".into())),
        Err(error) => Err(error.into()),
    };
    if resumed.is_ok() {
        tracing::info!(
            merchant = merchant.as_ref().map(MerchantName::as_str),
            kind = kind.as_str(),
            "An operator resumed work"
        );
    }
    row.end(resumed)
}

/// Reads whose work a form or a query is about, and checks that the viewer may pause and resume it.
fn named(
    pages: &Pages,
    viewer: &Viewer,
    fields: &Fields,
) -> Result<(Option<MerchantName>, PauseKind), Failure> {
    let kind = fields.word("kind", |word| PauseKind::from_word(word).ok())?;
    let kind = kind.ok_or_else(|| Failure::Invalid("Choose what to pause.".into()))?;
    let merchant: Option<MerchantName> = fields.name("merchant")?;
    let may = match &merchant {
        Some(merchant) => viewer.merchants(pages).contains(merchant),
        None => viewer.sees_all(),
    };
    if !may {
        return Err(Failure::NotFound("This merchant is not in the settings, or not for your key."));
    }
    Ok((merchant, kind))
}
