//! Decides whether Klarna refused an order because of fields that the service filled in.

/// Klarna's top-level members of an order, by which a message can be recognised as naming a field.
const MEMBERS: [&str; 26] = [
    "attachment",
    "billing_address",
    "billing_countries",
    "customer",
    "discount_lines",
    "external_checkouts",
    "external_payment_methods",
    "gui",
    "locale",
    "merchant_data",
    "merchant_reference1",
    "merchant_reference2",
    "merchant_requested",
    "merchant_urls",
    "name",
    "options",
    "order_amount",
    "order_lines",
    "order_tax_amount",
    "purchase_country",
    "purchase_currency",
    "recurring",
    "shipping_address",
    "shipping_countries",
    "shipping_options",
    "tags",
];

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
/// `/billing_address/email` become `/billing_address/email`, and `postal_code` stays as it is.
fn fields(message: &str) -> Vec<String> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "_./[]".contains(character);
    let words = message.split(|character| !is_part(character));
    words.filter_map(field).collect()
}

fn field(word: &str) -> Option<String> {
    let parts: Vec<&str> = word
        .split(['.', '/', '[', ']'])
        .filter(|part| !part.is_empty() && !part.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    let first = *parts.first()?;
    if MEMBERS.contains(&first) {
        return Some(format!("/{}", parts.join("/")));
    }
    // A field without its object, such as `postal_code`. A word without `_` could be any word.
    (parts.len() == 1 && (first.contains('_') || LEAVES.contains(&first))).then(|| first.to_owned())
}

/// Fields of an address whose names have no `_`.
const LEAVES: [&str; 5] = ["city", "country", "email", "phone", "region"];

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
