//! `POST /v1/orders/batch`

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, Object, Schema, SchemaType};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::split::{self, items, lines};
use super::{IDEMPOTENCY_KEY, OrderRequest};
use crate::api::AppState;
use crate::api::answers::{Common, SentBatch};
use crate::api::audit_trail::Concerns;
use crate::api::auth::Caller;
use crate::api::drain;
use crate::api::extract::{self, Expected, invalid};
use crate::api::problem::{Problem, ProblemDetails};
use crate::intake::{Accepted, IntakeError};
use crate::order::OrderId;

const ARRAY: &str = "application/json";

/// The bodies that are accepted. The time limit lets a slow connection send the largest batch.
const EXPECTED: Expected = Expected {
    types: &[ARRAY, "application/x-ndjson", "application/jsonl"],
    limit: 16_000_000,
    within: Duration::from_mins(2),
};

/// Orders as for `POST /v1/orders`. An item that is not a valid order is refused; the others are
/// accepted.
pub struct Batch;

impl PartialSchema for Batch {
    fn schema() -> RefOr<Schema> {
        let order = Ref::from_schema_name(OrderRequest::name());
        let item = AnyOfBuilder::new().item(order).item(Object::with_type(SchemaType::AnyValue));
        let description = "Orders as for `POST /v1/orders`. An item that is not a valid order is refused; \
            the others are accepted.";
        ArrayBuilder::new().items(item).max_items(Some(split::MOST)).description(Some(description)).into()
    }
}

impl ToSchema for Batch {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((OrderRequest::name().into(), OrderRequest::schema()));
        OrderRequest::schemas(schemas);
    }
}

/// The results of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// How many orders are new.
    #[schema(example = 1, minimum = 0)]
    pub new: usize,
    /// How many orders had already been submitted by an equal request.
    #[schema(example = 0, minimum = 0)]
    pub known: usize,
    /// How many orders were refused.
    #[schema(example = 0, minimum = 0)]
    pub refused: usize,
    /// One result for each order, in the same order.
    pub orders: Vec<BatchOutcome>,
}

/// The result for one order of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchOutcome {
    /// What happened to the order.
    pub result: BatchResult,
    /// The order's id, unless it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<OrderId>,
    /// Why it was refused: the answer that `POST /v1/orders` would have given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<ProblemDetails>,
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchResult {
    /// It was accepted now.
    New,
    /// It had already been accepted, by an equal request.
    Known,
    /// It was refused and not stored.
    Refused,
}

/// Submit many orders: up to 1,000 in a body of up to 16 MB.
///
/// The body is a JSON array or JSON lines, by its media type. Each item is an order as for `POST
/// /v1/orders`, with `idempotency_key` as a member. The orders of one merchant are stored in one
/// transaction; a refused order does not affect the others. If the database fails for a merchant,
/// its orders are refused with `unavailable`: submit those again.
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
        (status = 200, description = "The result for each order", body = BatchAnswer),
        Common,
        SentBatch,
    )
)]
pub(in crate::api) async fn post(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(Extension<Concerns>, Json<BatchAnswer>), Problem> {
    drain::check(&app.probes.ready)?;
    if headers.contains_key(IDEMPOTENCY_KEY) {
        return Err(invalid(
            "the header Idempotency-Key is for a single order: in a batch, each order has its own idempotency_key",
        ));
    }
    let body = extract::Text::read(&headers, body, &EXPECTED).await?;
    let mut orders = Vec::new();
    let mut outcomes = Vec::new();
    let text = body.text()?;
    let texts =
        if extract::media_type(&headers).eq_ignore_ascii_case(ARRAY) { items(text)? } else { lines(text)? };
    for text in texts {
        let parsed = app.intake.parse(text, None).map_err(Problem::from);
        let outcome =
            parsed.and_then(|order| caller.act_for(order.merchant.as_str()).map(|()| orders.push(order)));
        outcomes.push(outcome.err());
        // A batch takes long, so let other tasks run in between.
        tokio::task::yield_now().await;
    }
    let mut submitted = all_submitted(app.intake.submit_all(orders).await)?.into_iter();
    let outcomes = outcomes.into_iter().map(|refused| match refused {
        Some(problem) => Err(problem),
        None => submitted.next().unwrap_or_else(|| Err(Problem::internal())),
    });
    let answer = BatchAnswer::of(outcomes.map(BatchOutcome::from).collect());
    let BatchAnswer { new, known, refused, .. } = answer;
    let concerns = Concerns::many(None, format!("{new} new, {known} known, {refused} refused"));
    Ok((Extension(concerns), Json(answer)))
}

/// Returns the results of the readable orders. If the store failed for all of them, that failure is
/// the answer to the whole request.
fn all_submitted(
    outcomes: Vec<Result<Accepted, IntakeError>>,
) -> Result<Vec<Result<Accepted, Problem>>, Problem> {
    let failed = outcomes.iter().filter(|outcome| matches!(outcome, Err(IntakeError::Store(_)))).count();
    let all_failed = failed > 0 && failed == outcomes.len();
    // Log the failure once, not for each order.
    let mut failure: Option<Problem> = None;
    let mut answers = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        answers.push(outcome.map_err(|error| match error {
            IntakeError::Store(error) => failure.get_or_insert_with(|| error.into()).clone(),
            other => other.into(),
        }));
    }
    match failure {
        Some(failure) if all_failed => Err(failure),
        _ => Ok(answers),
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
        let (new, known, refused) =
            (count(BatchResult::New), count(BatchResult::Known), count(BatchResult::Refused));
        Self { new, known, refused, orders }
    }
}
