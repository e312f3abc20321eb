//! Exports that are tables: a header, then a row on each line. Fields are separated by tabs,
//! semicolons or commas; a header that has the first of these is separated by it.

use serde_json::{Map, Value};

use super::Exported;
use super::php::members;

/// The keys of WooCommerce's user meta that have tokens. The first is that of the newer plugins.
const META_KEYS: [&str; 2] = ["_siwk_tokens", "siwk_refresh_token"];

/// What `mysql --batch` writes for a null.
const NULL: &str = "NULL";

/// The most columns. Each row is read into as many fields.
const MOST_COLUMNS: usize = 1000;

/// A system whose export is a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Magento,
    Prestashop,
    Sap,
    Woocommerce,
}

/// Reads the rows of one system.
pub(super) struct Rows {
    table: Table,
    header: Option<Header>,
}

struct Header {
    separator: u8,
    /// How many fields a row has.
    width: usize,
    columns: Columns,
}

/// The places of the columns that are read. All others are left out.
enum Columns {
    Token { user: usize, refresh_token: usize, id_token: Option<usize>, serial: Option<usize> },
    Meta { user: usize, key: usize, value: usize },
}

impl Rows {
    pub(super) fn new(table: Table) -> Self {
        Self { table, header: None }
    }

    /// Reads a line. `None`: it is the header, or a comment.
    ///
    /// # Errors
    /// It should be the header, and lacks a column.
    pub(super) fn line(&mut self, text: &str) -> Result<Option<Result<Exported, String>>, String> {
        if self.table == Table::Sap && is_comment(text) {
            return Ok(None);
        }
        if let Some(header) = &self.header {
            return Ok(Some(header.row(self.table, text)));
        }
        self.header = Some(Header::read(self.table, text)?);
        Ok(None)
    }
}

/// Returns whether an ImpEx line is a comment, a macro or a command.
fn is_comment(text: &str) -> bool {
    text.trim_start_matches('"').starts_with(['#', '$'])
}

impl Header {
    fn read(table: Table, text: &str) -> Result<Self, String> {
        let separator = [b'\t', b';', b','].into_iter().find(|separator| text.as_bytes().contains(separator));
        let separator = separator.unwrap_or(b',');
        let names: Vec<String> = fields(text, separator)?.iter().map(|name| column(name)).collect();
        if names.len() > MOST_COLUMNS {
            return Err(format!(
                "is not the header of such an export: it has more than {MOST_COLUMNS} columns"
            ));
        }
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        let needed = |wanted: &str| {
            place(wanted)
                .ok_or_else(|| format!("is not the header of such an export: it has no column {wanted}"))
        };
        let columns = match table {
            Table::Woocommerce => Columns::Meta {
                user: needed("user_id")?,
                key: needed("meta_key")?,
                value: needed("meta_value")?,
            },
            Table::Prestashop => Columns::Token {
                user: needed("id_customer")?,
                refresh_token: needed("id_refresh_token")?,
                id_token: place("id_token"),
                // The module adds a row at each sign-in.
                serial: place("id_klarnapayment_customer"),
            },
            Table::Sap => {
                let refresh_token = names.iter().position(|name| name.ends_with("refreshtoken"));
                let wrong =
                    "is not the header of such an export: it has no column whose name ends in refreshToken";
                let refresh_token = refresh_token.ok_or_else(|| wrong.to_owned())?;
                let id_token = place("idtoken");
                Columns::Token { user: needed("uid")?, refresh_token, id_token, serial: None }
            }
            Table::Magento => Columns::Token {
                user: needed("customer_id")?,
                refresh_token: needed("refresh_token")?,
                id_token: place("id_token"),
                serial: None,
            },
        };
        Ok(Self { separator, width: names.len(), columns })
    }

    fn row(&self, table: Table, text: &str) -> Result<Exported, String> {
        let mut fields = fields(text, self.separator)?;
        if self.separator == b'\t' {
            // White space at the end of a line is cut off, and with it the tabs before empty
            // fields.
            fields.resize(self.width.max(fields.len()), String::new());
        }
        if fields.len() != self.width {
            return Err(format!("has {} columns, expected {} as in the header", fields.len(), self.width));
        }
        match self.columns {
            Columns::Token { user, refresh_token, id_token, serial } => {
                let refresh_token = match &fields[refresh_token] {
                    text if table == Table::Magento && is_encrypted(text) => {
                        Err("has a token that is encrypted by Magento: export it decrypted".to_owned())
                    }
                    text => Ok(text.clone()),
                };
                let id_token = id_token.map(|place| fields[place].clone());
                let serial = serial.and_then(|place| fields[place].trim().parse().ok());
                Ok(Exported { user: fields[user].clone(), refresh_token, id_token, serial })
            }
            Columns::Meta { user, key, value } => {
                let Some(age) = META_KEYS.iter().position(|name| *name == fields[key]) else {
                    return Err(format!("has another meta_key than {}", META_KEYS.join(" or ")));
                };
                let serial = Some(u64::from(age == 0));
                let user = fields[user].clone();
                let exported = meta(user.clone(), &fields[value]).unwrap_or_else(|wrong| Exported {
                    user,
                    refresh_token: Err(wrong),
                    id_token: None,
                    serial: None,
                });
                Ok(Exported { serial, ..exported })
            }
        }
    }
}

/// Returns a column's name in lower case, without the modifiers of ImpEx.
fn column(name: &str) -> String {
    let name = name.split('[').next().unwrap_or_default();
    name.trim().trim_start_matches('&').to_lowercase()
}

/// Returns whether a value has the form of Magento's encryption: key number, cipher number, text.
fn is_encrypted(value: &str) -> bool {
    let is_number = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut parts = value.splitn(3, ':');
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_some()
}

/// Reads a value of the user meta: the token alone, or an object or serialised array that has it.
fn meta(user: String, value: &str) -> Result<Exported, String> {
    let is_whole = !value.starts_with('{') && !value.starts_with("a:") && !value.starts_with("s:");
    if is_whole {
        return Ok(Exported { user, refresh_token: Ok(value.to_owned()), id_token: None, serial: None });
    }
    let mut members = object(value).ok_or("has a meta_value that cannot be read")?;
    let mut take = |name: &str| match members.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let refresh_token = take("refresh_token").ok_or("has a meta_value without refresh_token")?;
    Ok(Exported { user, refresh_token: Ok(refresh_token), id_token: take("id_token"), serial: None })
}

/// Reads a JSON object, or what PHP has serialised: an array, or a text with a JSON object.
fn object(value: &str) -> Option<Map<String, Value>> {
    if value.starts_with('{') {
        return serde_json::from_str(value).ok();
    }
    members(value)
}

/// Returns the fields of a line. Fields between tabs are written as `mysql --batch` does: without
/// quotes, with backslashes, and with the word `NULL` where there is nothing.
fn fields(line: &str, separator: u8) -> Result<Vec<String>, String> {
    if separator == b'\t' {
        return Ok(line.split('\t').map(unescaped).collect());
    }
    let mut reader = ::csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).delimiter(separator).buffer_capacity(256);
    let mut row = ::csv::StringRecord::new();
    let read = reader.from_reader(line.as_bytes()).read_record(&mut row);
    read.map_err(|_| "is not a valid row".to_owned())?;
    Ok(row.iter().map(str::to_owned).collect())
}

fn unescaped(field: &str) -> String {
    if field == NULL {
        return String::new();
    }
    let mut text = String::with_capacity(field.len());
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('0') => text.push('\0'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    text
}
