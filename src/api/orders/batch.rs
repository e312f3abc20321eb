//! `POST /v1/orders/batch`

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, Object, Schema, SchemaType};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::split::{self, items, lines};
use super::{IDEMPOTENCY_KEY, OrderRequest};
use crate::api::AppState;
use crate::api::answers::{Common, SentBatch};
use crate::api::auth::Caller;
use crate::api::extract::{self, Expected, invalid};
use crate::api::problem::{Problem, ProblemDetails};
use crate::intake::{Accepted, IntakeError};
use crate::order::{NewOrder, OrderId};

const ARRAY: &str = "application/json";

/// What a batch's body may be. A slow line takes its time for the largest one.
const EXPECTED: Expected = Expected {
    types: &[ARRAY, "application/x-ndjson", "application/jsonl"],
    limit: 16_000_000,
    within: Duration::from_mins(2),
};

/// Orders as `POST /v1/orders` takes them. Whatever else is among them is answered as refused, and keeps no other out.
pub struct Batch;

impl PartialSchema for Batch {
    fn schema() -> RefOr<Schema> {
        let order = Ref::from_schema_name(OrderRequest::name());
        let item = AnyOfBuilder::new().item(order).item(Object::with_type(SchemaType::AnyValue));
        let description = "Orders as `POST /v1/orders` takes them. Whatever else is among them is answered as refused.";
        ArrayBuilder::new().items(item).max_items(Some(split::MOST)).description(Some(description)).into()
    }
}

impl ToSchema for Batch {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((OrderRequest::name().into(), OrderRequest::schema()));
        OrderRequest::schemas(schemas);
    }
}

/// What became of the orders of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// How many were taken in now.
    #[schema(example = 1, minimum = 0)]
    pub new: usize,
    /// How many were taken in before, by equal requests.
    #[schema(example = 0, minimum = 0)]
    pub known: usize,
    /// How many were not taken in.
    #[schema(example = 0, minimum = 0)]
    pub refused: usize,
    /// One outcome for each order, in their order.
    pub orders: Vec<BatchOutcome>,
}

/// What became of one order of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchOutcome {
    /// What became of it.
    pub result: BatchResult,
    /// The order's id, where it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<OrderId>,
    /// What a post of this order alone would have been answered, where it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<ProblemDetails>,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchResult {
    /// Taken in now.
    New,
    /// Taken in before, by an equal request.
    Known,
    /// Not taken in.
    Refused,
}

/// Hand in many orders: up to 1,000, in a body of up to 16 MB.
///
/// An array of them, or one a line, as the media type says. Each is as `POST /v1/orders` takes it, and its idempotency key is a member of it. Those of
/// one merchant are stored in one transaction; one that is refused does not keep the others out. Where the database fails for a
/// merchant, its orders are refused with `unavailable`: send those again.
#[utoipa::path(
    post,
    operation_id = "submit_orders",
    path = "/v1/orders/batch",
    tag = "orders",
    request_body(content(
        (Batch = "application/json"),
        (String = "application/x-ndjson"),
        (String = "application/jsonl"),
    )),
    responses(
        (status = 200, description = "What became of each order", body = BatchAnswer),
        SentBatch,
        Common,
    )
)]
pub(in crate::api) async fn post(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<BatchAnswer>, Problem> {
    if headers.contains_key(IDEMPOTENCY_KEY) {
        return Err(invalid(
            "the header Idempotency-Key is for one order: write idempotency_key into each of the batch",
        ));
    }
    let body = extract::Text::read(&headers, body, &EXPECTED).await?;
    let mut orders = Vec::new();
    let mut outcomes = Vec::new();
    let text = body.text()?;
    let texts = if extract::media_type(&headers).eq_ignore_ascii_case(ARRAY) { items(text)? } else { lines(text)? };
    for text in texts {
        let parsed = NewOrder::parse(text).map_err(Problem::from);
        let outcome = parsed.and_then(|order| caller.act_for(&order.merchant).map(|()| orders.push(order)));
        outcomes.push(outcome.err());
        // A batch is long work; others have their turns in between.
        tokio::task::yield_now().await;
    }
    let mut submitted = all_submitted(app.intake.submit_all(orders).await)?.into_iter();
    let outcomes = outcomes.into_iter().map(|refused| match refused {
        Some(problem) => Err(problem),
        None => submitted.next().unwrap_or_else(|| Err(Problem::internal())),
    });
    Ok(Json(BatchAnswer::of(outcomes.map(BatchOutcome::from).collect())))
}

/// What became of those that could be read. Where the store took none of them, that is the answer to the whole request.
fn all_submitted(outcomes: Vec<Result<Accepted, IntakeError>>) -> Result<Vec<Result<Accepted, Problem>>, Problem> {
    let failed = outcomes.iter().filter(|outcome| matches!(outcome, Err(IntakeError::Store(_)))).count();
    let all_failed = failed > 0 && failed == outcomes.len();
    // Told once, and not for each order.
    let mut failure: Option<Problem> = None;
    let mut told = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        told.push(outcome.map_err(|error| match error {
            IntakeError::Store(error) => failure.get_or_insert_with(|| error.into()).clone(),
            other => other.into(),
        }));
    }
    match failure {
        Some(failure) if all_failed => Err(failure),
        _ => Ok(told),
    }
}

impl From<Result<Accepted, Problem>> for BatchOutcome {
    fn from(outcome: Result<Accepted, Problem>) -> Self {
        match outcome {
            Ok(Accepted { id, new }) => {
                let result = if new { BatchResult::New } else { BatchResult::Known };
                Self { result, id: Some(id), problem: None }
            }
            Err(problem) => Self { result: BatchResult::Refused, id: None, problem: Some(problem.details()) },
        }
    }
}

impl BatchAnswer {
    fn of(orders: Vec<BatchOutcome>) -> Self {
        let count = |result| orders.iter().filter(|order| order.result == result).count();
        let (new, known, refused) = (count(BatchResult::New), count(BatchResult::Known), count(BatchResult::Refused));
        Self { new, known, refused, orders }
    }
}
