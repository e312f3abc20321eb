//! Revocation of tokens.

use klarna_sandbox::{Endpoint, Failure, Outcome, SandboxOptions};

use crate::shop::{Shop, order, text};

impl Shop {
    async fn revoke(&self, form: &[(&str, &str)]) -> u16 {
        let request = self.http.post(self.url("/eu/lp/idp/oauth2/revoke")).form(form);
        request.send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn a_revoked_token_ends_its_sign_in() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let (first, other) = (shop.sign_in("u-1"), shop.sign_in("u-1"));
    let granted = shop.granted(&first).await;
    let token = text(&granted, "refresh_token");
    let form = [("token", token), ("token_type_hint", "refresh_token"), ("client_id", "shop")];
    assert_eq!(shop.revoke(&form).await, 200);
    shop.refused(token).await;
    assert_eq!(shop.outcomes("u-1")[1], Some(Outcome::Revoked));
    shop.order(&order("later", Some(text(&granted, "access_token")))).await;
    assert_eq!(shop.stats().orders.not_recognised, 1);
    shop.granted(&other).await;
    // What it does not know is answered alike, and what it needs is asked for.
    assert_eq!(shop.revoke(&[("token", "never-issued"), ("client_id", "shop")]).await, 200);
    assert_eq!(shop.revoke(&[("client_id", "shop")]).await, 400);
    assert_eq!(shop.revoke(&[("token", token)]).await, 400);
    assert_eq!(shop.stats().revocations, 1);
}

#[tokio::test]
async fn a_revocation_fails_on_demand() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let token = shop.sign_in("u-1");
    let form = [("token", &*token), ("client_id", "shop")];
    shop.fail_next(Endpoint::Revoke, Failure::Unavailable);
    assert_eq!(shop.revoke(&form).await, 503);
    shop.granted(&token).await;
    assert_eq!(shop.stats().revocations, 0);
}
