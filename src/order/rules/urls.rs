//! `merchant_urls`: where Klarna sends the shopper and its callbacks.
//!
//! They hold placeholders such as `{checkout.order.id}`, so they are no URLs yet and are not parsed as such.

use crate::order::fields::{Faults, Fields, Need};

/// Klarna's limit for these URLs, in characters.
const MOST: usize = 2000;

/// What `merchant_urls` must hold, where it is there.
const REQUIRED: [&str; 4] = ["terms", "checkout", "confirmation", "push"];

/// What it may hold, and whether that must be https.
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
        urls.string(name, Need::Required, &(1..=MOST), faults);
    }
    for (name, secure) in OPTIONAL {
        let url = urls.string(name, Need::Optional, &(0..=MOST), faults);
        if secure && url.is_some_and(|url| !url.is_empty() && !is_https(&url)) {
            urls.fault(name, "does not begin with https://, and Klarna calls no other URL here", faults);
        }
    }
}

fn is_https(url: &str) -> bool {
    url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}
