//! The sign-in page and the exchange of its code.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use klarna_sandbox::{SandboxOptions, SignIn};
use reqwest::Url;
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::shop::{Shop, read, text};

const BACK: &str = "https://shop.example/callback?shop=1";
/// A verifier and its challenge, from RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn asked(scope: &str) -> Vec<(&str, &str)> {
    let pkce = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let all = [("client_id", "shop"), ("redirect_uri", BACK), ("response_type", "code"), ("scope", scope)];
    all.into_iter().chain([("state", "st&1"), ("nonce", "n-1")]).chain(pkce).collect()
}

impl Shop {
    /// Sends what the page sends. Returns where it leads, or the status of a refusal.
    async fn decide(&self, form: &[(&str, &str)]) -> Result<Url, u16> {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).tls_certs_only([]).build();
        let request = http.unwrap().post(self.url("/eu/lp/idp/oauth2/auth")).form(form);
        let answer = request.send().await.unwrap();
        let location = answer.headers().get("location").map(|to| to.to_str().unwrap().parse().unwrap());
        location.ok_or(answer.status().as_u16())
    }

    async fn code(&self, scope: &str) -> String {
        self.code_of("alma", scope).await
    }

    async fn code_of(&self, account: &str, scope: &str) -> String {
        let decision = [("decision", "accept"), ("account", account)];
        let back = self.decide(&[asked(scope), decision.to_vec()].concat()).await.unwrap();
        assert!(back.as_str().starts_with(BACK), "{back}");
        assert_eq!(parameter(&back, "state").as_deref(), Some("st&1"));
        parameter(&back, "code").unwrap()
    }

    async fn redeem(&self, code: &str, verifier: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "shop"),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", verifier),
        ];
        let (status, answer) = read(self.send_form(&form).await.unwrap()).await;
        (status.as_u16(), answer)
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

fn claims(answer: &Value) -> Value {
    let payload = text(answer, "id_token").split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_code_is_exchanged_once_for_tokens_that_work() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let mut address: Url = shop.url("/eu/lp/idp/oauth2/auth").parse().unwrap();
    address.query_pairs_mut().extend_pairs(asked("openid <b>"));
    let page = shop.http.get(address).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("openid &lt;b&gt;") && page.contains("value=\"st&amp;1\""), "{page}");

    let code = shop.code("openid offline_access").await;
    let (status, answer) = shop.redeem(&code, VERIFIER).await;
    assert_eq!(status, 200, "{answer}");
    let claims = claims(&answer);
    assert_eq!((text(&claims, "nonce"), text(&claims, "aud")), ("n-1", "shop"));
    assert!(text(&claims, "sub").starts_with("krn:kuid:"), "{claims}");
    assert_eq!(shop.redeem(&code, VERIFIER).await.0, 400, "a code works once");
    shop.order(&crate::shop::order("ref-1", Some(text(&answer, "access_token")))).await;
    assert_eq!(shop.stats().orders.recognised, 1);
    shop.granted(text(&answer, "refresh_token")).await;

    let code = shop.code("openid").await;
    let (_, answer) = shop.redeem(&code, VERIFIER).await;
    assert!(answer.get("refresh_token").is_none(), "offline_access was not asked for");
    let code = shop.code("openid").await;
    assert_eq!(shop.redeem(&code, "another").await.0, 400, "another verifier");
}

#[tokio::test]
async fn a_wrong_or_declined_request_gets_no_code() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let declined = [asked("openid"), vec![("decision", "decline"), ("account", "alma")]].concat();
    let back = shop.decide(&declined).await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    let back = shop.decide(&asked("profile:name")).await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_scope"));
    // Where the address is not trusted, nobody is sent there.
    assert_eq!(shop.decide(&[("client_id", "shop")]).await, Err(400));
    let script = [("client_id", "shop"), ("redirect_uri", "javascript:alert(1)")];
    assert_eq!(shop.decide(&script).await, Err(400));
    assert_eq!(shop.redeem("", VERIFIER).await.0, 400);
}

/// The claims that a profile: scope can give.
fn personal(claims: &Value) -> Vec<&str> {
    let always = ["sub", "iss", "aud", "nonce", "iat", "exp"];
    let claims = claims.as_object().unwrap().keys().map(String::as_str);
    let mut personal: Vec<&str> = claims.filter(|claim| !always.contains(claim)).collect();
    personal.sort_unstable();
    personal
}

#[tokio::test]
async fn the_name_of_the_sign_in_and_the_scopes_decide_the_claims() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let code = shop.code_of("Anna Maria Test", "openid offline_access profile:name profile:email").await;
    let (_, answer) = shop.redeem(&code, VERIFIER).await;
    let first = claims(&answer);
    assert_eq!((text(&first, "given_name"), text(&first, "family_name")), ("Anna Maria", "Test"));
    let named = ["email", "email_verified", "family_name", "given_name"];
    assert_eq!(personal(&first), named);
    let refreshed = shop.granted(text(&answer, "refresh_token")).await;
    assert_eq!(personal(&claims(&refreshed)), named, "also after the exchange");
    assert_eq!(text(&refreshed, "scope"), "openid offline_access profile:name profile:email");

    // Another sign-in of the same name is the same person.
    let code = shop.code_of("Anna Maria Test", "openid profile:phone").await;
    let again = claims(&shop.redeem(&code, VERIFIER).await.1);
    assert_eq!((&again["sub"], personal(&again)), (&first["sub"], vec!["phone"]));
    let one_word = claims(&shop.redeem(&shop.code_of("Bo", "openid profile:name").await, VERIFIER).await.1);
    assert_eq!((text(&one_word, "given_name"), text(&one_word, "family_name")), ("Bo", "Karlsson-2"));
    // A sign-in by /sandbox/users is not limited.
    let whole = claims(&shop.granted(&shop.sign_in("u-1")).await);
    assert!(personal(&whole).len() > 8, "{whole}");
}

#[tokio::test]
async fn no_two_sandboxes_have_a_user_in_common_unless_they_have_one_seed() {
    let sub = async |seed| {
        let shop = Shop::open(SandboxOptions { seed, ..SandboxOptions::default() }).await;
        text(&claims(&shop.granted(&shop.sign_in("u-1")).await), "sub").to_owned()
    };
    assert_eq!(sub(Some(7)).await, sub(Some(7)).await);
    assert_ne!(sub(Some(7)).await, sub(Some(8)).await);
    assert_eq!(sub(Some(7)).await, "krn:kuid:sandbox-000007-00000001");
}

#[tokio::test]
async fn the_frame_says_whether_the_shopper_is_recognised() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let frame = async |token: Option<&str>| {
        let mut order = crate::shop::order("ref-1", token);
        order["billing_address"] =
            serde_json::json!({"given_name": "<b>", "postal_code": "11460", "city": "Stockholm"});
        let (_, created) = shop.order(&order).await;
        let address = shop.url(&format!("/sandbox/checkout/{}", text(&created, "order_id")));
        let page = shop.http.get(address).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("&lt;b&gt;<br>11460 Stockholm"), "{page}");
        page
    };
    let claims =
        serde_json::json!({"given_name": "Alma & Co", "family_name": "Test"}).as_object().unwrap().clone();
    let sign_in = SignIn { user: "u-1".to_owned(), claims, ..SignIn::default() };
    let granted = shop.granted(&shop.sandbox.admin().sign_in(sign_in).refresh_token).await;
    let access = text(&granted, "access_token");
    assert!(frame(Some(access)).await.contains("Recognised as <b>Alma &amp; Co Test</b>"));
    assert!(frame(None).await.contains("the order has no access token"));
    assert_eq!(shop.sandbox.admin().revoke("u-1"), 1);
    assert!(frame(Some(access)).await.contains("access token is not valid"));
}
