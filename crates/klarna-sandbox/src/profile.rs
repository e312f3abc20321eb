//! The people of the sandbox: what their id_tokens say, each value found in no other's, so that
//! leaks can be searched for.

use serde_json::{Map, Value, json};

/// What an id_token says of a user, beside the registered claims.
pub(super) type Profile = Map<String, Value>;

/// The `serial`th person, after Klarna's sample, with `given` laid over it; a `null` takes a claim
/// away.
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
