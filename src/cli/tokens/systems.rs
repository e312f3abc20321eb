//! Exports of other systems that keep refresh tokens of Sign in with Klarna. docs/migrating.md has
//! a sample of each. No message shows a value, because any value may be a token.

mod php;
mod rows;
mod xml;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use clap::ValueEnum;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use self::rows::{Rows, Table};
use self::xml::Customers;
use super::record::{Record, record_of};
use crate::cli::lines::Line;
use crate::ids::{MerchantName, check_name};

/// A system whose exports can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum System {
    /// Magento and Adobe Commerce: the table `klarna_siwk_token`, decrypted
    Magento,
    /// Salesforce B2C Commerce: an export of customers (XML) with the attribute `kpRefreshToken`
    Sfcc,
    /// PrestaShop: the table `klarnapayment_customers`
    Prestashop,
    /// SAP Commerce: ImpEx or CSV with `uid` and the attribute of the refresh token
    Sap,
    /// WooCommerce: user meta `_siwk_tokens` or `siwk_refresh_token`
    Woocommerce,
}

/// One token of an export.
struct Exported {
    user: String,
    /// The token, or what is wrong with it. The row counts all the same: an older one must not take
    /// its place.
    refresh_token: Result<String, String>,
    /// The `id_token` that came with it, if the export has it.
    id_token: Option<String>,
    /// A number that is greater for later tokens of a user, if the export has it.
    serial: Option<u64>,
}

/// A row of an export: its user, what tells its age, and its token or what is wrong with it.
struct Token {
    user: String,
    serial: Option<u64>,
    issued_at: Option<DateTime<Utc>>,
    record: Result<Record, String>,
}

/// A line's number, and its record or why it has none.
pub(crate) type Read = (u64, Result<Record, NotRegistered>);

/// Why a line is not registered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotRegistered {
    /// It is wrong; the text says how.
    Wrong(String),
    /// The same export has a newer token of its user.
    Older,
}

/// A line of an export.
struct ReadLine {
    number: u64,
    token: Result<Token, NotRegistered>,
}

/// Reads an export line by line. All of it is in memory until the end, because the newest token of
/// a user may be on the last line, and an older one must not be registered.
pub(crate) struct SystemReader {
    merchant: MerchantName,
    format: Format,
    read: Vec<ReadLine>,
    /// How many lines with tokens are read at most.
    most: usize,
}

/// The most lines with tokens of an export, all of which are in memory.
const MOST_TOKENS: usize = 2_000_000;

enum Format {
    Rows(Rows),
    Xml(Customers),
}

impl SystemReader {
    pub(crate) fn new(system: System, merchant: MerchantName) -> Self {
        let format = match system {
            System::Magento => Format::Rows(Rows::new(Table::Magento)),
            System::Sfcc => Format::Xml(Customers::default()),
            System::Prestashop => Format::Rows(Rows::new(Table::Prestashop)),
            System::Sap => Format::Rows(Rows::new(Table::Sap)),
            System::Woocommerce => Format::Rows(Rows::new(Table::Woocommerce)),
        };
        Self { merchant, format, read: Vec::new(), most: MOST_TOKENS }
    }

    /// Reads a line. It may have no token, or end several customers of an XML file.
    ///
    /// # Errors
    /// The input is no export of this system; nothing of it can be read.
    pub(crate) fn line(&mut self, line: &Line) -> Result<(), String> {
        let number = line.number;
        let found = match (&line.text, &mut self.format) {
            (Err(bad), _) => vec![(number, Err(bad.to_string()))],
            (Ok(text), Format::Rows(rows)) => rows.line(text)?.map(|row| (number, row)).into_iter().collect(),
            (Ok(text), Format::Xml(customers)) => customers.line(number, text)?,
        };
        if self.read.len() + found.len() > self.most {
            return Err(format!(
                "has more than the {} tokens of an export: export them in parts, all tokens of a customer in \
                 one part",
                self.most
            ));
        }
        let merchant = &self.merchant;
        let read = found.into_iter().map(|(number, exported)| {
            let token = exported.map(|exported| token(merchant, exported)).map_err(NotRegistered::Wrong);
            ReadLine { number, token }
        });
        self.read.extend(read);
        Ok(())
    }

    /// Returns everything that was read, and what the input breaks off in. Of each user only the
    /// newest token is a record.
    pub(crate) fn end(&mut self) -> Vec<Read> {
        if let Format::Xml(customers) = &mut self.format
            && let Some((number, wrong)) = customers.end()
        {
            self.read.push(ReadLine { number, token: Err(NotRegistered::Wrong(wrong)) });
        }
        let mut read = std::mem::take(&mut self.read);
        for (place, not_registered) in superseded(&read) {
            read[place].token = Err(not_registered);
        }
        let record = |token: Token| token.record.map_err(NotRegistered::Wrong);
        read.into_iter().map(|line| (line.number, line.token.and_then(record))).collect()
    }
}

fn token(merchant: &MerchantName, exported: Exported) -> Token {
    let Exported { user, refresh_token, id_token, serial } = exported;
    let issued_at = id_token.as_deref().and_then(issued_at);
    let record =
        refresh_token.and_then(|text| record_of(merchant.to_string(), user.clone(), text, issued_at));
    // A row with an invalid user name is refused by itself. The name is dropped, because it may be
    // as long as the line.
    let user = if check_name(&user).is_ok() { user } else { String::new() };
    Token { user, serial, issued_at, record }
}

/// Returns the places of the tokens that are not the newest of their user. If the export does not
/// say which is the newest, none of them is registered: an older one is spent, and its use ends the
/// user's grant.
fn superseded(read: &[ReadLine]) -> Vec<(usize, NotRegistered)> {
    let lines = read.iter().enumerate();
    let tokens = lines.filter_map(|(place, line)| Some((place, line.token.as_ref().ok()?)));
    let mut tokens: Vec<(usize, &Token)> = tokens.collect();
    tokens.retain(|(_, token)| !token.user.is_empty());
    tokens.sort_by_key(|(_, token)| token.user());
    let mut found = Vec::new();
    for of_user in tokens.chunk_by(|(_, one), (_, other)| one.user() == other.user()) {
        let newest = newest(of_user.iter().map(|(_, token)| *token).collect());
        found.extend(of_user.iter().filter_map(|(place, token)| match newest {
            // It keeps its own reason.
            _ if token.record.is_err() => None,
            Some(newest) if newest.text() == token.text() => None,
            Some(_) => Some((*place, NotRegistered::Older)),
            None => Some((*place, NotRegistered::Wrong(NOT_TOLD.to_owned()))),
        }));
    }
    found
}

const NOT_TOLD: &str = "is one of several tokens of this user, and the export does not say which is the newest: \
     export only the newest one";

/// Returns the newest of a user's tokens, if that is known.
fn newest(tokens: Vec<&Token>) -> Option<&Token> {
    let by_serial = greatest(tokens, |token| token.serial);
    let left = greatest(by_serial, |token| token.issued_at);
    let first = *left.first()?;
    left.iter().all(|token| token.text() == first.text()).then_some(first)
}

/// Returns the tokens with the greatest rank; all of them if one has none.
fn greatest<R: Ord>(tokens: Vec<&Token>, rank: impl Fn(&Token) -> Option<R>) -> Vec<&Token> {
    let ranks: Option<Vec<R>> = tokens.iter().map(|token| rank(token)).collect();
    let Some(ranks) = ranks else { return tokens };
    let greatest = ranks.iter().max();
    tokens.iter().zip(&ranks).filter(|(_, rank)| Some(*rank) == greatest).map(|(token, _)| *token).collect()
}

impl Token {
    fn user(&self) -> &str {
        &self.user
    }

    /// The token. `None`: it is unusable.
    fn text(&self) -> Option<&str> {
        Some(self.record.as_ref().ok()?.registration.refresh_token.expose_secret())
    }
}

/// Returns when an `id_token` was issued (`iat`), unverified: it only says how old the refresh
/// token beside it is, at most.
fn issued_at(id_token: &str) -> Option<DateTime<Utc>> {
    #[derive(Deserialize)]
    struct Issued {
        iat: i64,
    }
    let payload = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1)?).ok()?;
    let Issued { iat } = serde_json::from_slice(&payload).ok()?;
    DateTime::from_timestamp(iat, 0)
}

#[cfg(test)]
mod tests;
