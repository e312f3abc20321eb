//! Rules for the buyer: `customer`, `billing_address`, `shipping_address`.
//!
//! Source: Klarna's API description, for kinds and for the form of the birth date. That a shop must
//! not send an access token is a rule of this service.

use chrono::NaiveDate;

use crate::order::fields::{Faults, Fields, Need};

const ADDRESS_FIELDS: [&str; 15] = [
    "given_name",
    "family_name",
    "email",
    "title",
    "street_address",
    "street_address2",
    "street_name",
    "street_number",
    "house_extension",
    "postal_code",
    "city",
    "region",
    "phone",
    "country",
    "care_of",
];

pub(super) fn check(order: &Fields<'_>, faults: &mut Faults<'_>) {
    for name in ["billing_address", "shipping_address"] {
        if let Some(address) = order.object(name, faults) {
            for field in ADDRESS_FIELDS {
                address.text(field, Need::Optional, &(0..=usize::MAX), faults);
            }
        }
    }
    if let Some(customer) = order.object("customer", faults) {
        // Even null is refused: only this service writes this member, and its token must be the
        // only one.
        if customer.members().any(|(name, _)| name == "klarna_access_token") {
            let message = "must not be given: this service adds the access token";
            customer.fault("klarna_access_token", message, faults);
        }
        let born = customer.text("date_of_birth", Need::Optional, &(0..=usize::MAX), faults);
        if born.is_some_and(|text| !text.is_empty() && !is_date(&text)) {
            customer.fault("date_of_birth", "is not a date, expected yyyy-mm-dd", faults);
        }
    }
}

/// Returns whether `text` is a date as Klarna writes it, `yyyy-mm-dd`.
#[must_use]
pub fn is_date(text: &str) -> bool {
    // Parsing alone would also accept signs and short months.
    text.parse::<NaiveDate>().is_ok_and(|date| date.to_string() == text)
}
