//! Texts and flags of the description, as the page shows them.

use maud::{Markup, html};
use serde_json::Value;

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_default()
}

/// A summary or description of one line, without the full stop at its end.
pub(super) fn phrase(value: &Value) -> Markup {
    inline(text(value).trim_end_matches('.'))
}

/// Text whose paragraphs are separated by empty lines.
pub(super) fn paragraphs(value: &Value) -> Markup {
    let paragraphs = text(value).split("\n\n").filter(|paragraph| !paragraph.is_empty());
    html! { @for paragraph in paragraphs { p { (inline(paragraph)) } } }
}

/// Text with code in backticks, which is the only Markdown that the descriptions use.
pub(super) fn inline(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
