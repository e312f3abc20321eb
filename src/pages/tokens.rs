//! The tokens of an installation by state, and by the days until they expire.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::charts::{Bar, Chart, Part, Tick};
use super::counts::Counted;
use super::links::link;
use super::pieces::{at, number, state, words};
use crate::store::TokenCount;
use crate::token::TokenState;

const PARTS: [Part; 1] = [("calm", "Active tokens")];

/// From this many days on, tokens are counted together.
const MOST_DAYS: i64 = 60;

/// Shows counts, one for each merchant or one for all.
pub(super) fn standing(counts: &[Counted]) -> Markup {
    let counted: Vec<_> = counts.iter().flatten().collect();
    if counted.len() < counts.len() || counted.is_empty() {
        return html! { p.quiet { "Counting tokens …" } };
    }
    let all: Vec<&TokenCount> = counted.iter().flat_map(|(_, counts)| counts.iter()).collect();
    let of = |state: TokenState| {
        all.iter().filter(|count| count.state == state).map(|count| count.tokens).sum::<u64>()
    };
    let mut reasons = BTreeMap::<&str, u64>::new();
    for count in &all {
        if let Some(reason) = count.reason {
            *reasons.entry(reason.as_str()).or_default() += count.tokens;
        }
    }
    let reasons: Vec<String> =
        reasons.iter().map(|(reason, tokens)| format!("{}: {}", words(reason), number(*tokens))).collect();
    html! {
        dl.figures.small {
            @for each in TokenState::ALL {
                div.alarm[each == TokenState::Uncertain && of(each) > 0] {
                    dt { (state(each)) }
                    dd { a href=(link("/users", &[("state", each.as_str())])) { (number(of(each))) } }
                    @if each == TokenState::ReauthRequired && !reasons.is_empty() {
                        dd.note { (reasons.join(", ")) }
                    }
                }
            }
        }
        h3 { "Active, by days until expiry" }
        (by_days(&all))
        @if of(TokenState::Active) + of(TokenState::Forgotten) > 100_000 {
            p.note { "Counted at " (at(counted.iter().map(|(at, _)| *at).min().unwrap_or_default())) "." }
        }
    }
}

fn by_days(counts: &[&TokenCount]) -> Markup {
    let name = |days: i64| match days {
        ..=-1 => "expired".to_owned(),
        MOST_DAYS => format!("{MOST_DAYS} days or more"),
        1 => "1 day".to_owned(),
        _ => format!("{days} days"),
    };
    let mut bars: Vec<Bar> = (-1..=MOST_DAYS).map(|days| Bar { name: name(days), counts: vec![0] }).collect();
    for count in counts {
        let Some(days) = count.days else { continue };
        let place = usize::try_from(days.clamp(-1, MOST_DAYS) + 1).unwrap_or_default();
        bars[place].counts[0] += count.tokens;
    }
    let below = [(0, "expired"), (16, "15"), (31, "30"), (46, "45"), (61, "60+")];
    let below = below.map(|(bar, name)| Tick { bar, name: name.to_owned() });
    let title = "Active tokens by days until expiry";
    Chart { id: "days", title, parts: &PARTS, bars: &bars, below: &below, link: None }.draw()
}
