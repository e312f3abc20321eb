//! Decides whether Klarna refused an order because of fields that the service filled in.

use crate::klarna::fields::{LEAVES, MEMBERS};

/// Returns whether a refusal can be due to prefilled fields (JSON pointers): a message names one of
/// them, or an object that they are in, or no message names any field.
pub(super) fn is_due_to(messages: &[String], prefilled: &[String]) -> bool {
    if prefilled.is_empty() {
        return false;
    }
    let named: Vec<String> = messages.iter().flat_map(|message| fields(message)).collect();
    named.is_empty() || named.iter().any(|field| concerns(field, prefilled))
}

/// Returns the fields that a message names, as pointers: `billing_address.email` and
/// `/billing_address/email` become `/billing_address/email`, and `postal_code` stays as it is. A
/// word such as `name`, which a sentence may have as well, names a field only behind a colon.
fn fields(message: &str) -> Vec<String> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "_./[]".contains(character);
    let mut named = Vec::new();
    for (index, text) in message.split(": ").enumerate() {
        let words = text.split(|character| !is_part(character)).filter(|word| !word.is_empty());
        named.extend(words.enumerate().filter_map(|(place, word)| field(word, index > 0 && place == 0)));
    }
    named
}

fn field(word: &str, is_behind_colon: bool) -> Option<String> {
    let parts: Vec<&str> = word
        .split(['.', '/', '[', ']'])
        .filter(|part| !part.is_empty() && !part.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    let first = *parts.first()?;
    let is_name = first.contains('_') || is_behind_colon;
    if MEMBERS.contains(&first) && (is_name || parts.len() > 1 || word.starts_with('/')) {
        return Some(format!("/{}", parts.join("/")));
    }
    // A field without its object, such as `postal_code`.
    let is_leaf = first.contains('_') || (is_behind_colon && LEAVES.contains(&first));
    (parts.len() == 1 && is_leaf).then(|| first.to_owned())
}

fn concerns(field: &str, prefilled: &[String]) -> bool {
    prefilled.iter().any(|pointer| match field.strip_prefix('/') {
        Some(_) => pointer == field || pointer.strip_prefix(field).is_some_and(|rest| rest.starts_with('/')),
        None => pointer.rsplit('/').next() == Some(field),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_due_to_prefill_if_it_names_its_fields_or_none() {
        let prefilled = ["/billing_address/postal_code", "/billing_address/email", "/customer/date_of_birth"]
            .map(String::from);
        for (message, due) in [
            ("Bad value: billing_address.postal_code", true),
            ("Bad value: /billing_address/postal_code", true),
            ("postal_code is not valid for SE", true),
            ("Bad format: email", true),
            ("Bad value: billing_address", true),
            ("Bad value: customer.date_of_birth", true),
            ("Klarna is not available for this shopper", true),
            ("", true),
            ("Family name is not valid", true),
            ("There are no options for this customer", true),
            ("Klarna is not available in this country", true),
            ("Bad value: name", false),
            ("Bad value: 'locale'", false),
            ("Bad value: design", false),
            ("Bad value: billing_address.phone", false),
            ("Bad value: shipping_address.postal_code", false),
            ("Bad value: shipping_address", false),
            ("Bad value: order_lines[0].name", false),
            ("Bad value: order_tax_amount", false),
            ("merchant_urls.terms is missing", false),
            ("Bad value: purchase_country", false),
        ] {
            assert_eq!(is_due_to(&[message.to_owned()], &prefilled), due, "{message}");
            assert!(!is_due_to(&[message.to_owned()], &[]));
        }
        let both = ["Bad value: locale".to_owned(), "Bad value: billing_address.email".to_owned()];
        assert!(is_due_to(&both, &prefilled));
    }
}
