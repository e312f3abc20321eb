//! Addresses of pages.

use url::form_urlencoded;

/// A path with a query.
pub(super) fn link(path: &str, query: &[(&str, &str)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish())
}

/// Where a user's page is. In a query: in a path a browser would take a user named `..` for the folder above.
pub(super) fn user_link(merchant: &str, user: &str) -> String {
    link("/user", &[("merchant", merchant), ("user", user)])
}
