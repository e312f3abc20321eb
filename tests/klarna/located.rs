//! Orders whose answer cannot be read, but names what was created.

use klarna_order_worker::klarna::create::CreateAnswer;
use test_support::faults::{FaultyServer, Step, http};

use crate::checkout::{BODY, assert_unavailable, create, send};
use crate::{AMPLE, SHORT, merchant};

/// Sends an order whose answer is `created`, and reads the order with the answers `read`.
async fn created_and_read(created: Step, read: Step) -> (CreateAnswer, FaultyServer) {
    let server = FaultyServer::start([created, read]).await;
    let answer = create(&server.url()).await;
    (answer, server)
}

#[tokio::test]
async fn an_order_that_only_its_location_names_is_read_and_not_created_again() {
    let shown = || Step::answer(http("200 OK", "", r#"{"order_id":"o-1","html_snippet":"<div/>"}"#));
    for location in [
        "https://api.klarna.example/checkout/v3/orders/o-1",
        "https://api.klarna.example/gateway/checkout/v3/orders/o-1/",
        "/checkout/v3/orders/o-1?region=eu",
    ] {
        let header = format!("location: {location}\r\n");
        let whole = http("201 Created", &header, r#"{"order_id":"o-2","html_snippet":"<div/>"}"#);
        for unreadable in [
            Step::answer(http("201 Created", &header, "")),
            Step::answer(http("201 Created", &header, "<html>")),
            // The connection breaks in the middle of the body.
            Step::close_after(&whole[..whole.len() - 40]),
        ] {
            let (answer, server) = created_and_read(unreadable, shown()).await;
            let CreateAnswer::Created { klarna_id, result, .. } = answer else { panic!("{answer:?}") };
            assert_eq!((klarna_id.as_str(), &*result.unwrap().to_text()), ("o-1", "<div/>"), "{location}");
            assert!(server.seen().contains("GET /checkout/v3/orders/o-1 HTTP/1.1"), "{}", server.seen());
        }
    }
    // Its body names it, but has no snippet.
    let named = Step::answer(http("201 Created", "", r#"{"order_id":"o-1"}"#));
    let (answer, _) = created_and_read(named, shown()).await;
    assert!(matches!(answer, CreateAnswer::Created { result: Some(_), .. }), "{answer:?}");

    // The connection breaks, or nothing more comes, after the body has named it.
    let whole = http("201 Created", "", r#"{"order_id":"o-1","html_snippet":"<div/>"}"#);
    let half = &whole[..whole.len() - 2];
    for (cut, patience) in [(Step::close_after(half), AMPLE), (Step::hang_after(half), SHORT)] {
        let server = FaultyServer::start([cut, shown()]).await;
        let answer = send(&merchant(&server.url()), patience, BODY).await.answer;
        let CreateAnswer::Created { klarna_id, result, .. } = answer else { panic!("{answer:?}") };
        assert_eq!((klarna_id.as_str(), &*result.unwrap().to_text()), ("o-1", "<div/>"));
    }

    // If it cannot be read now, it is known all the same; if Klarna does not know it, nothing is.
    let named = || Step::answer(http("201 Created", "location: /checkout/v3/orders/o-1\r\n", ""));
    for (status, known) in
        [("503 Service Unavailable", true), ("401 Unauthorized", true), ("404 Not Found", false)]
    {
        let (answer, server) = created_and_read(named(), Step::answer(http(status, "", ""))).await;
        match answer {
            CreateAnswer::Created { klarna_id, result: None, .. } => assert!(known && klarna_id == "o-1"),
            CreateAnswer::Unavailable { maybe_created: true, .. } => assert!(!known),
            other => panic!("{status}: {other:?}"),
        }
        assert_eq!(server.requests(), 2);
    }
    // Another place, or no id.
    for location in
        ["https://klarna.example/orders/o-1", "/checkout/v3/orders/", "/checkout/v3/orders/..", "o-1"]
    {
        let header = format!("location: {location}\r\n");
        let (answer, server) =
            created_and_read(Step::answer(http("201 Created", &header, "")), shown()).await;
        assert_unavailable(&answer, true);
        assert_eq!(server.requests(), 1, "{location}");
    }
}
