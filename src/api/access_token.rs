//! `POST /v1/merchants/{merchant}/users/{user}/access-token`

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::answers::{self, Common};
use super::auth::Caller;
use super::drain;
use super::extract::{InPath, InQuery, UserPath, invalid};
use super::problem::{Kind, Problem};
use crate::token::claims::{Address, Claims};
use crate::vault::{AccessToken, NotVended, Vault, Vend};

/// The longest `min_validity`, in seconds: no access token is valid for longer.
const LONGEST_VALIDITY: u32 = 3600;

/// When to come back if nothing says how long the cause will last.
const COME_BACK: Duration = Duration::from_mins(1);

/// How access tokens are given.
pub struct Vending {
    /// Exchanges refresh tokens. `None` in a process that does not.
    pub vault: Option<Vault>,
    /// The setting `vault.access_token_margin`: the default of `min_validity`.
    pub margin: Duration,
    /// The setting `vault.token_patience`: how long a request waits.
    pub patience: Duration,
}

/// Query of `POST /v1/merchants/{merchant}/users/{user}/access-token`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct VendQuery {
    /// Give a cached access token only if it is valid for at least this many seconds. The default
    /// is the setting `vault.access_token_margin`. A new access token may be valid for less.
    #[param(minimum = 0, maximum = 3600, example = 60)]
    min_validity: Option<u32>,
    /// Whether to answer with the claims of the id_token, too.
    #[param(default = false)]
    claims: Option<bool>,
}

/// An access token of a user.
#[derive(Serialize, ToSchema)]
pub struct UserAccessToken {
    /// The access token. Send it to Klarna as `customer.klarna_access_token`. Do not store or log
    /// it.
    #[serde(serialize_with = "exposed")]
    #[schema(value_type = String, read_only, example = "the-access-token")]
    pub access_token: SecretString,
    /// For how many seconds it is still valid.
    #[schema(example = 240, minimum = 0)]
    pub expires_in: u64,
    /// The shopper, from the verified id_token. Absent if it was not asked for, or if there was no
    /// valid id_token of the same shopper as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub claims: Option<ShopperClaims>,
}

impl UserAccessToken {
    /// Returns the answer for an access token and, if they were asked for, the verified claims.
    #[must_use]
    pub fn new(access: AccessToken, claims: Option<Claims>) -> Self {
        let expires_in = access.expires_in().as_secs();
        Self { access_token: access.token, expires_in, claims: claims.map(ShopperClaims::from) }
    }
}

fn exposed<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

/// What the id_token says of the shopper, with OpenID Connect's and Klarna's names. What the
/// shopper did not share is absent.
#[derive(Serialize, ToSchema)]
pub struct ShopperClaims {
    /// Klarna's id of the shopper, which never changes.
    #[schema(example = "krn:1")]
    pub sub: String,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub given_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub family_name: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<String>,
    /// Phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub phone: Option<String>,
    /// `yyyy-mm-dd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub date_of_birth: Option<String>,
    /// Billing address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub billing_address: Option<ShopperAddress>,
    /// Shipping address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shipping_address: Option<ShopperAddress>,
}

/// A postal address of a shopper.
#[derive(Serialize, ToSchema)]
pub struct ShopperAddress {
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub street_address: Option<String>,
    /// The second line of the street address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub street_address2: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub postal_code: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub city: Option<String>,
    /// State or province.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub country: Option<String>,
}

impl From<Claims> for ShopperClaims {
    fn from(claims: Claims) -> Self {
        let Claims {
            subject,
            given_name,
            family_name,
            email,
            phone,
            date_of_birth,
            address,
            shipping_address,
        } = claims;
        Self {
            sub: subject,
            given_name,
            family_name,
            email,
            phone,
            date_of_birth,
            billing_address: address.map(ShopperAddress::from),
            shipping_address: shipping_address.map(ShopperAddress::from),
        }
    }
}

impl From<Address> for ShopperAddress {
    fn from(address: Address) -> Self {
        let Address { street_address, street_address2, postal_code, city, region, country } = address;
        Self { street_address, street_address2, postal_code, city, region, country }
    }
}

/// Get an access token of a user, for your own calls to Klarna.
///
/// Needs a key with the scope `tokens:vend`; the scope `tokens` does not include it. If no cached
/// access token is valid for long enough, the user's refresh token is exchanged, under the same
/// rules as for an order, and the history of the token shows it with the purpose `vend`. A request
/// waits for at most `vault.token_patience`. If the caller stops waiting, an exchange that has
/// begun goes on, and the next request gets its access token. Only processes that exchange tokens
/// can answer it: those with the role `worker` or `keeper`.
#[utoipa::path(
    post,
    operation_id = "get_access_token",
    path = "/v1/merchants/{merchant}/users/{user}/access-token",
    tag = "tokens",
    params(UserPath, VendQuery),
    responses((status = 200, description = "An access token", body = UserAccessToken), Common, answers::NotVended)
)]
pub(super) async fn vend(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(path): InPath<UserPath>,
    InQuery(query): InQuery<VendQuery>,
) -> Result<Json<UserAccessToken>, Problem> {
    drain::check(&app.probes.ready)?;
    let key = path.of(&caller)?;
    let merchant = app.merchant(&key.merchant)?;
    let min_validity = match query.min_validity {
        None => app.vending.margin,
        Some(seconds) if seconds <= LONGEST_VALIDITY => Duration::from_secs(seconds.into()),
        Some(seconds) => {
            return Err(invalid(format!(
                "min_validity: is {seconds}, expected 0 to {LONGEST_VALIDITY} seconds"
            )));
        }
    };
    let vault = app.vending.vault.as_ref().ok_or_else(|| {
        let detail =
            "this process exchanges no tokens: send the request to a process with the role worker or keeper";
        Problem::new(Kind::NoAccessToken, detail).after(COME_BACK)
    })?;
    let patience = app.vending.patience;
    let access = vault.vend(Vend { merchant: &merchant, user: &key.user, min_validity, patience }).await?;
    let claims =
        if query.claims == Some(true) { vault.claims(&merchant, &key.user, &access).await } else { None };
    Ok(Json(UserAccessToken::new(access, claims)))
}

impl From<NotVended> for Problem {
    fn from(why: NotVended) -> Self {
        let of = |kind| Self::new(kind, why.to_string());
        match why {
            NotVended::NotRegistered => of(Kind::NotFound),
            NotVended::ReauthRequired(_) => of(Kind::ReauthRequired),
            NotVended::Uncertain => of(Kind::TokenUncertain),
            NotVended::Unavailable => of(Kind::NoAccessToken).after(COME_BACK),
            NotVended::ComeBack(wait) => of(Kind::NoAccessToken).after(wait),
        }
    }
}
