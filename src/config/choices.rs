//! Values that settings choose from.

/// Klarna's regions, as its hosts and paths name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// Europe.
    Eu,
    /// North America.
    Na,
    /// Oceania; no login host is publicly known.
    Oc,
}

/// Klarna's live system or its test system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Real shoppers and real money.
    Production,
    /// Klarna's test system.
    Playground,
}

/// Who runs the merchant's checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckoutProvider {
    /// Klarna itself.
    Klarna,
    /// Kustom, to which Klarna Checkout passed: same paths and bodies, other hosts.
    Kustom,
}

/// How a confidential client proves itself at the token endpoint (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// As the form field `client_secret`.
    ClientSecretPost,
    /// As HTTP Basic.
    ClientSecretBasic,
}

/// What happens to an order whose user has no usable token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnusableToken {
    /// The order is submitted without a token, and Klarna asks the shopper to sign in.
    SubmitWithoutToken,
    /// The order fails, and the shop decides.
    Fail,
}

/// What to do about a token whose last presentation got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LostAnswer {
    /// Present it again after `replay_after`.
    Replay,
    /// Leave it `uncertain` until an operator decides.
    Hold,
}

/// How a key is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WrappedBy {
    /// A program unwraps it.
    Command,
}
