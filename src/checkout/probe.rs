//! Whether a merchant's Checkout host answers, and takes its credentials.

use reqwest::header::ACCEPT;
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::client::{CheckoutClient, orders_url};
use crate::config::Merchant;
use crate::vault::probe::Reached;

impl CheckoutClient {
    /// Reads an order that does not exist (`GET /checkout/v3/orders/{id}`): 404 where the credentials are good, 401 or
    /// 403 where they are not. Nothing is created.
    ///
    /// # Errors
    /// Why there is no answer, in words fit for logs.
    pub async fn probe(&self, merchant: &Merchant) -> Result<Reached, String> {
        let mut url = orders_url(&merchant.checkout_url);
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(&Uuid::nil().to_string());
        }
        let request = self
            .transport
            .get(url)
            .basic_auth(&merchant.api_username, Some(merchant.api_password.expose_secret()))
            .header(ACCEPT, "application/json");
        let reply = self.transport.send(request, None).await.map_err(|failure| failure.to_string())?;
        Ok(Reached::from(&reply))
    }
}
