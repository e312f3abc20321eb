//! Klarna Payments: `POST /payments/v1/sessions` answers 200 with a session, which is valid for 48
//! hours. The shop's page shows it with Klarna's script, and the shop places the order itself.

use super::Call;
use crate::order::{OrderResult, PaymentsSession};
use crate::received::{Members, storable};

pub(super) const CALL: Call = Call { path: "/payments/v1/sessions", id: "session_id", result };

fn result(members: &Members<'_>) -> Option<OrderResult> {
    let client_token = storable(&members.text("client_token")?).into_owned();
    let payment_method_categories = members.array("payment_method_categories");
    // Klarna leaves them out if it offers none. Where the answer broke off, they may have been to
    // come.
    if !members.complete && payment_method_categories.as_array().is_none_or(Vec::is_empty) {
        return None;
    }
    Some(OrderResult::Payments(PaymentsSession { client_token, payment_method_categories }))
}
