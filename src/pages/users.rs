//! The list of users, by the state of their tokens.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::Pages;
use super::bulk_tokens::{self, Group};
use super::failure::Failure;
use super::fields::Fields;
use super::filters::{Filters, choice, labelled, tab};
use super::frame::MenuItem;
use super::links::user_link;
use super::pieces::{at, col, command, done, maybe_time, number, select_all, state, words};
use super::viewer::Viewer;
use crate::audit::{Action, Outcome};
use crate::ids::{MerchantName, UserId, UserKey};
use crate::store::TokenFilter;
use crate::token::{TokenState, TokenView};

/// Users on one page.
const PAGE: u32 = 50;

pub(super) async fn list(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let query = &viewer.query;
    let merchant: Option<MerchantName> = query.name("merchant")?;
    let entry = viewer.entry(Action::TokensList).merchant(merchant.as_ref());
    // A key that is not valid for the merchant sees an empty list.
    let is_refused = viewer.check(merchant.as_ref()).is_err();
    let entry = if is_refused { entry.ended(Outcome::Refused) } else { entry };
    viewer.asked.set(entry.clone());
    let wanted = query.one_of("state", TokenState::ALL, TokenState::as_str)?;
    let after_merchant: Option<MerchantName> = query.name("after_merchant")?;
    let after = after_merchant.zip(query.name("after")?).map(|(merchant, user)| UserKey { merchant, user });
    let users = match query.name("user")? {
        Some(user) => named(&pages, &viewer, merchant.as_ref(), &user, wanted).await?,
        None => page(&pages, &viewer, merchant.as_ref(), wanted, after.as_ref()).await?,
    };
    let more = users.len() > PAGE as usize;
    let users = &users[..users.len().min(PAGE as usize)];
    let next = users.last().filter(|_| more);
    let group = Group::shown(query).filter(|_| viewer.may_act());
    let bulk = group.map(|group| bulk_tokens::form(query, group));
    let columns = Columns { boxes: group.is_some(), merchants: viewer.merchants(&pages).len() > 1 };
    let counts = Counts::of(&pages, &viewer, merchant.as_ref()).await;
    let page = |counts: Option<&Counts>| {
        html! {
            div.heading { h1 { "Users" } }
            (done(query))
            (filters(&pages, &viewer).draw())
            (tabs(query, counts))
            div.listed {
                @if let Some(bulk) = &bulk { (bulk) }
                section #list data-live {
                    @if users.is_empty() { (none(query)) }
                    @else { (table(users, columns)) }
                    nav.pages aria-label="More" {
                        @if after.is_some() {
                            a href=(query.link("/users", &[("after", ""), ("after_merchant", "")])) { "First" }
                        }
                        @if let Some(last) = next {
                            @let next = [("after", last.user.as_str()), ("after_merchant", last.merchant.as_str())];
                            a rel="next" href=(query.link("/users", &next)) { "More →" }
                        }
                    }
                }
            }
        }
    };
    // Counts change with every sign-in. They alone are no news, which would leave a row in the
    // audit log; that there are some now is.
    let steady = counts.as_ref().map(|_| Counts::default());
    let (main, steady) = (page(counts.as_ref()), page(steady.as_ref()));
    Ok(viewer.answer_read(&pages, entry, MenuItem::Users, "Users", &main, &steady))
}

fn filters<'a>(pages: &Pages, viewer: &'a Viewer) -> Filters<'a> {
    let query = &viewer.query;
    let fields = html! {
        (tab(query, "state"))
        (choice(query, "merchant", "all", viewer.merchants(pages)))
        (labelled(query, "user", "User (whole name)"))
    };
    Filters {
        path: "/users",
        query,
        now: viewer.now,
        names: &["state", "merchant", "user"],
        fields,
        folded: None,
    }
}

/// Returns the users with this name at every merchant.
async fn named(
    pages: &Pages,
    viewer: &Viewer,
    merchant: Option<&MerchantName>,
    user: &UserId,
    wanted: Option<TokenState>,
) -> Result<Vec<TokenView>, Failure> {
    let mut users = Vec::new();
    for merchant in viewer.merchants(pages) {
        users.extend(
            pages.deps.registry.view(&UserKey { merchant: merchant.clone(), user: user.clone() }).await?,
        );
    }
    users.retain(|token| merchant.is_none_or(|merchant| token.merchant == *merchant));
    users.retain(|token| wanted.is_none_or(|wanted| token.state == wanted));
    Ok(users)
}

/// Returns a page of users, merchant by merchant: among a million users, those of one merchant in
/// one state are found quickly.
async fn page(
    pages: &Pages,
    viewer: &Viewer,
    merchant: Option<&MerchantName>,
    wanted: Option<TokenState>,
    after: Option<&UserKey>,
) -> Result<Vec<TokenView>, Failure> {
    let mut users = Vec::new();
    let mut merchants = viewer.merchants(pages);
    merchants.retain(|name| merchant.is_none_or(|merchant| name == merchant));
    for name in merchants {
        let behind = after.filter(|after| after.merchant == name);
        if after.is_some_and(|after| name < after.merchant) {
            continue;
        }
        let filter = TokenFilter {
            state: wanted,
            merchant: Some(name.clone()),
            expiring_within: None,
            after: behind.cloned(),
            limit: PAGE + 1 - u32::try_from(users.len()).unwrap_or(PAGE),
        };
        users.extend(pages.deps.registry.list(&filter).await?);
        if users.len() > PAGE as usize {
            break;
        }
    }
    Ok(users)
}

/// How many tokens there are in each state, as they were counted last, and when that was.
#[derive(Default)]
struct Counts {
    tokens: Vec<(TokenState, u64)>,
    counted_at: DateTime<Utc>,
}

impl Counts {
    /// Returns the last counts of a merchant, or of all that the viewer may see, once there are
    /// some. A page starts a new count at most as often as [`super::counts`] allows. A search for
    /// one user has none.
    async fn of(pages: &Pages, viewer: &Viewer, merchant: Option<&MerchantName>) -> Option<Self> {
        if viewer.query.get("user").is_some() {
            return None;
        }
        let mut counts = Self { tokens: Vec::new(), counted_at: viewer.now };
        for merchant in viewer.scopes(pages, merchant) {
            let (at, found) = pages.counts.of(&pages.deps.keeper, merchant, viewer.now).await?;
            counts.counted_at = counts.counted_at.min(at);
            counts.tokens.extend(found.iter().map(|count| (count.state, count.tokens)));
        }
        Some(counts)
    }

    fn of_state(&self, wanted: Option<TokenState>) -> u64 {
        let counts = |state| wanted.map_or(state != TokenState::Forgotten, |wanted| state == wanted);
        self.tokens.iter().filter(|(state, _)| counts(*state)).map(|(_, tokens)| tokens).sum()
    }
}

/// The states, with their counts if they are known.
fn tabs(query: &Fields, counts: Option<&Counts>) -> Markup {
    let tab = |state: Option<TokenState>, name: &str| {
        let word = state.map_or("", TokenState::as_str);
        let current = (query.get("state").unwrap_or_default() == word).then_some("page");
        let more = [("state", word), ("after", ""), ("after_merchant", ""), ("done", "")];
        html! {
            a href=(query.link("/users", &more)) aria-current=[current] {
                (name) @if let Some(counts) = counts { " " b { (number(counts.of_state(state))) } }
            }
        }
    };
    html! {
        div #states data-live {
            nav.tabs aria-label="Token" {
                (tab(None, "all except forgotten"))
                @for state in TokenState::ALL { (tab(Some(state), &words(state.as_str()))) }
            }
            @if let Some(counts) = counts { p.note { "Numbers as of " (at(counts.counted_at)) "." } }
        }
    }
}

/// What to do where no user is listed.
fn none(query: &Fields) -> Markup {
    if ["state", "merchant", "user"].into_iter().any(|name| query.get(name).is_some()) {
        return html! { p.quiet.empty { "No users match. " a href="/users" { "Show all users" } } };
    }
    html! {
        p.empty { "No refresh tokens yet. The shop registers them by the API, or import them from a file:" }
        (command("klarna-order-worker tokens import tokens.jsonl"))
    }
}

/// Which columns a table of users has beside those that it always has.
#[derive(Clone, Copy)]
struct Columns {
    /// Boxes to select users.
    boxes: bool,
    /// The users' merchants.
    merchants: bool,
}

/// A table of users.
fn table(users: &[TokenView], columns: Columns) -> Markup {
    html! {
        div.scroll { table.list {
            thead { tr {
                @if columns.boxes { (select_all()) }
                (col("User")) @if columns.merchants { (col("Merchant")) } (col("Token")) (col("Expires"))
                (col("Next refresh")) (col("Last seen")) th.count.wide scope="col" { "Generation" }
            } }
            tbody { @for token in users { tr {
                @if columns.boxes { td.select { (bulk_tokens::select(&UserKey {
                    merchant: token.merchant.clone(), user: token.user.clone() })) } }
                td.name.lead data-label="User" { a href=(user_link(&token.merchant, &token.user)) { (token.user) } }
                @if columns.merchants { td.bare data-label="Merchant" { (token.merchant) } }
                td.state data-label="Token" { span { (state(token.state))
                    @if let Some(reason) = token.reason { " " span.quiet { (words(reason.as_str())) } } } }
                td data-label="Expires" { (maybe_time(token.expires_at.filter(|_| token.state == TokenState::Active))) }
                td.wide data-label="Next refresh" { (maybe_time(token.refresh_due_at)) }
                td data-label="Last seen" { (maybe_time(token.last_seen_at)) }
                td.count.wide data-label="Generation" { (token.generation) }
            } } }
        } }
    }
}
