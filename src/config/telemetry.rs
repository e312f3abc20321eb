//! `[telemetry]`

use url::Url;

use super::reader::Reader;
use super::setting::Setting;
use crate::telemetry::Verbosity;

/// Where traces go.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// The collector of traces, if OpenTelemetry's variables do not name one.
    pub otlp_endpoint: Option<Collector>,
    /// How much `serve` logs.
    pub log_level: Verbosity,
}

/// A collector's base URL. Plain `http://` is allowed to any machine, because spans contain no
/// secrets and collectors usually listen inside a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector(Url);

impl Setting for Collector {
    const EXPECTED: &str = r#"the base URL of a collector, such as "http://127.0.0.1:4318""#;

    fn read(value: &toml::Value) -> Result<Self, &'static str> {
        let url = Url::parse(value.as_str().ok_or("not a URL")?).map_err(|_| "not a URL")?;
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        match url.scheme() {
            _ if has_credentials => Err("has credentials in it: send them in OTEL_EXPORTER_OTLP_HEADERS"),
            "http" | "https" if url.query().is_none() && url.fragment().is_none() => Ok(Self(url)),
            "http" | "https" => Err("not a base URL"),
            _ => Err("neither https:// nor http://"),
        }
    }
}

impl Setting for Verbosity {
    const EXPECTED: &str = r#""error", "warn", "info", "debug" or "trace""#;

    fn read(value: &toml::Value) -> Result<Self, &'static str> {
        match value.as_str() {
            Some("error") => Ok(Self::Quiet),
            Some("warn") => Ok(Self::Warnings),
            Some("info") => Ok(Self::Normal),
            Some("debug") => Ok(Self::Debug),
            Some("trace") => Ok(Self::Trace),
            _ => Err("not a level of the log"),
        }
    }
}

impl From<Collector> for String {
    fn from(Collector(url): Collector) -> Self {
        url.into()
    }
}

impl Telemetry {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            otlp_endpoint: reader.get("telemetry.otlp_endpoint"),
            log_level: reader.get_or("telemetry.log_level", Verbosity::Normal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_a_base_url() {
        let read = |text: &str| Collector::read(&toml::Value::String(text.to_owned()));
        for good in ["http://otel-collector:4318", "https://otlp.example/base", "http://127.0.0.1:4318/"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "collector:4318",
            "grpc://collector:4317",
            "https://user:pw@a.example",
            "http://a.example/?key=1",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
