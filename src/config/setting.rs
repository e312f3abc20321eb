//! Reads one value, from TOML or from the text of an environment variable.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use ipnet::IpNet;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use toml::Value;
use url::{Host, Url};

use super::{CheckoutProvider, ClientAuth, Environment, LostAnswer, OnUnusableToken, Region, WrappedBy};
use crate::order::Target;

/// The maximum of any duration. Longer ones are likely mistakes, and do not fit all calculations
/// with dates.
const LONGEST: Duration = Duration::from_hours(24 * 366 * 10);

/// A type of a setting's value.
pub(super) trait Setting: Sized {
    /// What is expected; completes "write …" in a fault.
    const EXPECTED: &str;

    /// Reads the value, or says what is wrong with it, without showing it.
    fn read(value: &Value) -> Result<Self, &'static str>;

    /// Reads the text of a variable: literally for strings, as TOML for numbers, booleans and
    /// lists.
    fn read_text(text: &str) -> Result<Self, &'static str> {
        Self::read(&Value::String(text.to_owned())).or_else(|wrong| {
            let parsed = text.parse::<Value>().map_err(|_| wrong)?;
            Self::read(&parsed).map_err(|_| wrong)
        })
    }
}

impl Setting for String {
    const EXPECTED: &str = "a text in quotes";

    fn read(value: &Value) -> Result<Self, &'static str> {
        match value.as_str() {
            Some(text) if text.trim().is_empty() => Err("empty"),
            Some(text) => Ok(text.to_owned()),
            None => Err("not a text"),
        }
    }
}

impl Setting for SecretString {
    const EXPECTED: &str = String::EXPECTED;

    fn read(value: &Value) -> Result<Self, &'static str> {
        String::read(value).map(Self::from)
    }
}

impl Setting for Vec<SecretString> {
    const EXPECTED: &str = r#"a list such as ["…"]"#;

    fn read(value: &Value) -> Result<Self, &'static str> {
        list::<String>(value).map(|texts| texts.into_iter().map(SecretString::from).collect())
    }
}

/// One secret, or a list of two: for the time of a rotation.
pub(super) struct OneOrTwo(pub(super) Vec<SecretString>);

impl Setting for OneOrTwo {
    const EXPECTED: &str = r#"a text in quotes, or a list of two such as ["…", "…"]"#;

    fn read(value: &Value) -> Result<Self, &'static str> {
        if !value.is_array() {
            return SecretString::read(value).map(|secret| Self(vec![secret]));
        }
        let texts = list::<String>(value)?;
        if texts.len() > 2 {
            return Err("more than two");
        }
        if texts.iter().any(|text| text.trim().is_empty()) {
            return Err("empty");
        }
        Ok(Self(texts.into_iter().map(SecretString::from).collect()))
    }

    /// A text that is a list in TOML is one; any other text is the secret itself.
    fn read_text(text: &str) -> Result<Self, &'static str> {
        match text.parse::<Value>() {
            Ok(list) if list.is_array() => Self::read(&list),
            _ => Self::read(&Value::String(text.to_owned())),
        }
    }
}

impl Setting for PathBuf {
    const EXPECTED: &str = "a path in quotes";

    fn read(value: &Value) -> Result<Self, &'static str> {
        String::read(value).map(Self::from)
    }
}

impl Setting for bool {
    const EXPECTED: &str = "true or false";

    fn read(value: &Value) -> Result<Self, &'static str> {
        value.as_bool().ok_or("not true or false")
    }
}

impl Setting for u32 {
    const EXPECTED: &str = "a whole number";

    fn read(value: &Value) -> Result<Self, &'static str> {
        let number = value.as_integer().ok_or("not a whole number")?;
        Self::try_from(number).map_err(|_| "out of range")
    }
}

impl Setting for f64 {
    const EXPECTED: &str = "a number such as 0.5, 40 or 100.0";

    fn read(value: &Value) -> Result<Self, &'static str> {
        let whole = || value.as_integer().and_then(|number| i32::try_from(number).ok()).map(Self::from);
        value.as_float().or_else(whole).ok_or("not a number")
    }
}

impl Setting for Duration {
    const EXPECTED: &str = r#"a duration such as "10s", "5m" or "60d""#;

    fn read(value: &Value) -> Result<Self, &'static str> {
        let text = value.as_str().ok_or("not a duration")?;
        match humantime::parse_duration(text) {
            Ok(duration) if duration > LONGEST => Err("longer than ten years"),
            Ok(duration) => Ok(duration),
            Err(_) => Err("not a duration"),
        }
    }
}

impl Setting for Option<Duration> {
    const EXPECTED: &str = r#"a duration such as "400d", or "off""#;

    fn read(value: &Value) -> Result<Self, &'static str> {
        match value.as_str() {
            Some("off") => Ok(None),
            _ => match Duration::read(value)? {
                Duration::ZERO => Err("zero"),
                duration => Ok(Some(duration)),
            },
        }
    }
}

impl Setting for Option<cron::Schedule> {
    const EXPECTED: &str =
        r#"six fields (second, minute, hour, day, month, weekday) such as "0 */10 * * * *", or "off""#;

    fn read(value: &Value) -> Result<Self, &'static str> {
        match value.as_str().ok_or("not a text")? {
            "off" => Ok(None),
            text => text.parse().map(Some).map_err(|_| "not a schedule"),
        }
    }
}

impl Setting for SocketAddr {
    const EXPECTED: &str = r#"an IP address and a port, such as "127.0.0.1:8080""#;

    fn read(value: &Value) -> Result<Self, &'static str> {
        let text = value.as_str().ok_or("not an address")?;
        text.parse().map_err(|_| "not an IP address and a port")
    }
}

impl Setting for Url {
    const EXPECTED: &str = "an https:// URL (http:// only to 127.0.0.1, [::1] or localhost)";

    fn read(value: &Value) -> Result<Self, &'static str> {
        let url = Self::parse(value.as_str().ok_or("not a URL")?).map_err(|_| "not a URL")?;
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        match url.scheme() {
            _ if has_credentials => Err("has credentials in it, which would end up in logs"),
            "https" => Ok(url),
            "http" if is_loopback(&url) => Ok(url),
            "http" => Err("plain http:// to another machine would expose tokens and passwords"),
            _ => Err("neither https:// nor http://"),
        }
    }
}

/// Whether a URL leads to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

impl Setting for Vec<String> {
    const EXPECTED: &str = r#"a list such as ["shop"]"#;

    fn read(value: &Value) -> Result<Self, &'static str> {
        list(value)
    }
}

impl Setting for DateTime<Utc> {
    const EXPECTED: &str = r#"a time such as "2027-01-31T12:00:00Z", or a date"#;

    fn read(value: &Value) -> Result<Self, &'static str> {
        let text = value.as_datetime().map(ToString::to_string);
        let text = text.as_deref().or(value.as_str()).ok_or("not a time")?;
        let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
        time.or_else(|_| Ok(text.parse::<NaiveDate>()?.and_time(NaiveTime::MIN).and_utc()))
            .map_err(|_: chrono::ParseError| "neither a time with its zone nor a date")
    }
}

impl Setting for Vec<IpNet> {
    const EXPECTED: &str = r#"a list of networks such as ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]"#;

    fn read(value: &Value) -> Result<Self, &'static str> {
        let network =
            |text: &String| text.parse().or_else(|_| text.parse().map(|ip: IpAddr| IpNet::from(ip)));
        list::<String>(value)?
            .iter()
            .map(network)
            .collect::<Result<_, _>>()
            .map_err(|_| "not a list of networks")
    }
}

fn list<T: DeserializeOwned>(value: &Value) -> Result<Vec<T>, &'static str> {
    let items = value.as_array().ok_or("not a list")?;
    if items.is_empty() {
        return Err("an empty list");
    }
    value.clone().try_into().map_err(|_| "an item that is not allowed here")
}

/// Types with a few named values, as their serde names say.
macro_rules! named {
    ($($type:ty: $expected:literal),+ $(,)?) => {$(
        impl Setting for $type {
            const EXPECTED: &str = $expected;

            fn read(value: &Value) -> Result<Self, &'static str> {
                value.clone().try_into().map_err(|_| "not one of the values allowed here")
            }
        }
    )+};
}

named! {
    Region: r#""eu", "na" or "oc""#,
    Environment: r#""production" or "playground""#,
    CheckoutProvider: r#""klarna" or "kustom""#,
    ClientAuth: r#""client_secret_post" or "client_secret_basic""#,
    LostAnswer: r#""replay" or "hold""#,
    Target: r#""checkout" or "payments""#,
    OnUnusableToken: r#""submit_without_token" or "fail""#,
    WrappedBy: r#""command""#,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Value {
        Value::String(value.to_owned())
    }

    #[test]
    fn a_variable_is_read_as_the_type_that_the_key_needs() {
        assert_eq!(u32::read_text("20"), Ok(20));
        assert_eq!(bool::read_text("true"), Ok(true));
        assert_eq!(String::read_text("12345"), Ok("12345".to_owned()));
        assert_eq!(Vec::<String>::read_text(r#"["a", "b"]"#), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(u32::read_text("many"), Err("not a whole number"));
    }

    #[test]
    fn the_file_needs_the_type_itself() {
        assert_eq!(u32::read(&text("20")), Err("not a whole number"));
        assert_eq!(u32::read(&Value::Integer(-1)), Err("out of range"));
        assert_eq!(bool::read(&text("true")), Err("not true or false"));
        assert_eq!(String::read(&text("  ")), Err("empty"));
    }

    #[test]
    fn durations_are_words_and_bounded() {
        assert_eq!(Duration::read(&text("60d")), Ok(Duration::from_hours(24 * 60)));
        assert_eq!(Duration::read(&text("ten")), Err("not a duration"));
        assert_eq!(Duration::read(&Value::Integer(10)), Err("not a duration"));
        assert_eq!(Duration::read(&text("11y")), Err("longer than ten years"));
    }

    #[test]
    fn every_target_is_among_the_expected_words() {
        for target in Target::ALL {
            assert!(<Target as Setting>::EXPECTED.contains(&format!("\"{target}\"")), "{target}");
        }
    }

    #[test]
    fn http_goes_to_loopback_alone() {
        for good in ["https://a.example/x", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"] {
            assert!(Url::read(&text(good)).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example",
            "http://localhost.example",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "https://user:pw@a.example",
            "a.example",
        ] {
            assert!(Url::read(&text(bad)).is_err(), "{bad}");
        }
    }
}
