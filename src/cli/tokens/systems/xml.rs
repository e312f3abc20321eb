//! Exports of customers of Salesforce B2C Commerce. Only what is needed of XML is read: the
//! elements `customer` with the attribute `customer-no`, and in them the custom attribute of the
//! token.

use super::Exported;

const ATTRIBUTE: &str = "kpRefreshToken";
const BEGIN: &str = "<customer";
const END: &str = "</customer>";

/// The most bytes of a customer.
const LARGEST: usize = 1024 * 1024;

/// A customer's line number, and its token or what is wrong with it.
type Found = (u64, Result<Exported, String>);

/// The part of the input that was read and not used yet: from the beginning of a customer on. Each
/// byte is looked at once, however the input is divided into lines.
#[derive(Default)]
pub(super) struct Customers {
    text: String,
    position: Position,
    /// Whether anything of the input looked like XML.
    is_xml: bool,
}

/// What the text begins with.
#[derive(Default)]
enum Position {
    /// Something that is not read.
    #[default]
    Between,
    /// A part of a comment.
    Comment,
    Customer(Customer),
}

/// A customer whose end has not been found.
struct Customer {
    /// The line of its beginning.
    begun: u64,
    tag: FirstTag,
    /// Where the search for its end goes on.
    searched: usize,
}

/// The first tag of a text, as far as it was read.
#[derive(Default)]
struct FirstTag {
    read: usize,
    /// The quotation mark that is open there.
    quote: Option<u8>,
    end: Option<usize>,
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
        let (mut found, mut used) = (Vec::new(), 0);
        while used < self.text.len() {
            let rest = &self.text[used..];
            let (taken, next) = match &mut self.position {
                Position::Between => beginning(rest, number),
                Position::Comment => match rest.find("-->") {
                    Some(end) => (end + 3, Position::Between),
                    None => (rest.len(), Position::Comment),
                },
                Position::Customer(customer) => match customer.end(rest) {
                    Some(end) => {
                        found.extend(exported(&rest[..end]).map(|exported| (customer.begun, exported)));
                        (end, Position::Between)
                    }
                    None if rest.len() > LARGEST => {
                        let wrong = format!("begins a customer of more than {LARGEST} bytes");
                        found.push((customer.begun, Err(wrong)));
                        (rest.len(), Position::Between)
                    }
                    None => break,
                },
            };
            used += taken;
            self.position = next;
        }
        self.text.drain(..used);
        Ok(found)
    }

    /// Returns the line of a customer that does not end, and what is wrong.
    pub(super) fn end(&mut self) -> Option<(u64, String)> {
        let Position::Customer(Customer { begun, .. }) = std::mem::take(&mut self.position) else {
            return None;
        };
        Some((begun, "begins a customer that does not end: the export breaks off".to_owned()))
    }
}

impl Customer {
    /// Returns where it ends in the text that begins with it. The text may have grown since the
    /// last call.
    fn end(&mut self, text: &str) -> Option<usize> {
        if let Some(tag) = self.tag.end(text)
            && text[..tag].ends_with("/>")
        {
            return Some(tag);
        }
        // No line break is in the words that are searched for, and the text ends with one.
        let end = text[self.searched..].find(END).map(|at| self.searched + at + END.len());
        self.searched = text.len();
        end
    }
}

impl FirstTag {
    /// Returns where it ends in the text, quotes heeded. The text may have grown since the last
    /// call.
    fn end(&mut self, text: &str) -> Option<usize> {
        while self.end.is_none()
            && let Some(byte) = text.as_bytes().get(self.read)
        {
            self.read += 1;
            match (self.quote, *byte) {
                (None, b'>') => self.end = Some(self.read),
                (None, open @ (b'"' | b'\'')) => self.quote = Some(open),
                (Some(open), byte) if open == byte => self.quote = None,
                _ => {}
            }
        }
        self.end
    }
}

/// Returns how much of a text stands before a comment or a customer, and what begins there.
fn beginning(text: &str, number: u64) -> (usize, Position) {
    let mut from = 0;
    while let Some(at) = text[from..].find('<').map(|at| from + at) {
        let rest = &text[at..];
        if rest.starts_with("<!--") {
            return (at + 4, Position::Comment);
        }
        if rest.strip_prefix(BEGIN).is_some_and(|rest| rest.starts_with([' ', '\t', '\n', '>', '/'])) {
            let customer = Customer { begun: number, tag: FirstTag::default(), searched: 0 };
            return (at, Position::Customer(customer));
        }
        from = at + 1;
    }
    (text.len(), Position::Between)
}

/// Returns the token of a customer. `None`: it has none.
fn exported(customer: &str) -> Option<Result<Exported, String>> {
    let mut rest = customer;
    let refresh_token = loop {
        let at = rest.find("<custom-attribute")?;
        rest = &rest[at..];
        let end = FirstTag::default().end(rest)?;
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
    let number = FirstTag::default().end(customer).and_then(|end| attribute(&customer[..end], "customer-no"));
    Some(match number {
        Some(user) => Ok(Exported { user, refresh_token: Ok(refresh_token), id_token: None, serial: None }),
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
        // An entity has no other `&` before its end.
        let end = after.find([';', '&']).filter(|end| after[*end..].starts_with(';'));
        let known = end.and_then(|end| Some((entity(&after[..end])?, &after[end + 1..])));
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
