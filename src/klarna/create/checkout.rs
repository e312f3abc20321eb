//! Klarna Checkout, or Kustom's, which has the same API: `POST /checkout/v3/orders` answers 201
//! with the order and its HTML.

use super::Call;
use crate::order::OrderResult;
use crate::received::{Members, storable};

pub(super) const CALL: Call = Call { path: "/checkout/v3/orders", id: "order_id", result };

fn result(members: &Members<'_>) -> Option<OrderResult> {
    let html_snippet = storable(&members.text("html_snippet")?).into_owned();
    Some(OrderResult::Checkout { html_snippet })
}
