//! The users' profiles in id_tokens. No two users share a value, so that a search for leaks is
//! reliable.

use serde_json::{Map, Value, json};

/// The claims of an id_token that describe the user.
pub(super) type Profile = Map<String, Value>;

/// Returns the profile number `serial`, modelled on Klarna's sample, with the claims of `given`
/// merged into it; a `null` removes a claim.
pub(super) fn profile(serial: usize, given: Profile) -> Profile {
    let mut profile = sample(serial);
    for (claim, value) in given {
        if value.is_null() {
            profile.remove(&claim);
        } else {
            profile.insert(claim, value);
        }
    }
    profile
}

fn sample(serial: usize) -> Profile {
    let sample = json!({
        "sub": format!("krn:kuid:sandbox-{serial:08}"),
        "given_name": format!("Karl-{serial}"),
        "family_name": format!("Karlsson-{serial}"),
        "email": format!("shopper-{serial}@sandbox.example"),
        "email_verified": true,
        "phone": format!("+4670{serial:08}"),
        "date_of_birth": "1984-09-21",
        "country": "SE",
        "locale": "en-SE",
        "national_identification_number": format!("19840921{serial:08}"),
        "billing_address": {
            "street_address": format!("Karlaplan {serial}"),
            "street_address_2": null,
            "postal_code": "11460",
            "city": "Stockholm",
            "region": null,
            "country": "SE",
        },
    });
    match sample {
        Value::Object(profile) => profile,
        _ => Profile::new(),
    }
}
