//! Klarna Payments: `POST /payments/v1/sessions` answers 200 with a session, which is valid for 48
//! hours. The shop's page shows it with Klarna's script, and the shop places the order itself.

use super::answer::id;
use super::{Call, Created};
use crate::order::{OrderResult, PaymentsSession};
use crate::received::{Members, storable};

pub(super) const CALL: Call = Call { path: "/payments/v1/sessions", read };

fn read(members: &Members<'_>) -> Option<Created> {
    let client_token = storable(&members.text("client_token")?).into_owned();
    let session = PaymentsSession {
        client_token,
        payment_method_categories: members.array("payment_method_categories"),
    };
    Some(Created { klarna_id: id(members, "session_id")?, result: OrderResult::Payments(session) })
}
