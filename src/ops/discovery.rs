//! Compares the addresses in force with those that the provider's OpenID documents list. Nothing is
//! ever changed because of a difference: an address decides who gets the tokens.

use futures::future::join_all;
use url::Url;

use crate::config::Merchant;
use crate::klarna::discovery::{DiscoveryClient, OpenIdDocument};

/// The settings that are compared.
pub const COMPARED: [&str; 4] = ["token_url", "jwks_url", "revoke_url", "issuer"];

/// The most characters that are shown of what a document lists.
const SHOWN: usize = 200;

/// An address in force that no document lists, although one lists another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The setting, of [`COMPARED`].
    pub setting: &'static str,
    /// What is in force, without a query, which may have a secret.
    pub in_force: String,
    /// What the documents list.
    pub listed: String,
}

/// Reads the documents of a merchant's issuers, and compares.
///
/// # Errors
/// No document can be read, or one that may list the addresses in force cannot; the text says why.
pub async fn compare(client: &DiscoveryClient, merchant: &Merchant) -> Result<Vec<Difference>, String> {
    let issuers = merchant.issuer_urls();
    let read = issuers.iter().map(|issuer| client.read(issuer, merchant.http_proxy.as_ref()));
    let (mut documents, mut unread) = (Vec::new(), None);
    for read in join_all(read).await {
        match read {
            Ok(document) => documents.extend(document),
            Err(error) => unread = Some(error),
        }
    }
    compared(merchant, &documents, unread)
}

/// `unread` says why a document could not be read. It may list what the others do not.
fn compared(
    merchant: &Merchant,
    documents: &[OpenIdDocument],
    unread: Option<String>,
) -> Result<Vec<Difference>, String> {
    if documents.is_empty() {
        return Err(unread.unwrap_or_else(|| "no issuer has a document (HTTP 404)".to_owned()));
    }
    match (differences(merchant, documents), unread) {
        (differences, Some(why)) if !differences.is_empty() => Err(why),
        (differences, _) => Ok(differences),
    }
}

fn differences(merchant: &Merchant, documents: &[OpenIdDocument]) -> Vec<Difference> {
    let listed = |url: fn(&OpenIdDocument) -> Option<&Url>| -> Vec<String> {
        documents.iter().filter_map(url).map(plain).collect()
    };
    let issuers = documents.iter().filter_map(|document| document.issuer.clone()).collect();
    let revoke: Vec<String> = merchant.revoke_url.as_deref().map(plain).into_iter().collect();
    let [token_url, jwks_url, revoke_url, issuer] = COMPARED;
    let found = [
        difference(token_url, &[plain(&merchant.token_url)], listed(|document| document.token.as_ref())),
        difference(jwks_url, &[plain(&merchant.jwks_url)], listed(|document| document.jwks.as_ref())),
        difference(revoke_url, &revoke, listed(|document| document.revoke.as_ref())),
        difference(issuer, &merchant.issuers, issuers),
    ];
    found.into_iter().flatten().collect()
}

/// Returns a difference if something is in force and something is listed, and they have nothing in
/// common.
fn difference(setting: &'static str, in_force: &[String], mut listed: Vec<String>) -> Option<Difference> {
    listed.sort_unstable();
    listed.dedup();
    let is_listed = in_force.iter().any(|address| listed.contains(address));
    if is_listed || in_force.is_empty() || listed.is_empty() {
        return None;
    }
    let listed = listed.join(", ").chars().take(SHOWN).collect();
    Some(Difference { setting, in_force: in_force.join(", "), listed })
}

/// Returns an address without its query and fragment.
fn plain(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn merchant(more: &str) -> std::sync::Arc<Merchant> {
        let text = format!(
            "installation = \"test\"\n[merchants.shop]\nregion = \"eu\"\nenvironment = \"production\"\n\
             client_id = \"client\"\napi_key = \"key\"\ncheckout_provider = \"kustom\"\n{more}\n"
        );
        Settings::parse("test", &text, std::iter::empty()).unwrap().merchants["shop"].clone()
    }

    fn document(base: &str) -> OpenIdDocument {
        let url = |path: &str| Url::parse(&format!("{base}{path}")).ok();
        OpenIdDocument {
            issuer: Some(base.to_owned()),
            token: url("/oauth2/token"),
            jwks: url("/.well-known/jwks.json"),
            revoke: url("/oauth2/revoke"),
        }
    }

    const NEW: &str = "https://login.klarna.com";
    const PRINTED: &str = "https://login.klarna.com/eu/lp/idp";

    fn settings(differences: &[Difference]) -> Vec<&str> {
        differences.iter().map(|difference| difference.setting).collect()
    }

    #[test]
    fn addresses_that_no_document_lists_are_told() {
        let (printed, new) = (document(PRINTED), document(NEW));
        assert_eq!(differences(&merchant(""), std::slice::from_ref(&printed)), []);
        // One document that lists them is enough.
        assert_eq!(differences(&merchant(""), &[new.clone(), printed.clone()]), []);
        let told = differences(&merchant(""), std::slice::from_ref(&new));
        assert_eq!(settings(&told), ["token_url", "jwks_url", "revoke_url"]);
        assert_eq!(told[0].in_force, format!("{PRINTED}/oauth2/token"));
        assert_eq!(told[0].listed, format!("{NEW}/oauth2/token"));
        let ours = merchant(&format!(
            "token_url = \"{NEW}/oauth2/token\"\njwks_url = \"{NEW}/.well-known/jwks.json\""
        ));
        assert_eq!(differences(&ours, &[new]), []);
        assert_eq!(
            settings(&differences(&merchant("issuer = \"https://other.example\""), &[printed])),
            ["issuer"]
        );
    }

    #[test]
    fn a_document_that_could_not_be_read_is_no_difference() {
        let compared = |documents: &[OpenIdDocument], unread: Option<&str>| {
            compared(&merchant(""), documents, unread.map(str::to_owned))
        };
        let (printed, new) = ([document(PRINTED)], [document(NEW)]);
        assert_eq!(compared(&new, Some("HTTP 503")), Err("HTTP 503".to_owned()));
        assert_eq!(compared(&printed, Some("HTTP 503")), Ok(Vec::new()), "the other one lists them all");
        assert_eq!(settings(&compared(&new, None).unwrap()), ["token_url", "jwks_url", "revoke_url"]);
        assert_eq!(compared(&[], Some("HTTP 503")), Err("HTTP 503".to_owned()));
        assert!(compared(&[], None).unwrap_err().contains("404"));
    }

    #[test]
    fn what_a_document_does_not_list_is_no_difference() {
        let mut some = document(NEW);
        (some.jwks, some.revoke) = (None, None);
        assert_eq!(settings(&differences(&merchant(""), &[some])), ["token_url"]);
        let unknown =
            merchant("token_url = \"https://login.example/exchange\"\nissuer = \"https://login.klarna.com\"");
        assert_eq!(unknown.revoke_url, None);
        assert_eq!(settings(&differences(&unknown, &[document(NEW)])), ["token_url", "jwks_url"]);
    }

    #[test]
    fn queries_are_neither_compared_nor_shown() {
        let ours = merchant(&format!("token_url = \"{PRINTED}/oauth2/token?key=s3cret\""));
        assert_eq!(differences(&ours, &[document(PRINTED)]), []);
        let told = differences(&ours, &[document(&format!("https://{}.example", "x".repeat(300)))]);
        assert!(!format!("{told:?}").contains("s3cret") && told[0].listed.len() == SHOWN, "{told:?}");
    }
}
