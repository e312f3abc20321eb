//! Changes of many tokens and webhooks, on both engines.

use std::time::Duration;

use klarna_order_worker::ids::{Provider, UserKey};
use klarna_order_worker::order::Disposition;
use klarna_order_worker::pauses::PauseKind;
use klarna_order_worker::store::{AuditFilter, NewPause, ProcessFacts, WebhookStatus, Worker};
use klarna_order_worker::token::{DeadReason, ExchangeResult, Purpose, PurposeKind, TokenState};
use tokio::time::timeout;
use uuid::Uuid;

use super::lists::on_both;
use super::{Browser, OPS, error, failed, value};
use crate::Api;

const SOON: Duration = Duration::from_mins(1);

impl Api {
    async fn is_rejected(&self, user: &str) {
        self.has_token(user).await;
        let purpose = Purpose { kind: PurposeKind::Keeper, id: Uuid::now_v7().into() };
        self.exchanged(user, purpose, ExchangeResult::Rejected(DeadReason::Rejected)).await;
    }

    async fn states<const N: usize>(&self, users: [&str; N]) -> [TokenState; N] {
        let mut states = [TokenState::Forgotten; N];
        for (state, user) in states.iter_mut().zip(users) {
            *state = self.app.store.token(&UserKey::new("shop", user)).await.unwrap().unwrap().state;
        }
        states
    }
}

#[tokio::test]
async fn many_uncertain_tokens_are_resolved_after_a_question() {
    use TokenState::{Active, ReauthRequired, Uncertain};
    on_both(async |api| {
        let users = ["u&1", "u-2", "u-3", "u-4"];
        for user in users {
            api.has_token(user).await;
            api.uncertain(user).await;
        }
        let browser = Browser::signed_in(api, OPS).await;
        let plain = browser.page("/users").await;
        assert!(!plain.contains(r#"form="bulk""#), "nothing is decided about others: {plain}");
        let list = browser.page("/users?state=uncertain").await;
        assert!(
            list.contains("Resolve all that are uncertain and match…")
                && list.contains("Select u&amp;1 of shop"),
            "{list}"
        );
        assert!(list.contains(r#"value="shop=u%261""#), "{list}");

        let ask = "/users/resolve?state=uncertain&only=selected&token=shop%3Du%25261&token=shop%3Du-2";
        let question = browser.page(ask).await;
        assert!(question.contains("Resolve 2 uncertain tokens?"), "{question}");
        let chosen = value(&question, "token");
        let fields =
            [("state", "uncertain"), ("only", "selected"), ("token", chosen.as_str()), ("as", "retry")];
        let wrong = browser.act(ask, "/users/resolve", &fields[..3]).await;
        assert_eq!(wrong.status, 400, "nothing was chosen");
        // A file in the spool of another process may hold the successor of one of them.
        let worker =
            Worker { id: Uuid::new_v4().into(), instance: Uuid::new_v4().into(), name: "b/2".into() };
        api.app.store.begin_worker(&worker).await.unwrap();
        let facts = ProcessFacts { spool_files: 1, ..ProcessFacts::default() };
        api.app.store.note_facts(worker.id, &facts).await.unwrap();
        assert!(browser.page(ask).await.contains("Files wait in the spool of a process"));
        assert_eq!(browser.act(ask, "/users/resolve", &fields).await.status, 409);
        api.app.store.note_facts(worker.id, &ProcessFacts::default()).await.unwrap();
        let done = browser.act(ask, "/users/resolve", &fields).await;
        assert_eq!(
            (done.status.as_u16(), done.header("location")),
            (303, "/users?changed=2&done=Resolve&state=uncertain&unchanged=0")
        );
        assert!(browser.page(done.header("location")).await.contains("2 tokens are resolved."));
        assert_eq!(api.states(users).await, [Active, Active, Uncertain, Uncertain]);
        let again = browser.act(ask, "/users/resolve", &fields).await;
        assert_eq!(again.header("location"), "/users?changed=0&done=Resolve&state=uncertain&unchanged=2");

        // A key of another merchant sees none of them.
        let limited = Browser::signed_in(api, "key-of-limited").await;
        let ask = "/users/resolve?state=uncertain";
        assert!(limited.page(ask).await.contains("Resolve 0 uncertain tokens?"));
        let fields = [("state", "uncertain"), ("as", "lost")];
        assert_eq!(limited.act(ask, "/users/resolve", &fields).await.status, 303);
        let theirs = [("state", "uncertain"), ("only", "selected"), ("token", "shop=u-3"), ("as", "lost")];
        assert_eq!(limited.act(ask, "/users/resolve", &theirs).await.status, 303);
        assert_eq!(api.states(users).await, [Active, Active, Uncertain, Uncertain]);

        assert!(browser.page(ask).await.contains("Resolve 2 uncertain tokens?"));
        assert_eq!(browser.act(ask, "/users/resolve", &fields).await.status, 303);
        assert_eq!(api.states(users).await, [Active, Active, ReauthRequired, ReauthRequired]);
        let nothing = browser.get("/users/resolve?state=uncertain&only=selected").await;
        assert!(nothing.status == 400 && nothing.text.contains("No user is selected."), "{nothing:?}");
        for wrong in ["", "?state=active", "?state=uncertain&token="] {
            let status = browser.get(&format!("/users/resolve{wrong}")).await.status;
            assert_eq!(status == 400, !wrong.ends_with("token="), "{wrong}");
        }
        timeout(SOON, api.app.audit.flush()).await.expect("not stored");
        let filter = AuditFilter {
            actor: Some("key:operator".into()),
            action: Some("token.resolve".into()),
            limit: 100,
            ..AuditFilter::default()
        };
        let rows = api.app.store.audit_rows(&filter).await.unwrap();
        let objects: Vec<_> = rows.iter().filter_map(|row| row.object.as_deref()).collect();
        assert!(objects.contains(&"2 tokens") && objects.contains(&"0 tokens"), "{objects:?}");
        let selected = rows.iter().filter(|row| row.user_hash.is_some());
        assert_eq!(selected.count(), 2, "each selected user has a row");
    })
    .await;
}

#[tokio::test]
async fn rejected_tokens_are_made_active_again() {
    on_both(async |api| {
        for user in ["u-1", "u-2"] {
            api.is_rejected(user).await;
        }
        api.has_token("u-3").await;
        let browser = Browser::signed_in(api, OPS).await;
        let list = browser.page("/users?state=reauth_required").await;
        assert!(list.contains("Resolve all that Klarna rejected and match…"), "{list}");
        let ask = "/users/resolve?state=reauth_required&only=selected&token=shop%3Du-1&token=shop%3Du-3";
        let question = browser.page(ask).await;
        let chosen = value(&question, "token");
        let base = [("state", "reauth_required"), ("only", "selected"), ("token", chosen.as_str())];
        let refused = browser.act(ask, "/users/resolve", &[&base[..], &[("as", "lost")]].concat()).await;
        assert_eq!(refused.status, 400, "only a retry makes sense");
        let done = browser.act(ask, "/users/resolve", &[&base[..], &[("as", "retry")]].concat()).await;
        assert_eq!(
            done.header("location"),
            "/users?changed=1&done=Resolve&state=reauth_required&unchanged=1"
        );
        let states = api.states(["u-1", "u-2", "u-3"]).await;
        assert_eq!(states, [TokenState::Active, TokenState::ReauthRequired, TokenState::Active]);
        let (ask, fields) =
            ("/users/resolve?state=reauth_required", [("state", "reauth_required"), ("as", "retry")]);
        assert_eq!(browser.act(ask, "/users/resolve", &fields).await.status, 303);
        assert_eq!(api.states(["u-2"]).await, [TokenState::Active]);
    })
    .await;
}

#[tokio::test]
async fn selected_webhooks_are_sent_again() {
    on_both(async |api| {
        api.has_an_endpoint().await;
        let browser = Browser::signed_in(api, OPS).await;
        for user in ["u-1", "u-2", "u-3"] {
            api.ordered("shop", user).await;
            api.settle(&failed("bad_order")).await;
        }
        let before = api.webhooks().await;
        let list = browser.page("/webhooks?status=pending").await;
        assert!(list.contains(r#"name="webhook" value=""#) && list.contains("Selected webhooks:"), "{list}");
        let ids = [before[0].id.to_string(), before[2].id.to_string()];
        let ask =
            format!("/webhooks/resend?only=selected&status=pending&webhook={}&webhook={}", ids[0], ids[1]);
        let question = browser.page(&ask).await;
        assert!(question.contains("Resend 2 webhooks?") && question.contains("2 selected."), "{question}");
        let limited = Browser::signed_in(api, "key-of-limited").await;
        assert!(limited.page(&ask).await.contains("Resend 0 webhooks?"));
        let chosen = value(&question, "webhook");
        let fields = [("only", "selected"), ("webhook", chosen.as_str()), ("status", "pending")];
        let done = browser.act(&ask, "/webhooks/resend", &fields).await;
        assert_eq!(
            (done.status.as_u16(), done.header("location")),
            (303, "/webhooks?changed=2&done=Resend&status=pending")
        );
        let after = api.webhooks().await;
        for (before, after) in before.iter().zip(&after) {
            let resent = ids.contains(&before.id.to_string());
            assert_eq!(after.due_at > before.due_at, resent, "{before:?} {after:?}");
            assert_eq!(after.status, WebhookStatus::Pending);
        }
        let nothing = browser.get("/webhooks/resend?only=selected").await;
        assert!(nothing.status == 400 && nothing.text.contains("No webhook is selected."), "{nothing:?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_paused_or_stopped_needs_attention() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        let pause = NewPause {
            merchant: Some("shop".into()),
            kind: PauseKind::Orders,
            reason: "Klarna asks for it".into(),
            paused_by: "key:operator".into(),
            lasts: None,
        };
        api.app.store.pause(&pause).await.unwrap();
        for number in 0..8 {
            api.is_rejected(&format!("u-{number}")).await;
        }
        let (merchant, provider) = ("shop".into(), Provider::new("", ""));
        api.app.store.judge_rejections(&merchant, provider, Duration::from_mins(1)).await.unwrap();
        let page = browser.page("/").await;
        let (_, strip) = page.split_once("id=\"attention\"").unwrap();
        let (strip, _) = strip.split_once("</section>").unwrap();
        assert!(strip.contains("<a href=\"/pauses\">The orders of shop are paused</a>"), "{strip}");
        assert!(strip.contains("until it is resumed: Klarna asks for it"), "{strip}");
        assert!(strip.contains(">The refresh tokens of shop are not used</a>"), "{strip}");
        let limited = Browser::signed_in(api, "key-of-limited").await;
        let page = limited.page("/").await;
        assert!(!page.contains("of shop are"), "another merchant's: {page}");
    })
    .await;
}

#[tokio::test]
async fn a_question_tells_of_possible_duplicates_and_can_leave_them_out() {
    on_both(async |api| {
        let browser = Browser::signed_in(api, OPS).await;
        let error = error("klarna_unavailable", "No.");
        let twice = Disposition::Retry {
            after: Duration::ZERO,
            error,
            possible_duplicate: true,
            token_waited: Duration::ZERO,
        };
        api.ordered("shop", "u-1").await;
        api.settle(&twice).await;
        api.settle(&failed("bad_order")).await;
        api.ordered("shop", "u-2").await;
        api.settle(&failed("bad_order")).await;
        let ask = "/orders/bulk?action=retry&status=failed";
        let question = browser.page(ask).await.replace("&amp;", "&");
        assert!(question.contains("1 of them is a possible duplicate"), "{question}");
        let without = "/orders/bulk?action=retry&duplicates=0&status=failed";
        assert!(question.contains(&format!("<a href=\"{without}\">Leave these out</a>")), "{question}");
        let question = browser.page(without).await;
        assert!(
            question.contains("Retry 1 failed order?") && question.contains("<dd>left out</dd>"),
            "{question}"
        );
        let fields = [("action", "retry"), ("duplicates", "0"), ("status", "failed")];
        let done = browser.act(without, "/orders/bulk", &fields).await;
        assert!(done.header("location").contains("changed=1&"), "{done:?}");
        assert!(browser.page("/orders?duplicates=1&status=failed").await.contains("class=\"id\""));
    })
    .await;
}
