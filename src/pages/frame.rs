//! The frame around every page: head, menu, footer.

use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

/// The pages in the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MenuItem {
    Overview,
    Orders,
    Users,
    Webhooks,
    Audit,
}

const MENU: [(MenuItem, &str, &str); 5] = [
    (MenuItem::Overview, "/", "Overview"),
    (MenuItem::Orders, "/orders", "Orders"),
    (MenuItem::Users, "/users", "Users"),
    (MenuItem::Webhooks, "/webhooks", "Webhooks"),
    (MenuItem::Audit, "/audit", "Audit"),
];

/// Who is signed in.
pub(super) struct Account<'a> {
    /// The name of the key; `None` if no sign-in is needed.
    pub(super) name: Option<&'a str>,
    /// For the form that signs out.
    pub(super) form_token: &'a str,
}

/// A page for a signed-in operator. `search` is what the page was searched for.
pub(super) fn page(
    place: MenuItem,
    title: &str,
    account: &Account<'_>,
    search: Option<&str>,
    main: &Markup,
) -> Markup {
    let Account { name, form_token } = account;
    let menu = html! {
        (links(Some(place)))
        (find(search))
        div.who {
            span #live .live title="This page updates itself" hidden { "Live" }
            @if let Some(name) = name {
                span.name { (name) }
                form method="post" action="/sign-out" title={ "Signed in as " (name) } {
                    (token_field(form_token))
                    button.plain type="submit" { "Sign out" }
                }
            } @else {
                span.name { "This machine" }
            }
        }
    };
    document(title, &menu, main)
}

fn links(place: Option<MenuItem>) -> Markup {
    html! {
        nav aria-label="Pages" {
            @for (other, path, name) in MENU {
                a href=(path) aria-current=[(Some(other) == place).then_some("page")] { (name) }
            }
        }
    }
}

fn find(search: Option<&str>) -> Markup {
    html! {
        form.find method="get" action="/orders" role="search" {
            input type="search" name="q" value=[search] aria-label="Find an order" data-search
                placeholder="Find an order: id, reference, user ( / )" maxlength="255";
        }
    }
}

/// A page that says why something cannot be shown or done. `not_found.html` of the API has the same
/// menu and search.
pub(super) fn failed(title: &str, main: &Markup) -> Html<String> {
    let menu = html! { (links(None)) (find(None)) };
    Html(document(title, &menu, &html! { section.alone { (main) } }).into_string())
}

/// A page without a menu.
pub(super) fn alone(title: &str, main: &Markup) -> Html<String> {
    Html(document(title, &html! {}, &html! { section.alone { (main) } }).into_string())
}

/// The session's token as a hidden form field.
pub(super) fn token_field(form_token: &str) -> Markup {
    html! { input type="hidden" name="form_token" value=(form_token); }
}

fn document(title: &str, menu: &Markup, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · Klarna order worker" }
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                link rel="stylesheet" href="/assets/style.css";
                script src="/assets/live.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header.top {
                    a.brand href="/" { span.mark aria-hidden="true" {} "Order worker" }
                    (menu)
                }
                main #main tabindex="-1" { (main) }
            }
        }
    }
}
