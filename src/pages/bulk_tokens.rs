//! Decides about many tokens: those that were selected, or all that match the filters of the list
//! of users.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use url::form_urlencoded;

use super::Pages;
use super::act::{Question, ask};
use super::audited::Begun;
use super::failure::Failure;
use super::fields::Fields;
use super::frame::MenuItem;
use super::pieces::{facts, number, select_all_here};
use super::viewer::{Posted, Viewer, see};
use crate::audit::Action;
use crate::ids::{MerchantName, TokenId, UserKey};
use crate::store::{Doubtful, RejectedTokens, StoreError};
use crate::token::{Resolution, Resolved, TokenState};

/// How many tokens one transaction changes.
const BATCH: u32 = 500;

/// Which tokens wait for a decision.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// Nobody knows whether they were used.
    Uncertain,
    /// The provider rejected them.
    Rejected,
}

impl Group {
    /// The group that a list of users shows; `None` if nothing is to be decided about its tokens.
    pub(super) fn shown(query: &Fields) -> Option<Self> {
        match query.get("state") {
            Some(state) if state == TokenState::Uncertain.as_str() => Some(Self::Uncertain),
            Some(state) if state == TokenState::ReauthRequired.as_str() => Some(Self::Rejected),
            _ => None,
        }
    }

    fn of(fields: &Fields) -> Result<Self, Failure> {
        let wrong = || Failure::Invalid("state: write uncertain or reauth_required".into());
        Self::shown(fields).ok_or_else(wrong)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Uncertain => "uncertain",
            Self::Rejected => "rejected",
        }
    }

    /// What the tokens have in common, as the end of a sentence. The list of the rejected shows
    /// others too.
    fn clause(self) -> &'static str {
        match self {
            Self::Uncertain => "are uncertain and match",
            Self::Rejected => "Klarna rejected and match",
        }
    }

    async fn count(self, pages: &Pages, merchant: Option<MerchantName>) -> Result<u64, StoreError> {
        let resolving = &pages.deps.resolving;
        match self {
            Self::Uncertain => resolving.count_uncertain(&Doubtful { merchant, before: None }).await,
            Self::Rejected => resolving.count_rejected(&RejectedTokens { merchant, since: None }).await,
        }
    }

    /// Decides about one token. Returns whether it needed the decision.
    async fn decide(self, pages: &Pages, key: &UserKey, decision: Resolution) -> Result<bool, StoreError> {
        match self {
            Self::Uncertain => {
                Ok(matches!(pages.deps.registry.resolve(key, decision).await?, Resolved::Done(_)))
            }
            Self::Rejected => pages.deps.resolving.retry_rejected_token(key).await,
        }
    }

    /// Decides about the next tokens of a merchant, or of all. Returns how many there were and the
    /// last one.
    async fn decide_next(
        self,
        pages: &Pages,
        merchant: Option<MerchantName>,
        decision: Resolution,
        after: TokenId,
    ) -> Result<Option<(u64, TokenId)>, StoreError> {
        let resolving = &pages.deps.resolving;
        match self {
            Self::Uncertain => {
                let which = Doubtful { merchant, before: None };
                resolving.resolve_tokens(&which, decision, after, BATCH).await
            }
            Self::Rejected => {
                let which = RejectedTokens { merchant, since: None };
                resolving.retry_rejected(&which, after, BATCH).await
            }
        }
    }
}

/// What is above a list of users whose tokens wait for a decision. The boxes in the table belong to
/// it. Only the question counts: the list updates itself, and a count reads every such token.
pub(super) fn form(query: &Fields, group: Group) -> Markup {
    let every = query.link("/users/resolve", &[("after", ""), ("after_merchant", ""), ("done", "")]);
    html! {
        form.bulk #bulk method="get" action="/users/resolve" {
            @for name in ["state", "merchant"] {
                @if let Some(value) = query.get(name) { input type="hidden" name=(name) value=(value); }
            }
            input type="hidden" name="only" value="selected";
            div.buttons {
                (select_all_here())
                span.quiet data-selected="users" { "Selected users:" }
                button type="submit" { "Resolve…" }
            }
            @if query.get("user").is_none() {
                div.buttons { a.button href=(every) { "Resolve all that " (group.clause()) "…" } }
            }
        }
    }
}

/// The box that selects a user's token.
pub(super) fn select(key: &UserKey) -> Markup {
    let UserKey { merchant, user } = key;
    html! {
        input type="checkbox" name="token" value=(encode(key)) form="bulk"
            aria-label={ "Select " (user) " of " (merchant) };
    }
}

/// A user in a field: without spaces, which separate several.
fn encode(UserKey { merchant, user }: &UserKey) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(merchant.as_str(), user.as_str()).finish()
}

fn decode(field: &str) -> Option<UserKey> {
    let (merchant, user) = form_urlencoded::parse(field.as_bytes()).next()?;
    Some(UserKey::new(merchant.as_ref(), user.as_ref()))
}

/// The users that were selected, as far as the viewer may see them; `None` if all that match are
/// meant.
fn selected(viewer: &Viewer, fields: &Fields) -> Result<Option<Vec<UserKey>>, Failure> {
    let all = fields.word("token", |keys| keys.split(' ').map(decode).collect::<Option<Vec<_>>>())?;
    match all {
        Some(mut keys) => {
            keys.retain(|key| viewer.sees(&key.merchant));
            Ok(Some(keys))
        }
        None if fields.get("only").is_some() => {
            Err(Failure::Invalid("No user is selected. Go back, and select some.".into()))
        }
        None => Ok(None),
    }
}

pub(super) async fn ask_resolve_many(
    State(pages): State<Arc<Pages>>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    let query = &viewer.query;
    let group = Group::of(query)?;
    let merchant: Option<MerchantName> = query.name("merchant")?;
    let keys = selected(&viewer, query)?;
    let count = if let Some(keys) = &keys {
        keys.len() as u64
    } else {
        let mut all = 0;
        for merchant in viewer.scopes(&pages, merchant.as_ref()) {
            all += group.count(&pages, merchant).await?;
        }
        all
    };
    let what = format!("{} {} {}", number(count), group.word(), if count == 1 { "token" } else { "tokens" });
    let whose = match (&merchant, &keys) {
        (_, Some(_)) => "those that were selected".to_owned(),
        (Some(merchant), None) => format!("all of {merchant}"),
        (None, None) => "all".to_owned(),
    };
    let Spools { waiting, lost } = in_spools(&pages).await?;
    let about = html! {
        p { (meaning(group)) }
        @if waiting { p.wrong { (IN_SPOOL) } } @else if lost { p.wrong { (IN_LOST_SPOOL) } }
        (facts(&[("Tokens", html! { (what) }), ("Which", html! { (whose) })]))
    };
    let answer = html! {
        @for name in ["state", "merchant", "token", "only"] {
            @if let Some(value) = query.get(name) { input type="hidden" name=(name) value=(value); }
        }
        (choices(group))
        @if count > 0 { button type="submit" { "Resolve " (what) } }
    };
    let back = query.link("/users", &[("token", ""), ("only", "")]);
    let title = format!("Resolve {what}?");
    let question = Question { title: &title, action: "/users/resolve", back: &back };
    Ok(ask(viewer, MenuItem::Users, &question, &about, &answer))
}

/// Where files are in spools.
struct Spools {
    /// Of a living process, which will store them.
    waiting: bool,
    /// Of a lost process, by the last facts that it published.
    lost: bool,
}

async fn in_spools(pages: &Pages) -> Result<Spools, Failure> {
    let workers = pages.deps.dashboard.workers(pages.deps.worker_lost_after).await?;
    let known = |alive| {
        let others = workers.iter().filter(|worker| worker.alive == alive && pages.is_other(worker));
        others.map(|worker| worker.facts.spool_files).any(|files| files > 0)
    };
    let waiting = (pages.deps.facts)().spool_files > 0 || known(true);
    Ok(Spools { waiting, lost: known(false) })
}

const IN_SPOOL: &str = "Files wait in the spool of a process (see the overview). One may hold the successor of such a \
                        token, which would then be used although it is spent. Wait until the spool is empty.";

const IN_LOST_SPOOL: &str = "Files waited in the spool of a process that is lost (see the overview). Start it again in \
                             its instance folder first, if you still have it: one may hold the successor of such a \
                             token, which would then be used although it is spent.";

fn meaning(group: Group) -> &'static str {
    match group {
        Group::Uncertain => {
            "It is not known whether these tokens were used: the answer of the last exchange was lost, or the \
             database was restored from a backup."
        }
        Group::Rejected => {
            "Klarna rejected these tokens. Make them active again only if the rejection was a mistake, for \
             example with wrong settings: each is presented once more. Those of users who withdrew their \
             consent are rejected again."
        }
    }
}

fn choices(group: Group) -> Markup {
    html! {
        fieldset {
            legend { "What should happen to them?" }
            label.check { input type="radio" name="as" value="retry" required; span { "Use each once more with the \
                user's next order. Klarna may revoke the consent for one that was already used." } }
            @if group == Group::Uncertain {
                label.check { input type="radio" name="as" value="present"; span { "Let the keeper use them in its \
                    next sweeps, before the users' next orders." } }
                label.check { input type="radio" name="as" value="lost"; span { "Do not use them again: the users \
                    have to sign in again." } }
            }
        }
    }
}

pub(super) async fn resolve_many(
    State(pages): State<Arc<Pages>>,
    posted: Posted,
) -> Result<Response, Failure> {
    let group = Group::of(&posted.fields)?;
    let merchant: Option<MerchantName> = posted.fields.name("merchant")?;
    let entry = posted.viewer.entry(Action::TokenResolve).merchant(merchant.as_ref());
    posted.viewer.check(merchant.as_ref())?;
    let row = Begun::new(&pages, &posted.viewer.asked, entry.object("tokens that were selected or match"));
    let done = decide(&pages, &posted, group, merchant.as_ref()).await;
    let Ok((resolved, left)) = &done else { return row.end(done.map(|_| see("/users"))) };
    tracing::info!(tokens = resolved, what = group.word(), "An operator resolved many tokens");
    let known = [
        ("token", ""),
        ("only", ""),
        ("as", ""),
        ("form_token", ""),
        ("done", "Resolve"),
        ("changed", &resolved.to_string()),
        ("unchanged", &left.to_string()),
    ];
    row.object(format_args!("{resolved} tokens")).end(Ok(see(&posted.fields.link("/users", &known))))
}

/// Returns how many tokens were resolved, and how many of the selected ones needed no decision.
async fn decide(
    pages: &Pages,
    posted: &Posted,
    group: Group,
    merchant: Option<&MerchantName>,
) -> Result<(u64, u64), Failure> {
    let decision = match (posted.fields.get("as"), group) {
        (Some("retry"), _) => Resolution::Retry,
        (Some("present"), Group::Uncertain) => Resolution::Present,
        (Some("lost"), Group::Uncertain) => Resolution::Dead,
        _ => return Err(Failure::Invalid("Choose what should happen to the tokens.".into())),
    };
    if decision != Resolution::Dead && in_spools(pages).await?.waiting {
        return Err(Failure::WrongStatus(IN_SPOOL.to_owned()));
    }
    let (mut resolved, mut left) = (0, 0);
    let mut concerned = posted.viewer.scopes(pages, merchant);
    if let Some(keys) = selected(&posted.viewer, &posted.fields)? {
        let merchants: BTreeSet<_> = keys.iter().map(|key| key.merchant.clone()).collect();
        concerned = merchants.into_iter().map(Some).collect();
        for key in keys {
            if group.decide(pages, &key, decision).await? {
                pages.deps.audit.record(posted.viewer.entry(Action::TokenResolve).about(&key));
                resolved += 1;
            } else {
                left += 1;
            }
        }
    } else {
        for merchant in posted.viewer.scopes(pages, merchant) {
            let mut last = TokenId::START;
            while let Some((count, id)) = group.decide_next(pages, merchant.clone(), decision, last).await? {
                (resolved, last) = (resolved + count, id);
            }
        }
    }
    if group == Group::Rejected && resolved > 0 {
        // A merchant that was stopped because of the rejections tries the next one at once.
        for merchant in concerned {
            pages.deps.providers.probe_now(merchant.as_ref()).await?;
        }
    }
    Ok((resolved, left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_in_a_field_has_no_spaces() {
        for (merchant, user) in [("shop", "u-1"), ("my shop", "a b&c=d +%"), ("ö", "ü ü")] {
            let key = UserKey::new(merchant, user);
            let field = encode(&key);
            assert!(!field.contains(' '), "{field}");
            assert_eq!(decode(&field), Some(key));
        }
    }
}
