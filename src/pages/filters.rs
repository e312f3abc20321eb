//! The forms that filter lists, and what they say of the filters that are active.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::fields::Fields;
use super::order_tabs::WITHOUT;
use super::pieces::words;

/// Filters that are tabs.
const TABS: [&str; 2] = ["status", "state"];
/// Others that have no chip: the field on top of every page, or a sentence above the list shows
/// them.
const SHOWN_ELSEWHERE: [&str; 2] = ["q", "order"];

/// Where a list begins again, and what was told of an action.
const PLACE: [(&str, &str); 4] = [("before", ""), ("after", ""), ("after_merchant", ""), ("done", "")];

/// The form that filters a list, in a drawer where the screen is narrow, and the active filters.
pub(super) struct Filters<'a> {
    pub(super) path: &'a str,
    pub(super) query: &'a Fields,
    pub(super) now: DateTime<Utc>,
    /// The names of all fields.
    pub(super) names: &'a [&'a str],
    pub(super) fields: Markup,
    /// The names of fields that are folded, and these fields.
    pub(super) folded: Option<(&'a [&'a str], Markup)>,
}

impl Filters<'_> {
    /// How many of these fields are filled in, beside the tabs.
    fn active(&self, names: &[&str]) -> Markup {
        let names = names.iter().filter(|name| !TABS.contains(name));
        let active = names.filter(|name| self.query.get(name).is_some()).count();
        html! { @if active > 0 { " (" (active) ")" } }
    }

    pub(super) fn draw(&self) -> Markup {
        let Self { path, names, fields, folded, .. } = self;
        html! {
            div.drawer {
                input.unseen #filters type="checkbox";
                label.button for="filters" { "Filters" (self.active(names)) }
                form.filters method="get" action=(path) aria-label="Filters" {
                    (fields)
                    div.buttons { button type="submit" { "Filter" } a href=(path) { "Clear" } }
                    @if let Some((names, fields)) = folded {
                        details #more-filters {
                            summary { "More filters" (self.active(names)) }
                            div { (fields) }
                        }
                    }
                }
            }
            (self.chips())
        }
    }

    /// The active filters, each as a link to the list without it.
    fn chips(&self) -> Markup {
        let Self { path, query, now, names, .. } = self;
        let chips = names.iter().filter(|name| !TABS.contains(name) && !SHOWN_ELSEWHERE.contains(name));
        let chips: Vec<_> = chips.filter_map(|name| Some((*name, query.get(name)?))).collect();
        html! {
            @if !chips.is_empty() {
                nav.chips aria-label="Active filters" {
                    @for (name, value) in chips {
                        a href=(query.link(path, &[&PLACE[..], &[(name, "")]].concat())) title="Remove this filter" {
                            (field_name(name).trim_end_matches(" (UTC)")) ": " b { (shown(name, value, *now)) } " ×"
                        }
                    }
                }
            }
        }
    }
}

/// Shows the value of a filter, as its form does.
pub(super) fn shown(name: &str, value: &str, now: DateTime<Utc>) -> String {
    match (name, time_of(name, value, now)) {
        ("order", _) => format!("{} selected", value.split(' ').count()),
        ("due", _) => "now".to_owned(),
        ("duplicates" | "again", _) => if value == WITHOUT { "left out" } else { "only" }.to_owned(),
        ("follow_ups" | "status" | "token" | "rows" | "outcome", _) => words(value),
        (_, Some(time)) => time.format("%Y-%m-%d %H:%M UTC").to_string(),
        _ => value.to_owned(),
    }
}

/// The time that a filter means now, if it is one by time.
pub(super) fn time_of(name: &str, value: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let is_time = ["from", "until", "ended_since", "ended_until", "happened", "since"].contains(&name);
    is_time.then(|| Fields::time_of(value, now)).flatten()
}

/// The name of a filter's field, as a heading.
pub(super) fn field_name(field: &str) -> &'static str {
    match field {
        "q" => "Id, reference, key or user",
        "status" => "Status",
        "token" => "Token",
        "id" => "Id",
        "target" => "Target",
        "merchant" => "Merchant",
        "user" => "User",
        "error" => "Error code",
        "follow_ups" => "Follow-ups",
        "from" => "Accepted since (UTC)",
        "until" => "Accepted before (UTC)",
        "ended_since" => "Failed or ended since (UTC)",
        "ended_until" => "Failed or ended before (UTC)",
        "duplicates" => "Possible duplicates",
        "again" => "Those that fail again",
        "due" => "Due",
        "kind" => "Event",
        "happened" => "Happened since (UTC)",
        "since" => "Since (UTC)",
        "action" => "Action",
        "key" => "API key",
        "outcome" => "Outcome",
        "object" => "Object (id)",
        "rows" => "Rows",
        _ => "Orders",
    }
}

/// A drop-down list.
pub(super) fn choice<T: AsRef<str>>(
    query: &Fields,
    name: &str,
    any: &str,
    options: impl IntoIterator<Item = T>,
) -> Markup {
    let chosen = query.get(name);
    html! {
        label { span { (field_name(name)) }
            select name=(name) {
                option value="" { (any) }
                @for option in options {
                    @let option = option.as_ref();
                    option value=(option) selected[chosen == Some(option)] { (words(option)) }
                }
            }
        }
    }
}

/// A time, in UTC, or an age.
pub(super) fn moment(query: &Fields, name: &str) -> Markup {
    html! {
        label { span { (field_name(name)) }
            input type="text" name=(name) value=[query.get(name)] placeholder="2h or 2026-01-31"
                autocomplete="off" spellcheck="false";
        }
    }
}

/// A text field.
pub(super) fn line(query: &Fields, name: &str) -> Markup {
    labelled(query, name, field_name(name))
}

/// A text field with a label of its own.
pub(super) fn labelled(query: &Fields, name: &str, label: &str) -> Markup {
    html! {
        label { span { (label) }
            input type="search" name=(name) value=[query.get(name)];
        }
    }
}

/// The value of a tab, as a hidden field: another filter keeps the tab.
pub(super) fn tab(query: &Fields, name: &str) -> Markup {
    html! { @if let Some(value) = query.get(name) { input type="hidden" name=(name) value=(value); } }
}
