//! Addresses of pages.

use url::form_urlencoded;

/// Returns a path with a query.
pub(super) fn link(path: &str, query: &[(&str, &str)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish())
}

/// Returns the link to a user's page. The name is in the query, because in a path a browser would
/// take a user named `..` for the folder above.
pub(super) fn user_link(merchant: impl AsRef<str>, user: impl AsRef<str>) -> String {
    link("/user", &[("merchant", merchant.as_ref()), ("user", user.as_ref())])
}
