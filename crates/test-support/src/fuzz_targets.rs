//! The checks of each fuzz target on code that reads input from outside: it returns a result and
//! does not panic, and the result has the properties that the rest of the program relies on.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use klarna_order_worker::config::ConfigError;
use klarna_order_worker::fuzzing;
use klarna_order_worker::klarna::create::CreateAnswer;
use klarna_order_worker::klarna::create::request::build;
use klarna_order_worker::klarna::revoke::Revoked;
use klarna_order_worker::klarna::session::SessionAnswer;
use klarna_order_worker::order::{Body, Insertion, NewOrder, OrderId, OrderResult, Target, check};
use klarna_order_worker::token::Answer;
use klarna_order_worker::token::claims::Claims;
use klarna_order_worker::vault::instance::Spool;
use klarna_order_worker::vault::sealing::{Cipher, Secrets};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::value::RawValue;
use url::Url;
use zeroize::Zeroizing;

use crate::merchant::merchant;

const ACCESS_TOKEN: &str = "klat-of-the-order";

/// Answers of the token endpoint.
pub fn token_answer(bytes: &[u8]) {
    let sent = SecretString::from("rt-sent");
    match fuzzing::token_answer(bytes, &sent) {
        Some(Answer::Rotated(tokens)) => {
            let successor = tokens.refresh_token.expect("rotated to nothing");
            assert!(
                !successor.expose_secret().is_empty() && successor.expose_secret() != sent.expose_secret()
            );
            assert!(tokens.access_token.is_none_or(|token| !token.expose_secret().is_empty()));
        }
        Some(Answer::Unchanged(tokens)) => {
            assert!(tokens.refresh_token.is_none() && tokens.access_token.is_some());
        }
        Some(Answer::Refused { cause, .. } | Answer::NoAnswer { cause, .. } | Answer::NotSent { cause }) => {
            assert!(cause.to_string().len() < 64, "more than a status and a known word: {cause}");
        }
        Some(Answer::InvalidGrant) | None => {}
    }
}

/// Answers of the create call of each target.
pub fn checkout_answer(bytes: &[u8]) {
    let sent = format!(r#"{{"customer":{{"klarna_access_token":"{ACCESS_TOKEN}"}}}}"#);
    for target in Target::ALL {
        create_answer(fuzzing::create_answer(bytes, target, &merchant("http://klarna.test"), &sent));
    }
}

fn create_answer(answer: Option<CreateAnswer>) {
    match answer {
        Some(CreateAnswer::Created { klarna_id, result, .. }) => {
            assert!((1..=255).contains(&klarna_id.len()));
            if let Some(result) = result {
                assert!(!result.is_empty());
                let again = OrderResult::from_text(result.target(), result.to_text().into_owned());
                assert!(again == Some(result), "stored otherwise than received");
            }
        }
        Some(CreateAnswer::BadOrder { messages, .. } | CreateAnswer::Unauthorised { messages, .. }) => {
            are_clean(&messages);
        }
        Some(CreateAnswer::Throttled { .. } | CreateAnswer::Unavailable { .. }) | None => {}
    }
}

/// Messages of Klarna are few, short, and without what was sent.
fn are_clean(messages: &[String]) {
    assert!((1..=20).contains(&messages.len()));
    assert!(messages.iter().all(|text| text.chars().count() <= 501 && !text.contains(ACCESS_TOKEN)));
}

/// Answers of each target about an order or session that exists.
pub fn session_answer(bytes: &[u8]) {
    let sent = format!(r#"{{"customer":{{"klarna_access_token":"{ACCESS_TOKEN}"}}}}"#);
    for target in Target::ALL {
        match fuzzing::session_answer(bytes, target, &merchant("http://klarna.test"), &sent) {
            Some(SessionAnswer::Done(read)) => {
                assert!(read.result.is_none_or(|result| result.target() == target && !result.is_empty()));
                assert!(read.merchant_reference1.is_none_or(|reference| !reference.contains('\0')));
            }
            Some(SessionAnswer::Refused { messages, .. }) => are_clean(&messages),
            Some(SessionAnswer::Unavailable { cause, words, .. }) => {
                assert!(!format!("{cause} {words:?}").contains(ACCESS_TOKEN));
            }
            Some(
                SessionAnswer::Gone | SessionAnswer::Unauthorised { .. } | SessionAnswer::Throttled { .. },
            )
            | None => {}
        }
    }
}

/// Answers of the revocation endpoint.
pub fn revocation_answer(bytes: &[u8]) {
    match fuzzing::revocation_answer(bytes) {
        Some(Revoked::Refused { what } | Revoked::Failed { what, .. }) => {
            assert!(what.len() < 64, "more than a status and a known word: {what}");
        }
        Some(Revoked::Done) | None => {}
    }
}

/// Compressed answers.
pub fn compressed_answer(bytes: &[u8]) {
    const LIMIT: usize = 64 * 1024;
    if let Some(body) = fuzzing::decompressed(bytes, LIMIT) {
        assert!(body.len() <= LIMIT.max(bytes.len()));
    }
}

/// Settings: a file's text, and behind a line of `---` one variable a line. Their values are
/// secrets.
pub fn settings(bytes: &[u8]) {
    const SECRET: &str = "s3cret-0f-4-variable";
    let Ok(input) = std::str::from_utf8(bytes) else { return };
    let (text, names) = input.split_once("\n---\n").unwrap_or((input, ""));
    let variables = names.lines().map(|name| (format!("KLARNA_WORKER__{name}"), SECRET.to_owned()));
    match fuzzing::settings(text, variables.collect()) {
        Ok(settings) => {
            let shown = format!("{settings:?}");
            assert!(!shown.is_empty() && !settings.merchants.is_empty());
            for merchant in settings.merchants.values() {
                are_safe(merchant.webhook.as_ref().map(|webhook| &webhook.url));
                are_safe(
                    [Some(&*merchant.token_url), merchant.checkout_url.as_deref()].into_iter().flatten(),
                );
            }
        }
        Err(error) => {
            let told = error.to_string();
            assert!(!told.is_empty() && (input.contains(SECRET) || !told.contains(SECRET)), "{told}");
        }
    }
}

/// Addresses of webhooks.
pub fn webhook_url(bytes: &[u8]) {
    let Ok(url) = std::str::from_utf8(bytes) else { return };
    let text = "installation = \"test\"\n[merchants.shop]\nregion = \"eu\"\nenvironment = \"playground\"\n\
        client_id = \"client\"\ncheckout_provider = \"klarna\"\n\
        api_username = \"user\"\napi_password = \"pass\"\n\
        webhook_secrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=\"]";
    let variable = ("KLARNA_WORKER__MERCHANTS__SHOP__WEBHOOK_URL".to_owned(), url.to_owned());
    match fuzzing::settings(text, vec![variable]) {
        Ok(settings) => {
            are_safe(
                settings.merchants.values().filter_map(|shop| shop.webhook.as_ref()).map(|hook| &hook.url),
            );
        }
        Err(ConfigError::Faults { faults, .. }) => {
            assert!(faults.iter().all(|fault| fault.key.ends_with("webhook_url")), "{faults:?}");
        }
        Err(error) => panic!("{error}"),
    }
}

/// Secrets are sent there: encrypted, or only to this machine.
fn are_safe<'a>(urls: impl IntoIterator<Item = &'a Url>) {
    for url in urls {
        let host = url.host_str().unwrap_or_default();
        let is_here = host == "localhost" || host == "[::1]" || host.starts_with("127.");
        assert!(url.scheme() == "https" || url.scheme() == "http" && is_here, "{url}");
        assert!(!host.is_empty() && url.username().is_empty() && url.password().is_none(), "{url}");
    }
}

/// A line with an id_token or its payload, followed by a key set.
pub fn id_token(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (token, keys) = (&bytes[..end], &bytes[(end + 1).min(bytes.len())..]);
    if let Some(claims) = fuzzing::id_token_payload(token) {
        are_fit(&claims);
    }
    fuzzing::key_set(keys);
    if let Ok(token) = std::str::from_utf8(token) {
        assert!(
            fuzzing::id_token(token, keys, &merchant("http://klarna.test")).is_none(),
            "a forged signature"
        );
    }
}

fn are_fit(claims: &Claims) {
    let texts = [&claims.given_name, &claims.family_name, &claims.email, &claims.phone];
    assert!(texts.into_iter().flatten().all(|text| !text.trim().is_empty()));
    assert!(claims.date_of_birth.as_ref().is_none_or(|date| date.len() == 10));
    let country = claims.address.as_ref().and_then(|address| address.country.as_ref());
    assert!(country.is_none_or(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())));
}

/// Orders, with and without their envelope, and the members that are inserted into them.
pub fn order(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let default = |_: &_| Target::Checkout;
    if let Ok(order) = NewOrder::parse(text, default) {
        let target = order.target.unwrap_or(Target::Checkout);
        assert!(check(target, &order.body).is_empty(), "taken in with a fault");
        assert_eq!(NewOrder::parse(text, default).map(|again| again.digest()).ok(), Some(order.digest()));
        filled(&order.body);
    }
    if let Ok(body) = Body::parse(text) {
        for target in Target::ALL {
            drop(check(target, &body));
        }
        filled(&body);
    }
}

fn filled(body: &Body) {
    let text = "\u{1}\"\\ é";
    for path in [&["merchant_reference2"][..], &["customer", "klarna_access_token"], &["a", "b", "c"], &[""]]
    {
        let again = Insertion { path, value: "again" };
        let (more, went_in) = body.members().filled(&[Insertion { path, value: text }, again]);
        serde_json::from_str::<&RawValue>(&more).expect("no JSON any more");
        assert!(!went_in[1], "one hides the other");
        if went_in[0] {
            let (filled, went_in) = Body::parse(&more).expect("no body any more").members().filled(&[again]);
            assert!(filled == more && !went_in[0], "overwritten");
        }
    }
    let claims = Claims { given_name: Some("Karl".into()), ..Claims::default() };
    let id: OrderId = "0190a6f0-0000-7000-8000-000000000000".parse().unwrap();
    let built = build(body, id, Some(&SecretString::from(ACCESS_TOKEN)), Some(&claims));
    serde_json::from_str::<&RawValue>(&built.json).expect("no JSON any more");
}

/// Spool files, and the records in them.
pub fn spool(bytes: &[u8]) {
    static SPOOL: LazyLock<(tempfile::TempDir, Spool)> = LazyLock::new(|| {
        let cipher =
            || Cipher::new("k1", &BTreeMap::from([("k1".to_owned(), Zeroizing::new([7; 32]))])).unwrap();
        let secrets = Secrets::open(cipher(), &Secrets::found(&cipher()).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), "test", secrets.into()).unwrap();
        (folder, spool)
    });
    assert!(!fuzzing::spool_file(bytes, &SPOOL.1), "a forged file");
    fuzzing::spool_record(bytes, &SPOOL.1);
}

/// Lines of an import, and of exports of other systems.
pub fn import(bytes: &[u8]) {
    let (tokens, wrong) = fuzzing::import_lines(bytes);
    assert!(tokens + wrong.len() <= bytes.split(|byte| matches!(byte, b'\n' | b'\r')).count());
    let places = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r' | b'<')).count();
    for (tokens, wrong) in fuzzing::exports(bytes) {
        assert!(tokens + wrong.len() <= places + 1);
    }
}

/// OpenID documents.
pub fn openid_document(bytes: &[u8]) {
    if let Some(document) = fuzzing::openid_document(bytes) {
        let urls = [&document.token, &document.jwks, &document.revoke];
        assert!(document.issuer.is_some() || urls.iter().any(|url| url.is_some()));
    }
}
