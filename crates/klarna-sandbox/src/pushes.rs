//! Pushes: after a purchase, Klarna posts to `merchant_urls.push` until the merchant acknowledges
//! the order in order management. About two minutes after the purchase for the first time, then
//! after 5, 15, 30 and 60 minutes (and every four hours, which is left out here).

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;

use crate::Shared;
use crate::stats::What;

/// When the pushes are sent after the purchase, in halves of `Behaviour::push_after`.
const SCHEDULE: [u32; 5] = [2, 5, 15, 30, 60];

/// How long a push may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Begins the pushes of an order that order management has since just now.
pub(super) fn begin(shared: &Arc<Shared>, id: &str, url: String) {
    // Whoever pays outside of a runtime gets no pushes.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let (shared, id) = (Arc::clone(shared), id.to_owned());
    runtime.spawn(async move {
        tokio::select! {
            () = repeat(&shared, &id, &url) => {}
            () = shared.stopped() => {}
        }
    });
}

async fn repeat(shared: &Shared, id: &str, url: &str) {
    let paid = tokio::time::Instant::now();
    for halves in SCHEDULE {
        let after = shared.behaviour().push_after.saturating_mul(halves) / 2;
        tokio::time::sleep_until(paid + after).await;
        if shared.world().managed.get(id).is_none_or(|order| order.acknowledged) {
            return;
        }
        let status = send(url).await;
        let what = What::Pushed { klarna_id: id.to_owned(), status };
        shared.world().recorder.event(shared.now(), None, what);
    }
}

/// Sends a push. Returns the status of the answer; `None` if there was none.
async fn send(url: &str) -> Option<u16> {
    let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).timeout(TIMEOUT);
    let answer = client.build().ok()?.post(url).send().await.ok()?;
    Some(answer.status().as_u16())
}
