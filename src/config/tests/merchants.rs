//! Klarna's addresses, and settings that replace them.

use std::sync::Arc;

use secrecy::ExposeSecret;

use super::{LEAST, env, faults, faulty_keys, with};
use crate::config::{ApiCredentials, ClientAuth, CredentialSet, LongestPauses, Merchant, Settings};
use crate::order::Target;

fn merchant(variables: &[(&str, &str)]) -> Arc<Merchant> {
    let variables: Vec<(String, &str)> = variables
        .iter()
        .map(|(key, value)| (format!("KLARNA_WORKER__MERCHANTS__SHOP__{key}"), *value))
        .collect();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    with(&variables).unwrap().merchants["shop"].clone()
}

#[test]
fn the_longest_pauses_are_settings() {
    assert_eq!(merchant(&[]).longest_pauses, LongestPauses::default());
    let own = merchant(&[("LONGEST_PAUSE", "5m"), ("LONGEST_BACK_OFF", "24h")]).longest_pauses;
    assert_eq!((own.asked.as_secs(), own.between_tries.as_secs()), (300, 24 * 3600));
    for wrong in ["0s", "999ms", "25h"] {
        let key = |name| format!("KLARNA_WORKER__MERCHANTS__SHOP__LONGEST_{name}");
        let (pause, back_off) = (key("PAUSE"), key("BACK_OFF"));
        assert_eq!(
            faulty_keys(LEAST, &[(&*pause, wrong), (&*back_off, wrong)]),
            ["merchants.shop.longest_back_off", "merchants.shop.longest_pause"]
        );
    }
}

#[test]
fn addresses_follow_from_region_environment_and_provider() {
    let table = [
        ("eu", "production", "klarna", "https://login.klarna.com/eu/lp/idp", "https://api.klarna.com/"),
        (
            "eu",
            "playground",
            "klarna",
            "https://login.playground.klarna.com/eu/lp/idp",
            "https://api.playground.klarna.com/",
        ),
        ("na", "production", "klarna", "https://login.klarna.com/na/lp/idp", "https://api-na.klarna.com/"),
        (
            "na",
            "playground",
            "klarna",
            "https://login.playground.klarna.com/eu/lp/idp",
            "https://api-na.playground.klarna.com/",
        ),
        ("eu", "production", "kustom", "https://login.klarna.com/eu/lp/idp", "https://api.kustom.co/"),
        (
            "na",
            "playground",
            "kustom",
            "https://login.playground.klarna.com/eu/lp/idp",
            "https://api.playground.kustom.co/",
        ),
    ];
    for (region, environment, provider, login, checkout) in table {
        let merchant =
            merchant(&[("REGION", region), ("ENVIRONMENT", environment), ("CHECKOUT_PROVIDER", provider)]);
        assert_eq!(merchant.token_url.as_str(), format!("{login}/oauth2/token"));
        assert_eq!(merchant.url(Target::Checkout).unwrap().as_str(), checkout);
        // Klarna Payments stays with Klarna.
        if provider == "klarna" {
            assert_eq!(merchant.url(Target::Payments).unwrap().as_str(), checkout);
        }
    }
}

#[test]
fn the_revocation_endpoint_is_beside_the_token_endpoint_or_as_the_settings_say() {
    let of = |variables: &[(&str, &str)]| {
        let merchant = merchant(variables);
        (merchant.revoke_url.as_deref().map(ToString::to_string), merchant.revoke_on_forget)
    };
    let url = |url: &str| Some(url.to_owned());
    assert_eq!(of(&[]), (url("https://login.klarna.com/eu/lp/idp/oauth2/revoke"), true));
    let given = ("REVOKE_URL", "https://login.klarna.com/oauth2/revoke");
    assert_eq!(of(&[given, ("REVOKE_ON_FORGET", "false")]), (url(given.1), false));
    let strange = ("TOKEN_URL", "https://login.example/exchange");
    assert_eq!(of(&[strange]), (None, false), "nothing is known");
    let strange = ("KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL", strange.1);
    let wanted = ("KLARNA_WORKER__MERCHANTS__SHOP__REVOKE_ON_FORGET", "true");
    assert_eq!(faulty_keys(LEAST, &[strange, wanted]), ["merchants.shop.revoke_on_forget"]);
}

#[test]
fn signing_keys_and_issuers_follow_from_the_token_host_in_force() {
    let eu = merchant(&[]);
    assert_eq!(eu.jwks_url.as_str(), "https://login.klarna.com/eu/lp/idp/.well-known/jwks.json");
    assert_eq!(eu.issuers, ["https://login.klarna.com", "https://login.klarna.com/eu/lp/idp"]);
    let na = merchant(&[("REGION", "na"), ("ENVIRONMENT", "playground")]);
    let host = "https://login.playground.klarna.com";
    assert_eq!(na.jwks_url.as_str(), format!("{host}/na/lp/idp/.well-known/jwks.json"));
    assert_eq!(na.issuers, [host.to_owned(), format!("{host}/na/lp/idp"), format!("{host}/eu/lp/idp")]);
    let own = merchant(&[("TOKEN_URL", "http://127.0.0.1:8090/token")]);
    assert_eq!(own.jwks_url.as_str(), "http://127.0.0.1:8090/eu/lp/idp/.well-known/jwks.json");
    assert_eq!(own.issuers, ["http://127.0.0.1:8090", "http://127.0.0.1:8090/eu/lp/idp"]);
}

#[test]
fn every_address_can_be_replaced() {
    let own = merchant(&[
        ("CHECKOUT_URL", "https://a.example/base"),
        ("JWKS_URL", "https://b.example/keys"),
        ("ISSUER", "https://c.example"),
    ]);
    assert_eq!(own.url(Target::Checkout).unwrap().as_str(), "https://a.example/base");
    assert_eq!(own.jwks_url.as_str(), "https://b.example/keys");
    assert_eq!(own.issuers, ["https://c.example"]);
    let plain = [("KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_URL", "http://a.example")];
    assert_eq!(faulty_keys(LEAST, &plain), ["merchants.shop.checkout_url"]);
}

#[test]
fn discovery_needs_an_issuer_that_is_an_address() {
    assert!(!merchant(&[]).discovery);
    let own = merchant(&[("DISCOVERY", "true"), ("ISSUER", "https://c.example")]);
    assert!(own.discovery);
    assert_eq!(own.issuer_urls().iter().map(ToString::to_string).collect::<Vec<_>>(), ["https://c.example/"]);
    let wanted = ("KLARNA_WORKER__MERCHANTS__SHOP__DISCOVERY", "true");
    for issuer in ["klarna", "http://c.example"] {
        let issuer = ("KLARNA_WORKER__MERCHANTS__SHOP__ISSUER", issuer);
        assert_eq!(faulty_keys(LEAST, &[wanted, issuer]), ["merchants.shop.discovery"]);
        assert!(with(&[issuer]).unwrap().merchants["shop"].issuer_urls().is_empty());
    }
}

#[test]
fn oceania_needs_its_token_url() {
    let region = ("KLARNA_WORKER__MERCHANTS__SHOP__REGION", "oc");
    assert_eq!(faulty_keys(LEAST, &[region]), ["merchants.shop.token_url"]);
    let oc = merchant(&[("REGION", "oc"), ("TOKEN_URL", "https://login.example/oc/lp/idp/oauth2/token")]);
    assert_eq!(oc.jwks_url.as_str(), "https://login.example/oc/lp/idp/.well-known/jwks.json");
    assert_eq!(oc.url(Target::Checkout).unwrap().as_str(), "https://api-oc.klarna.com/");
}

#[test]
fn who_runs_the_checkout_must_be_said() {
    let text = LEAST.replace("checkout_provider = \"klarna\"\n", "");
    let told = faults(&text, &[]);
    assert_eq!(
        told,
        [
            r#"merchants.shop.checkout_provider: missing; write "kustom" or "klarna", whichever issued your Checkout credentials (or write checkout_url)"#
        ]
    );
    let url = ("KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_URL", "https://checkout.example");
    let settings = Settings::parse("test", &text, env(&[url])).unwrap();
    assert_eq!(
        settings.merchants["shop"].url(Target::Checkout).unwrap().as_str(),
        "https://checkout.example/"
    );
    // Klarna Payments has no other provider.
    let target = ("KLARNA_WORKER__MERCHANTS__SHOP__TARGET", "payments");
    let settings = Settings::parse("test", &text, env(&[target])).unwrap();
    let merchant = &settings.merchants["shop"];
    assert_eq!((merchant.target, merchant.url(Target::Checkout)), (Target::Payments, None));
    assert_eq!(merchant.url(Target::Payments).unwrap().as_str(), "https://api.klarna.com/");
    assert!(merchant.prefills(Target::Checkout) && !merchant.prefills(Target::Payments));
    let kustom = ("KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_PROVIDER", "kustom");
    let settings = Settings::parse("test", &text, env(&[target, kustom])).unwrap();
    let merchant = &settings.merchants["shop"];
    assert_eq!(merchant.url(Target::Checkout).unwrap().as_str(), "https://api.kustom.co/");
    assert_eq!(merchant.url(Target::Payments).unwrap().as_str(), "https://api.klarna.com/");
}

#[test]
fn the_secret_of_pushes_fits_into_a_path_and_cannot_be_guessed() {
    let faults = |secret| {
        let variable = ("KLARNA_WORKER__MERCHANTS__SHOP__PUSH_SECRET", secret);
        match Settings::parse("test", LEAST, env(&[variable])) {
            Ok(settings) => {
                let shown = format!("{:?}", settings.merchants["shop"]);
                assert!(!shown.contains(secret), "{shown}");
                Vec::new()
            }
            Err(_) => faulty_keys(LEAST, &[variable]),
        }
    };
    assert!(faults("9f2c4e7b1a6d8053c2b7e4f1").is_empty());
    for wrong in ["short", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "9f2c4e7b1a6d8053/c2b7e4f1aa"] {
        assert_eq!(faults(wrong), ["merchants.shop.push_secret"], "{wrong}");
    }
}

#[test]
fn an_api_key_takes_the_place_of_user_name_and_password() {
    let pair = "api_username = \"user\"\napi_password = \"password\"\n";
    let keyed = LEAST.replace(pair, "api_key = \"key-1\"\n");
    let read = |text: &str, variables: &[(&str, &str)]| {
        let settings = Settings::parse("test", text, env(variables)).unwrap();
        let credentials = settings.merchants["shop"].api_credentials.clone();
        let quoted = format!("{:?}", credentials.secret().expose_secret());
        assert!(!format!("{credentials:?}").contains(&quoted));
        (matches!(credentials, ApiCredentials::Key(_)), credentials.secret().expose_secret().to_owned())
    };
    assert_eq!(read(&keyed, &[]), (true, "key-1".to_owned()));
    assert_eq!(read(LEAST, &[]), (false, "password".to_owned()));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"key-2\n").unwrap();
    let by_file = LEAST.replace(pair, &format!("api_key_file = {:?}\n", file.path()));
    assert_eq!(read(&by_file, &[]), (true, "key-2".to_owned()));
    // Variables replace the other form in the file.
    let key = ("KLARNA_WORKER__MERCHANTS__SHOP__API_KEY", "key-3");
    let named = ("KLARNA_WORKER__MERCHANTS__SHOP__API_KEY_ENV", "SHOP_KEY");
    let user = ("KLARNA_WORKER__MERCHANTS__SHOP__API_USERNAME", "u");
    let password = ("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD", "p");
    assert_eq!(read(LEAST, &[key]), (true, "key-3".to_owned()));
    assert_eq!(read(LEAST, &[named, ("SHOP_KEY", "key-4")]), (true, "key-4".to_owned()));
    assert_eq!(read(&keyed, &[user, password]), (false, "p".to_owned()));

    let both = format!("{LEAST}api_key = \"key-1\"\n");
    assert_eq!(
        faults(&both, &[]),
        ["merchants.shop.api_key: given together with api_username or api_password; \
          leave out the key, or user name and password"]
    );
    assert_eq!(faulty_keys(&keyed, &[key, user]), ["merchants.shop.api_key"]);
    assert_eq!(
        faults(&LEAST.replace(pair, ""), &[]),
        [
            "merchants.shop.api_key: missing; write it, or api_username and api_password (each also as …_env or …_file)"
        ]
    );
    assert_eq!(
        faults(&LEAST.replace("api_password = \"password\"\n", ""), &[]),
        ["merchants.shop.api_password: missing; write it, or api_password_env or api_password_file"]
    );
}

#[test]
fn orders_without_a_token_do_not_fail_for_want_of_one() {
    assert!(!merchant(&[("SEND_ACCESS_TOKEN", "false")]).send_access_token);
    assert!(merchant(&[]).send_access_token);
    let both = format!("{LEAST}send_access_token = false\non_unusable_token = \"fail\"\n");
    assert_eq!(faulty_keys(&both, &[]), ["merchants.shop.on_unusable_token"]);
}

#[test]
fn a_way_to_send_a_secret_needs_one() {
    let auth = ("KLARNA_WORKER__MERCHANTS__SHOP__CLIENT_AUTH", "client_secret_basic");
    assert_eq!(faulty_keys(LEAST, &[auth]), ["merchants.shop.client_auth"]);
    let merchant = merchant(&[("CLIENT_AUTH", "client_secret_basic"), ("CLIENT_SECRET", "secret")]);
    assert_eq!(merchant.client_auth, ClientAuth::ClientSecretBasic);
}

const SECRET: &str = "whsec_mAq0xCdPvWmT5Yt8bU2hJx7LzRk1NfGs";

#[test]
fn a_webhook_has_one_secret_or_two_in_any_form() {
    let url = ("WEBHOOK_URL", "https://shop.example/hooks");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, format!("{SECRET}\n {SECRET}\n").as_bytes()).unwrap();
    let list = format!("[\"{SECRET}\"]");
    for (key, value, secrets) in
        [("WEBHOOK_SECRETS", list.as_str(), 1), ("WEBHOOK_SECRETS_FILE", file.path().to_str().unwrap(), 2)]
    {
        let webhook = merchant(&[url, (key, value)]).webhook.clone().unwrap();
        assert_eq!((webhook.url.as_str(), webhook.secrets.len()), (url.1, secrets));
        assert!(!format!("{webhook:?}").contains("MfKQ"), "{webhook:?}");
    }
    let named = [
        ("KLARNA_WORKER__MERCHANTS__SHOP__WEBHOOK_URL", url.1),
        ("KLARNA_WORKER__MERCHANTS__SHOP__WEBHOOK_SECRETS_ENV", "HOOKS"),
        ("HOOKS", SECRET),
    ];
    assert_eq!(with(&named).unwrap().merchants["shop"].webhook.as_ref().unwrap().secrets.len(), 1);
    assert!(merchant(&[]).webhook.is_none());
}

#[test]
fn a_webhook_that_could_not_be_trusted_is_refused() {
    let faulty = |url: &str, secrets: &str| {
        let text = format!("{LEAST}webhook_url = \"{url}\"\nwebhook_secrets = {secrets}\n");
        faulty_keys(&text, &[])
    };
    let list = |secrets: &[&str]| format!("{secrets:?}");
    let good = "https://shop.example/hooks";
    let secrets = "merchants.shop.webhook_secrets";
    assert_eq!(faulty("http://shop.example/hooks", &list(&[SECRET])), ["merchants.shop.webhook_url"]);
    assert_eq!(faulty("https://u:p@shop.example", &list(&[SECRET])), ["merchants.shop.webhook_url"]);
    for wrong in [&["secret"][..], &["whsec_c2hvcnQ="], &[&SECRET[6..]], &[SECRET, SECRET, SECRET]] {
        assert_eq!(faulty(good, &list(wrong)), [secrets], "{wrong:?}");
    }
    assert_eq!(faulty_keys(&format!("{LEAST}webhook_url = \"{good}\"\n"), &[]), [secrets]);
    let alone = format!("{LEAST}webhook_secrets = [\"{SECRET}\"]\n");
    assert_eq!(faulty_keys(&alone, &[]), ["merchants.shop.webhook_url"]);
    let both = format!(
        "{LEAST}webhook_url = \"{good}\"\nwebhook_secrets = [\"{SECRET}\"]\nwebhook_secrets_env = \"HOOKS\"\n"
    );
    assert_eq!(faulty_keys(&both, &[("HOOKS", SECRET)]), ["merchants.shop.webhook_secrets_env"]);
}

#[test]
fn retention_fits_what_it_is_for() {
    for (section, key) in [
        ("[retention]\nbodies = \"31d\"", "retention.bodies"),
        ("[retention]\nledger = \"59d\"", "retention.ledger"),
        ("[retention]\norders = \"0s\"", "retention.orders"),
    ] {
        assert!(faulty_keys(&format!("{LEAST}{section}\n"), &[]).contains(&key.to_owned()), "{section}");
    }
    with(&[("KLARNA_WORKER__RETENTION__BODIES", "30d"), ("KLARNA_WORKER__RETENTION__LEDGER", "60d")])
        .unwrap();
}

#[test]
fn two_sets_of_credentials_stand_side_by_side() {
    let pair = "api_username = \"user\"\napi_password = \"password\"\n";
    let read = |more: &str, variables: &[(&str, &str)]| {
        let text = LEAST.replace(pair, more);
        let merchant = Settings::parse("test", &text, env(variables)).unwrap().merchants["shop"].clone();
        let shown = |set| match merchant.credentials(set)? {
            ApiCredentials::Password { username, password } => {
                Some(format!("{username}:{}", password.expose_secret()))
            }
            ApiCredentials::Key(key) => Some(key.expose_secret().to_owned()),
        };
        let sets = CredentialSet::ALL.map(shown);
        assert!(!format!("{merchant:?}").contains("s3cret"));
        sets.map(Option::unwrap_or_default)
    };
    let passwords = "api_username = \"u\"\napi_password = [\"s3cret1\", \"s3cret2\"]\n";
    assert_eq!(read(passwords, &[]), ["u:s3cret1", "u:s3cret2"]);
    let both = passwords.replace("\"u\"", "[\"u1\", \"u2\"]");
    assert_eq!(read(&both, &[]), ["u1:s3cret1", "u2:s3cret2"]);
    assert_eq!(read("api_key = [\"s3cret1\", \"s3cret2\"]\n", &[]), ["s3cret1", "s3cret2"]);
    assert_eq!(read("api_key = [\"s3cret1\"]\n", &[]), ["s3cret1", ""]);
    let variable = ("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD", "[\"s3cret3\", \"s3cret4\"]");
    assert_eq!(read(pair, &[variable]), ["user:s3cret3", "user:s3cret4"]);
    // Only a list is one.
    let odd = ("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD", "[s3cret 5");
    assert_eq!(read(pair, &[odd]), ["user:[s3cret 5", ""]);
    let named = ("KLARNA_WORKER__MERCHANTS__SHOP__API_PASSWORD_ENV", "WORDS");
    assert_eq!(
        read(pair, &[named, ("WORDS", " s3cret 6 \n\n s3cret7\n")]),
        ["user:s3cret 6", "user:s3cret7"]
    );

    let wrong = |more: &str| faults(&LEAST.replace(pair, more), &[]);
    assert_eq!(
        wrong(&both.replace(", \"s3cret2\"", "")),
        [
            "merchants.shop.api_username: has two user names, and api_password has one password; write two passwords, or \
             one user name"
        ]
    );
    assert_eq!(
        wrong("api_key = [\"s3cret1\", \"s3cret2\", \"s3cret3\"]\n"),
        [
            "merchants.shop.api_key: more than two; write a text in quotes, or a list of two such as [\"…\", \"…\"]"
        ]
    );
}
