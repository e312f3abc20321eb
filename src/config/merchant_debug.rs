//! `Debug` of a merchant. The queries of its addresses are left out, because they may have secrets.

use std::fmt;

use url::Url;

use super::Merchant;

/// An address without its query.
struct WithoutQuery<'a>(&'a Url);

impl fmt::Debug for WithoutQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        url.set_query(None);
        fmt::Debug::fmt(url.as_str(), f)
    }
}

/// Takes the merchant apart, so that no new field is forgotten, and shows each field.
macro_rules! show {
    ($merchant:ident, $f:ident, [$($field:ident),+ $(,)?], urls [$($url:ident),+], maybe urls [$($maybe:ident),+]) => {{
        let Merchant { $($field,)+ $($url,)+ $($maybe,)+ } = $merchant;
        let mut shown = $f.debug_struct("Merchant");
        $(shown.field(stringify!($field), $field);)+
        $(shown.field(stringify!($url), &WithoutQuery($url));)+
        $(shown.field(stringify!($maybe), &$maybe.as_ref().map(WithoutQuery));)+
        shown.finish()
    }};
}

impl fmt::Debug for Merchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show!(
            self,
            f,
            [
                name,
                region,
                environment,
                client_id,
                client_secret,
                client_auth,
                target,
                checkout_provider,
                api_credentials,
                second_api_credentials,
                send_access_token,
                refresh_token_lifetime,
                on_unusable_token,
                prefill,
                payments_prefill,
                checkout_rate_per_second,
                token_rate_per_second,
                longest_pauses,
                revoke_on_forget,
                issuers,
                discovery,
                given,
                http_proxy,
                webhook,
                push_secret,
            ],
            urls[token_url, payments_url, jwks_url],
            maybe urls[revoke_url, checkout_url]
        )
    }
}
