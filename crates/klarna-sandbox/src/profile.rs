//! The users' profiles in id_tokens. No two users share a value, so that a search for leaks is
//! reliable.

use serde_json::{Map, Value, json};

/// The claims of an id_token that describe the user.
pub(super) type Profile = Map<String, Value>;

/// Returns the profile number `serial` of this run, modelled on Klarna's sample, with the claims of
/// `given` merged into it; a `null` removes a claim.
pub(super) fn profile(run: u64, serial: usize, given: Profile) -> Profile {
    let mut profile = sample(run, serial);
    for (claim, value) in given {
        if value.is_null() {
            profile.remove(&claim);
        } else {
            profile.insert(claim, value);
        }
    }
    profile
}

/// Returns the claims of a name that somebody types: the last word is the family name. One word is
/// the given name; the sample's family name stays.
pub(super) fn named(name: &str) -> Profile {
    let (given, family) = name.rsplit_once(' ').map_or((name, None), |(given, family)| (given, Some(family)));
    let names = [("given_name", Some(given)), ("family_name", family)];
    names.into_iter().filter_map(|(claim, name)| Some((claim.to_owned(), json!(name?.trim())))).collect()
}

/// Returns the claims that a shop gets which has asked for these scopes.
pub(super) fn granted(profile: &Profile, scope: &str) -> Profile {
    let asked = |name: &str| scope.split(' ').any(|asked| asked.strip_prefix("profile:") == Some(name));
    let given = |claim: &str| match claim {
        "given_name" | "family_name" => asked("name"),
        "email" | "email_verified" => asked("email"),
        "phone"
        | "date_of_birth"
        | "billing_address"
        | "shipping_address"
        | "country"
        | "locale"
        | "national_identification_number" => asked(claim),
        _ => true,
    };
    profile
        .iter()
        .filter(|(claim, _)| given(claim))
        .map(|(claim, value)| (claim.clone(), value.clone()))
        .collect()
}

/// Returns how Klarna addresses the person.
pub(super) fn full_name(profile: &Profile) -> String {
    let names = ["given_name", "family_name"].map(|claim| profile.get(claim).and_then(Value::as_str));
    names.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn sample(run: u64, serial: usize) -> Profile {
    let sample = json!({
        "sub": format!("krn:kuid:sandbox-{:06x}-{serial:08}", run & 0xff_ffff),
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
