//! Exports of customers of Salesforce B2C Commerce. Only what is needed of XML is read: the elements
//! `customer` with the attribute `customer-no`, and in them the custom attribute of the token.

use super::Exported;

const ATTRIBUTE: &str = "kpRefreshToken";
const BEGIN: &str = "<customer";
const END: &str = "</customer>";

/// The most bytes of a customer.
const LARGEST: usize = 1024 * 1024;

/// A customer's line number, and its token or what is wrong with it.
type Found = (u64, Result<Exported, String>);

/// The part of the input that was read and not used yet: from the beginning of a customer on, or less
/// than a line without one.
#[derive(Default)]
pub(super) struct Customers {
    text: String,
    /// Where the search for the customer's end goes on.
    searched: usize,
    /// The line of the customer's beginning; `None` outside of customers.
    begun: Option<u64>,
    /// Whether anything of the input looked like XML.
    is_xml: bool,
}

impl Customers {
    /// Reads a line. Customers without a token are left out.
    ///
    /// # Errors
    /// The first line is no XML.
    pub(super) fn line(&mut self, number: u64, line: &str) -> Result<Vec<Found>, String> {
        if !self.is_xml && !line.trim_start().starts_with('<') {
            return Err("is not XML: expected an export of customers".to_owned());
        }
        self.is_xml = true;
        self.text.push_str(line);
        self.text.push('\n');
        let mut found = Vec::new();
        while self.begin(number) {
            match self.take() {
                Taken::Customer { begun, text } => {
                    found.extend(exported(&text).map(|exported| (begun, exported)));
                }
                Taken::TooLarge { begun } => {
                    found.push((begun, Err(format!("begins a customer of more than {LARGEST} bytes"))));
                }
                Taken::Nothing => break,
            }
        }
        Ok(found)
    }

    /// Returns the line of a customer that does not end, and what is wrong.
    pub(super) fn end(&mut self) -> Option<(u64, String)> {
        let begun = self.begun.take()?;
        Some((begun, "begins a customer that does not end: the export breaks off".to_owned()))
    }

    /// Goes to the beginning of the next customer. Returns whether there is one.
    fn begin(&mut self, number: u64) -> bool {
        if self.begun.is_some() {
            return true;
        }
        match beginning(&self.text) {
            Ok(at) => {
                self.text.drain(..at);
                (self.begun, self.searched) = (Some(number), 0);
                true
            }
            Err(used) => {
                self.text.drain(..if self.text.len() > LARGEST { self.text.len() } else { used });
                false
            }
        }
    }

    /// Takes the customer with whom the text begins, if it has ended.
    fn take(&mut self) -> Taken {
        let begun = self.begun.unwrap_or_default();
        if let Some(end) = end(&self.text, self.searched) {
            let text = self.text.drain(..end).collect();
            self.begun = None;
            return Taken::Customer { begun, text };
        }
        self.searched = self.text.len().saturating_sub(END.len());
        if self.text.len() <= LARGEST {
            return Taken::Nothing;
        }
        (self.text, self.begun) = (String::new(), None);
        Taken::TooLarge { begun }
    }
}

/// What was taken out of the text: a customer with the line of its beginning.
enum Taken {
    Customer {
        begun: u64,
        text: String,
    },
    TooLarge {
        begun: u64,
    },
    /// The customer has not ended yet.
    Nothing,
}

/// Returns where a customer begins that is not in a comment. The error: up to where the text is of no
/// use any more.
fn beginning(text: &str) -> Result<usize, usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find('<').map(|at| from + at) {
        let rest = &text[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            from = at + 4 + comment.find("-->").ok_or(at)?;
        } else if rest.strip_prefix(BEGIN).is_some_and(|rest| rest.starts_with([' ', '\t', '\n', '>', '/'])) {
            return Ok(at);
        } else {
            from = at + 1;
        }
    }
    Err(text.len())
}

/// Returns where the customer ends with whom the text begins.
fn end(text: &str, searched: usize) -> Option<usize> {
    if let Some(tag) = tag_end(text)
        && text[..tag].ends_with("/>")
    {
        return Some(tag);
    }
    let from = text.floor_char_boundary(searched);
    text[from..].find(END).map(|at| from + at + END.len())
}

/// Returns where the first tag of the text ends, quotes heeded.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(at + 1),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

/// Returns the token of a customer. `None`: it has none.
fn exported(customer: &str) -> Option<Result<Exported, String>> {
    let mut rest = customer;
    let refresh_token = loop {
        let at = rest.find("<custom-attribute")?;
        rest = &rest[at..];
        let end = tag_end(rest)?;
        let (tag, after) = rest.split_at(end);
        if attribute(tag, "attribute-id").as_deref() == Some(ATTRIBUTE) && !tag.ends_with("/>") {
            break after.split("</custom-attribute>").next().unwrap_or_default();
        }
        rest = after;
    };
    let refresh_token = refresh_token.trim();
    if refresh_token.is_empty() {
        return None;
    }
    let refresh_token = match refresh_token.strip_prefix("<![CDATA[") {
        Some(text) => text.trim_end_matches("]]>").to_owned(),
        None => decoded(refresh_token),
    };
    let number = tag_end(customer).and_then(|end| attribute(&customer[..end], "customer-no"));
    Some(match number {
        Some(user) => Ok(Exported { user, refresh_token, id_token: None }),
        None => Err("has a customer without customer-no".to_owned()),
    })
}

/// Returns the value of a tag's attribute.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let (before, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
        let (value, next) = after[1..].split_once(quote)?;
        if before.split_whitespace().next_back() == Some(name) {
            return Some(decoded(value));
        }
        rest = next;
    }
}

/// Replaces the entities that XML knows without a document type.
fn decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let known = after.split_once(';').and_then(|(name, next)| Some((entity(name)?, next)));
        let (letter, next) = known.unwrap_or(('&', after));
        decoded.push(letter);
        rest = next;
    }
    decoded + rest
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = name.strip_prefix('#')?;
            let hex = digits.strip_prefix(['x', 'X']).map(|digits| u32::from_str_radix(digits, 16).ok());
            char::from_u32(hex.unwrap_or_else(|| digits.parse().ok())?)
        }
    }
}
