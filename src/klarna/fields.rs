//! Names of fields of an order, by which Klarna's messages are understood.

/// Klarna's top-level members of an order, by which a message can be recognised as naming a field.
pub(super) const MEMBERS: [&str; 33] = [
    "acquiring_channel",
    "attachment",
    "billing_address",
    "billing_countries",
    "custom_payment_method_ids",
    "customer",
    "design",
    "discount_lines",
    "external_checkouts",
    "external_payment_methods",
    "gui",
    "intent",
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
    "payment_method_categories",
    "purchase_country",
    "purchase_currency",
    "recurring",
    "selected_shipping_option",
    "shipping_address",
    "shipping_countries",
    "shipping_options",
    "status",
    "tags",
];

/// Fields of an address whose names have no `_`.
pub(super) const LEAVES: [&str; 5] = ["city", "country", "email", "phone", "region"];

/// Returns whether a text is the name of a field.
pub(super) fn is_field(text: &str) -> bool {
    MEMBERS.contains(&text) || LEAVES.contains(&text)
}
