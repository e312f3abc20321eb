//! Exports of other systems that keep refresh tokens of Sign in with Klarna. docs/migrating.md has a
//! sample of each. No message shows a value, because any value may be a token.

mod php;
mod rows;
mod xml;

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use clap::ValueEnum;
use serde::Deserialize;

use self::rows::{Rows, Table};
use self::xml::Customers;
use super::record::{Record, record_of};
use crate::cli::lines::Line;
use crate::ids::MerchantName;

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
    refresh_token: String,
    /// The `id_token` that came with it, if the export has it.
    id_token: Option<String>,
}

/// A line's number, and its record or what is wrong with it.
pub(crate) type Read = (u64, Result<Record, String>);

/// Reads an export line by line.
pub(crate) struct SystemReader {
    merchant: MerchantName,
    format: Format,
    users: Users,
}

enum Format {
    Rows(Rows),
    Xml(Customers),
}

/// The users so far, as hashes, so that a large export takes little memory.
#[derive(Default)]
struct Users {
    hashes: HashSet<u64>,
    hasher: RandomState,
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
        Self { merchant, format, users: Users::default() }
    }

    /// Reads a line. It may have no token, or end several customers of an XML file.
    ///
    /// # Errors
    /// The input is no export of this system; nothing of it can be read.
    pub(crate) fn line(&mut self, line: &Line) -> Result<Vec<Read>, String> {
        let number = line.number;
        let text = match &line.text {
            Ok(text) => text,
            Err(bad) => return Ok(vec![(number, Err(bad.to_string()))]),
        };
        let found = match &mut self.format {
            Format::Rows(rows) => rows.line(text)?.map(|row| (number, row)).into_iter().collect(),
            Format::Xml(customers) => customers.line(number, text)?,
        };
        Ok(found.into_iter().map(|(number, exported)| (number, self.record(exported))).collect())
    }

    /// Returns what the input breaks off in.
    pub(crate) fn end(&mut self) -> Vec<Read> {
        match &mut self.format {
            Format::Rows(_) => Vec::new(),
            Format::Xml(customers) => {
                customers.end().map(|(number, wrong)| (number, Err(wrong))).into_iter().collect()
            }
        }
    }

    fn record(&mut self, exported: Result<Exported, String>) -> Result<Record, String> {
        let Exported { user, refresh_token, id_token } = exported?;
        let issued_at = id_token.as_deref().and_then(issued_at);
        let record = record_of(self.merchant.to_string(), user, refresh_token, issued_at)?;
        if self.users.add(record.registration.user.as_str()) {
            Ok(record)
        } else {
            Err("is not the first token of this user: export only the newest one of each".to_owned())
        }
    }
}

impl Users {
    /// Returns whether the user is new.
    fn add(&mut self, user: &str) -> bool {
        self.hashes.insert(self.hasher.hash_one(user))
    }
}

/// Returns when an `id_token` was issued (`iat`), unverified: it only says how old the refresh token
/// beside it is, at most.
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
