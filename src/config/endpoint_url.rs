//! An address whose query may have a secret.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use url::{ParseError, Url};

/// The URL of an endpoint. Its `Debug` leaves out the query, because it may have a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl(Url);

impl Deref for EndpointUrl {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.0
    }
}

impl From<Url> for EndpointUrl {
    fn from(url: Url) -> Self {
        Self(url)
    }
}

impl FromStr for EndpointUrl {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.parse().map(Self)
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        url.set_query(None);
        fmt::Debug::fmt(url.as_str(), f)
    }
}
