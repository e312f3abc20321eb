//! Klarna's order, as far as the service requires its members. This only describes the request, for
//! the API's description; `order::check` reads it.

use serde_json::json;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{Number, PartialSchema, ToSchema};

/// A number of JSON. Shops also write amounts as text of this form.
const NUMBER: &str = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$";

/// The largest amounts of a line, in minor units.
const MOST: Option<isize> = Some(100_000_000);
const MOST_OF_SESSIONS: Option<isize> = Some(200_000_000);

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
/// other member of Klarna's is allowed too, and `null`, `""` and `[]` in its place count as absent.
/// It is sent to Klarna byte for byte. No key may occur twice in one object. `customer` must not
/// have `klarna_access_token`, which this service adds.
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
    #[schema(schema_with = order_amount)]
    order_amount: f64,
    #[schema(schema_with = order_tax_amount)]
    order_tax_amount: f64,
    /// What is bought, with fees and discounts.
    #[schema(min_items = 1, max_items = 1000)]
    order_lines: Vec<KlarnaOrderLine>,
}

/// A line of Klarna's order: the members that are required.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes a request")]
pub(super) struct KlarnaOrderLine {
    #[schema(schema_with = name)]
    name: String,
    #[schema(schema_with = quantity)]
    quantity: f64,
    #[schema(schema_with = unit_price)]
    unit_price: f64,
    #[schema(schema_with = tax_rate)]
    tax_rate: f64,
    #[schema(schema_with = total_amount)]
    total_amount: f64,
    #[schema(schema_with = total_tax_amount)]
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
    #[schema(schema_with = order_amount_of_session)]
    order_amount: f64,
    /// What is bought, with fees and discounts.
    #[schema(min_items = 1, max_items = 1000)]
    order_lines: Vec<KlarnaSessionLine>,
}

/// A line of a session: the members that are required.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes a request")]
pub(super) struct KlarnaSessionLine {
    #[schema(schema_with = name)]
    name: String,
    #[schema(schema_with = quantity)]
    quantity: f64,
    #[schema(schema_with = unit_price_of_session)]
    unit_price: f64,
    #[schema(schema_with = total_amount_of_session)]
    total_amount: f64,
}

/// A number from `least` to `most`, or text that is one.
fn amount(description: &str, example: i64, least: Option<isize>, most: Option<isize>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Number, Type::String]))
        .description(Some(description))
        .examples([json!(example)])
        .minimum(least.map(Number::Int))
        .maximum(most.map(Number::Int))
        .pattern(Some(NUMBER))
        .into()
}

/// Text. Shops also write numbers and booleans there.
fn name() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Number, Type::Boolean]))
        .description(Some("What the shopper reads."))
        .examples([json!("T-shirt")])
        .min_length(Some(1))
        .max_length(Some(255))
        .into()
}

fn order_amount() -> RefOr<Schema> {
    amount("The sum of the lines' `total_amount`, in minor units.", 50_000, Some(0), None)
}

fn order_amount_of_session() -> RefOr<Schema> {
    let what = "The sum of the lines' `total_amount`, in minor units, within ± the number of items.";
    amount(what, 50_000, Some(0), None)
}

fn order_tax_amount() -> RefOr<Schema> {
    let what = "The sum of the lines' `total_tax_amount`, in minor units. In the US, it can be the sum of the \
        `sales_tax` lines' `total_amount`.";
    amount(what, 10_000, Some(0), None)
}

fn quantity() -> RefOr<Schema> {
    amount("How many.", 5, Some(0), None)
}

const UNIT_PRICE: &str = "The price of one, with tax and without discount, in minor units.";

fn unit_price() -> RefOr<Schema> {
    amount(UNIT_PRICE, 10_000, None, MOST)
}

fn unit_price_of_session() -> RefOr<Schema> {
    amount(UNIT_PRICE, 10_000, None, MOST_OF_SESSIONS)
}

fn tax_rate() -> RefOr<Schema> {
    amount("In hundredths of a percent: 2500 is 25 %.", 2500, Some(0), Some(10_000))
}

const TOTAL_AMOUNT: &str = "`quantity` × `unit_price` − `total_discount_amount`, within ±`quantity`.";

fn total_amount() -> RefOr<Schema> {
    amount(TOTAL_AMOUNT, 50_000, None, MOST)
}

fn total_amount_of_session() -> RefOr<Schema> {
    amount(TOTAL_AMOUNT, 50_000, None, MOST_OF_SESSIONS)
}

fn total_tax_amount() -> RefOr<Schema> {
    amount("The tax in `total_amount`, within ±1.", 10_000, None, None)
}
