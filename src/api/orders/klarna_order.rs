//! Klarna's order, as far as the service requires its members. This only describes the request, for
//! the API's description; `order::check` reads it.

use utoipa::openapi::schema::{AnyOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// The body of the create call of the order's target.
pub(super) struct OrderBody;

impl PartialSchema for OrderBody {
    fn schema() -> RefOr<Schema> {
        let of = |name| Ref::from_schema_name(name);
        let bodies = AnyOfBuilder::new().item(of(KlarnaOrder::name())).item(of(KlarnaSession::name()));
        bodies
            .description(Some("Of the target `checkout` a `KlarnaOrder`, of `payments` a `KlarnaSession`."))
            .into()
    }
}

impl ToSchema for OrderBody {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((KlarnaOrder::name().into(), KlarnaOrder::schema()));
        KlarnaOrder::schemas(schemas);
        schemas.push((KlarnaSession::name().into(), KlarnaSession::schema()));
        KlarnaSession::schemas(schemas);
    }
}

/// The body of Klarna's create-order call (Checkout API v3): the members that are required. Every
/// other member of Klarna's is allowed too. It is sent to Klarna byte for byte. No key may occur
/// twice in one object. `customer` must not have `klarna_access_token`, which this service adds.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes a request")]
pub(super) struct KlarnaOrder {
    /// ISO 3166-1 alpha-2.
    #[schema(example = "SE", pattern = "^[A-Za-z]{2}$")]
    purchase_country: String,
    /// ISO 4217.
    #[schema(example = "SEK", pattern = "^[A-Za-z]{3}$")]
    purchase_currency: String,
    /// A language, usually with a country.
    #[schema(example = "sv-SE", pattern = "^[A-Za-z]{2}(-[A-Za-z]{2})*$")]
    locale: String,
    /// The sum of the lines' `total_amount`, in minor units.
    #[schema(example = 50000, minimum = 0)]
    order_amount: f64,
    /// The sum of the lines' `total_tax_amount`, in minor units. In the US, it can be the sum of
    /// the `sales_tax` lines' `total_amount`.
    #[schema(example = 10000, minimum = 0)]
    order_tax_amount: f64,
    /// What is bought, with fees and discounts.
    #[schema(min_items = 1, max_items = 1000)]
    order_lines: Vec<KlarnaOrderLine>,
}

/// A line of Klarna's order: the members that are required.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes a request")]
pub(super) struct KlarnaOrderLine {
    /// What the shopper reads.
    #[schema(example = "T-shirt", min_length = 1, max_length = 255)]
    name: String,
    /// How many.
    #[schema(example = 5, minimum = 0)]
    quantity: f64,
    /// The price of one, with tax and without discount, in minor units.
    #[schema(example = 10000, maximum = 100_000_000)]
    unit_price: f64,
    /// In hundredths of a percent: 2500 is 25 %.
    #[schema(example = 2500, minimum = 0, maximum = 10000)]
    tax_rate: f64,
    /// `quantity` × `unit_price` − `total_discount_amount`, within ±`quantity`.
    #[schema(example = 50000, maximum = 100_000_000)]
    total_amount: f64,
    /// The tax in `total_amount`, within ±1.
    #[schema(example = 10000)]
    total_tax_amount: f64,
}

/// The body of the call that creates a session of Klarna Payments: the members that are required.
/// Otherwise as `KlarnaOrder`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes a request")]
pub(super) struct KlarnaSession {
    /// ISO 3166-1 alpha-2.
    #[schema(example = "SE", pattern = "^[A-Za-z]{2}$")]
    purchase_country: String,
    /// ISO 4217.
    #[schema(example = "SEK", pattern = "^[A-Za-z]{3}$")]
    purchase_currency: String,
    /// A language, usually with a country.
    #[schema(example = "sv-SE", pattern = "^[A-Za-z]{2}(-[A-Za-z]{2})*$")]
    locale: String,
    /// The sum of the lines' `total_amount`, in minor units, within ± the number of items.
    #[schema(example = 50000, minimum = 0)]
    order_amount: f64,
    /// What is bought, with fees and discounts.
    #[schema(min_items = 1, max_items = 1000)]
    order_lines: Vec<KlarnaSessionLine>,
}

/// A line of a session: the members that are required.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes a request")]
pub(super) struct KlarnaSessionLine {
    /// What the shopper reads.
    #[schema(example = "T-shirt", min_length = 1, max_length = 255)]
    name: String,
    /// How many.
    #[schema(example = 5, minimum = 0)]
    quantity: f64,
    /// The price of one, with tax and without discount, in minor units.
    #[schema(example = 10000, maximum = 200_000_000)]
    unit_price: f64,
    /// `quantity` × `unit_price` − `total_discount_amount`, within ±`quantity`.
    #[schema(example = 50000, maximum = 200_000_000)]
    total_amount: f64,
}
