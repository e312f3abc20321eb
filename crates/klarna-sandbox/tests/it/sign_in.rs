//! The sign-in page and the exchange of its code.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use klarna_sandbox::SandboxOptions;
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
        let decision = [("decision", "accept"), ("account", "alma")];
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
