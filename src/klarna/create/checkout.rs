//! Klarna Checkout, or Kustom's, which has the same API: `POST /checkout/v3/orders` answers 201 with
//! the order and its HTML.

use super::answer::id;
use super::{Call, Created};
use crate::order::OrderResult;
use crate::received::{Members, storable};

pub(super) const CALL: Call = Call { path: "/checkout/v3/orders", read };

fn read(members: &Members<'_>) -> Option<Created> {
    let html_snippet = storable(&members.text("html_snippet")?).into_owned();
    Some(Created { klarna_id: id(members, "order_id")?, result: OrderResult::Checkout { html_snippet } })
}
