//! Rules for `merchant_urls`: the addresses to which Klarna sends shoppers and callbacks.
//!
//! Source: Klarna's API description, which says for each member whether it is required, how long it
//! may be, and whether it must be https.
//!
//! They contain placeholders such as `{checkout.order.id}`. So they are not valid URLs yet, and are
//! not parsed.

use crate::order::fields::{Faults, Fields, Need};

/// Klarna's limit for these URLs, in characters.
const MOST: usize = 2000;

/// The members that `merchant_urls` must have, if it is present.
const REQUIRED: [&str; 4] = ["terms", "checkout", "confirmation", "push"];

/// The members that it may have, and whether each must be https.
const OPTIONAL: [(&str, bool); 6] = [
    ("validation", true),
    ("notification", false),
    ("cancellation_terms", false),
    ("shipping_option_update", true),
    ("address_update", true),
    ("country_change", true),
];

pub(super) fn check(order: &Fields<'_>, faults: &mut Faults<'_>) {
    let Some(urls) = order.object("merchant_urls", faults) else {
        return;
    };
    for name in REQUIRED {
        urls.text(name, Need::Required, &(1..=MOST), faults);
    }
    for (name, secure) in OPTIONAL {
        let url = urls.text(name, Need::Optional, &(0..=MOST), faults);
        if secure && url.is_some_and(|url| !url.is_empty() && !is_https(&url)) {
            urls.fault(name, "does not begin with https://, and Klarna accepts no other URL here", faults);
        }
    }
}

fn is_https(url: &str) -> bool {
    url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}
