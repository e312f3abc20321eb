//! `[audit]`

use std::path::PathBuf;

use toml::Value;

use super::reader::Reader;
use super::setting::Setting;

/// The audit log.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Whether submissions of orders leave rows.
    pub submissions: bool,
    /// Where the rows also go as JSON lines.
    pub lines: AuditLines,
}

/// Where rows of the audit log go as JSON lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuditLines {
    /// Nowhere.
    #[default]
    Off,
    /// To standard output, of `serve` alone: other commands print their results there.
    Stdout,
    /// To the end of this file.
    File(PathBuf),
}

impl Setting for AuditLines {
    const EXPECTED: &str = r#""off", "stdout" or the path of a file"#;

    fn read(value: &Value) -> Result<Self, &'static str> {
        Ok(match String::read(value)?.as_str() {
            "off" => Self::Off,
            "stdout" => Self::Stdout,
            path => Self::File(path.into()),
        })
    }
}

impl Audit {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            submissions: reader.get_or("audit.submissions", true),
            lines: reader.get_or("audit.lines", AuditLines::Off),
        }
    }
}
