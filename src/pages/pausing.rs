//! The forms that pause and resume work.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use maud::{Markup, html};

use super::Pages;
use super::act::{Question, ask};
use super::audited::{ALL, Begun};
use super::deadlines::Deadlines;
use super::failure::Failure;
use super::fields::Fields;
use super::frame::MenuItem;
use super::pauses::{late, seen, whose};
use super::pieces::{facts, maybe_time, time};
use super::viewer::{Posted, Viewer, see};
use crate::audit::Action;
use crate::ids::MerchantName;
use crate::pauses::{self, Pause, PauseKind, check_reason};
use crate::store::NewPause;

/// The times that the form offers; the last is none. The first is chosen already: it is shorter
/// than the default of `queue.order_deadline`.
const TIMES: [(&str, &str); 7] = [
    ("5m", "for 5 minutes"),
    ("10m", "for 10 minutes"),
    ("1h", "for 1 hour"),
    ("4h", "for 4 hours"),
    ("12h", "for 12 hours"),
    ("1day", "for a day"),
    ("", "until it is resumed"),
];

pub(super) async fn ask_pause(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let merchants = viewer.merchants(&pages);
    let about = html! {
        p { "Work that has started is completed. Every process follows within a second, and keeps to it after \
            a restart." }
    };
    let within = [
        (TimeDelta::zero(), "already"),
        (TimeDelta::minutes(5), "in 5 minutes"),
        (TimeDelta::minutes(10), "in 10 minutes"),
        (TimeDelta::hours(1), "in 1 hour"),
        (TimeDelta::days(1), "in a day"),
    ];
    let times = within.map(|(time, _)| viewer.now + time);
    let late = Deadlines::of(&pages, &viewer, &times).await?.before_each(&within.map(|(_, name)| name));
    let answer = html! {
        label { span { "Merchant" }
            select name="merchant" required {
                // With several, one must be chosen.
                @if merchants.len() != 1 { option value="" { "choose …" } }
                @for merchant in &merchants { option value=(merchant) { (merchant) } }
                @if viewer.sees_all() { option value=(ALL) { "all merchants, also later ones" } }
            }
        }
        fieldset {
            legend { "What to pause" }
            @for kind in PauseKind::ALL {
                label.check { input type="checkbox" name="kind" value=(kind.as_str()); span { (meaning(kind)) } }
            }
        }
        label { span { "How long" }
            select name="for" { @for (value, name) in TIMES { option value=(value) { (name) } } }
        }
        (late)
        label { span { "Why" } input type="text" name="reason" maxlength="500" required; }
        button.danger type="submit" { "Pause" }
    };
    let question = Question { title: "Pause work", action: "/pauses", back: "/pauses" };
    Ok(ask(viewer, MenuItem::Overview, &question, &about, &answer))
}

fn meaning(kind: PauseKind) -> &'static str {
    match kind {
        PauseKind::Orders => {
            "Orders: none is sent to Klarna. They are accepted and wait. Their deadlines go on: one that waits past \
             its deadline fails when the orders are resumed."
        }
        PauseKind::Exchanges => {
            "The use of refresh tokens: none is exchanged. Orders wait for a while (the setting \
             vault.token_patience), then go to Klarna without a token."
        }
        PauseKind::Keeper => {
            "The keeper, which refreshes tokens before they expire: it refreshes none. Orders still use tokens."
        }
        PauseKind::Webhooks => "Webhooks: none is sent to the shop. They wait, and no attempt is counted.",
    }
}

pub(super) async fn pause(State(pages): State<Arc<Pages>>, posted: Posted) -> Result<Response, Failure> {
    let fields = &posted.fields;
    let missing = || Failure::Invalid("Choose a merchant, or all merchants.".into());
    let wanted = fields.get("merchant").ok_or_else(missing)?;
    let merchant = if wanted == ALL { None } else { fields.name("merchant")? };
    let kinds = kinds(fields)?;
    may(&pages, &posted.viewer, merchant.as_ref())?;
    let lasts = fields.get("for").map(pauses::duration).transpose();
    let lasts = lasts.map_err(|wrong| Failure::Invalid(format!("for: {wrong}")))?;
    let reason = fields.get("reason").unwrap_or_default().to_owned();
    check_reason(&reason).map_err(|wrong| Failure::Invalid(format!("The reason {wrong}.")))?;
    let paused_by = posted.viewer.actor().to_string();
    for kind in kinds {
        let new = NewPause {
            merchant: merchant.clone(),
            kind,
            reason: reason.clone(),
            paused_by: paused_by.clone(),
            lasts,
        };
        pause_one(&pages, &posted, &new).await?;
    }
    Ok(see("/pauses?done=paused"))
}

async fn pause_one(pages: &Pages, posted: &Posted, new: &NewPause) -> Result<Response, Failure> {
    let NewPause { merchant, kind, reason, .. } = new;
    let entry = posted.viewer.entry(Action::Pause).merchant(merchant.as_ref());
    let row = Begun::new(pages, &posted.viewer.asked, entry.object(pauses::describe(*kind, None, reason)));
    let paused = pages.deps.pausing.pause(new).await.map_err(Failure::from);
    let until = paused.as_ref().ok().and_then(|pause| pause.until);
    if paused.is_ok() {
        tracing::info!(
            merchant = merchant.as_ref().map(MerchantName::as_str),
            kind = kind.as_str(),
            reason,
            "An operator paused work"
        );
    }
    let row = row.object(pauses::describe(*kind, until, reason));
    row.end(paused.map(|_| see("/pauses?done=paused")))
}

pub(super) async fn ask_resume(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let (merchant, kinds) = named(&viewer, &viewer.query)?;
    let mut pauses = seen(&pages, &viewer).await?;
    pauses.retain(|pause| pause.merchant == merchant && kinds.contains(&pause.kind));
    if pauses.is_empty() {
        return Err(Failure::NotFound("This is not paused any more."));
    }
    let late = late(&pages, &viewer, &pauses).await?;
    let about = html! {
        (late)
        @for pause in &pauses { (describe(pause)) }
    };
    let answer = html! {
        @if let Some(merchant) = &merchant { input type="hidden" name="merchant" value=(merchant); }
        @for pause in &pauses { input type="hidden" name="kind" value=(pause.kind.as_str()); }
        button type="submit" { "Resume" }
    };
    let question = Question { title: "Resume this work?", action: "/pauses/resume", back: "/pauses" };
    Ok(ask(viewer, MenuItem::Overview, &question, &about, &answer))
}

fn describe(pause: &Pause) -> Markup {
    facts(&[
        ("Merchant", html! { (whose(pause.merchant.as_ref())) }),
        ("Paused", html! { (pause.kind.named()) }),
        ("Since", time(pause.since)),
        ("Until", maybe_time(pause.until)),
        ("By", html! { (pause.paused_by) }),
        ("Reason", html! { (pause.reason) }),
    ])
}

pub(super) async fn resume(State(pages): State<Arc<Pages>>, posted: Posted) -> Result<Response, Failure> {
    let (merchant, kinds) = named(&posted.viewer, &posted.fields)?;
    let mut done = Err(Failure::WrongStatus("This is not paused any more.".into()));
    for kind in kinds {
        let resumed = resume_one(&pages, &posted, merchant.as_ref(), kind).await;
        match resumed {
            // Another kind may still be paused.
            Err(Failure::WrongStatus(_)) => {}
            resumed => done = Ok(resumed?),
        }
    }
    done
}

async fn resume_one(
    pages: &Pages,
    posted: &Posted,
    merchant: Option<&MerchantName>,
    kind: PauseKind,
) -> Result<Response, Failure> {
    let entry = posted.viewer.entry(Action::Resume).merchant(merchant).object(kind.as_str());
    let row = Begun::new(pages, &posted.viewer.asked, entry);
    let resumed = match pages.deps.pausing.resume(merchant, kind).await {
        Ok(true) => Ok(see("/pauses?done=resumed")),
        Ok(false) => Err(Failure::WrongStatus("This is not paused any more.".into())),
        Err(error) => Err(error.into()),
    };
    if resumed.is_ok() {
        tracing::info!(
            merchant = merchant.map(MerchantName::as_str),
            kind = kind.as_str(),
            "An operator resumed work"
        );
    }
    row.end(resumed)
}

/// Reads whose work is to be resumed, and checks that the viewer may do so. Without a merchant, the
/// pauses of all merchants are meant.
fn named(viewer: &Viewer, fields: &Fields) -> Result<(Option<MerchantName>, Vec<PauseKind>), Failure> {
    let kinds = kinds(fields)?;
    let merchant: Option<MerchantName> = fields.name("merchant")?;
    // A pause may be of a merchant that is not in the settings any more.
    sees(viewer, merchant.as_ref())?;
    Ok((merchant, kinds))
}

fn kinds(fields: &Fields) -> Result<Vec<PauseKind>, Failure> {
    let read = |words: &str| -> Option<Vec<PauseKind>> {
        words.split(' ').map(|word| PauseKind::from_word(word).ok()).collect()
    };
    let kinds = fields.word("kind", read)?;
    kinds.ok_or_else(|| Failure::Invalid("Choose what to pause.".into()))
}

/// Checks that a merchant, or all of them, are for the viewer's key.
fn sees(viewer: &Viewer, merchant: Option<&MerchantName>) -> Result<(), Failure> {
    let sees = merchant.map_or_else(|| viewer.sees_all(), |merchant| viewer.sees(merchant));
    sees.then_some(()).ok_or(Failure::NotForKey("This merchant is not for your key."))
}

/// Checks that the viewer may pause work of a merchant, or of all.
fn may(pages: &Pages, viewer: &Viewer, merchant: Option<&MerchantName>) -> Result<(), Failure> {
    sees(viewer, merchant)?;
    let is_known = merchant.is_none_or(|merchant| viewer.merchants(pages).contains(merchant));
    is_known.then_some(()).ok_or(Failure::NotFound("This merchant is not in the settings."))
}
