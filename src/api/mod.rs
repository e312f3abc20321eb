//! The HTTP API. (Its routes come with the branch that builds them.)

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{ApiKey, Merchant};
use crate::delivery::Waiters;
use crate::intake::Intake;
use crate::store::Store;
use crate::vault::Registry;

pub struct Rooms {
    pub intake: Intake,
    pub registry: Registry,
    pub waiters: Waiters,
    pub store: Arc<dyn Store>,
    pub merchants: Arc<BTreeMap<String, Arc<Merchant>>>,
    pub api_keys: Vec<ApiKey>,
    pub ready: Readiness,
}
#[derive(Clone, Default)]
pub struct Readiness;
impl Readiness {
    pub fn set_ready(&self, _: bool) {}
}
pub fn router(_rooms: Rooms) -> axum::Router {
    axum::Router::new()
}
pub async fn serve(
    _l: tokio::net::TcpListener,
    _r: axum::Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
    _drain: Duration,
) -> std::io::Result<()> {
    shutdown.await;
    Ok(())
}
