//! The id of the request that a task answers.

use axum::http::HeaderValue;

tokio::task_local! {
    /// The id of the request that the current task answers.
    pub(crate) static CURRENT: HeaderValue;
}

/// Returns the id of the current request.
pub(crate) fn current_id() -> Option<String> {
    CURRENT.try_with(|id| id.to_str().unwrap_or_default().to_owned()).ok()
}
