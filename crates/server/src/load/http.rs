//! HTTP as a viewer has it: the client of HTTP sources, with errors that are sentences.

use crate::http::{Client, Source};
use crate::policy::Route;
use crate::streams::DialError;
use url::Url;

/// A client of its own for one viewer of `url`, and the address without user name and password.
///
/// # Errors
/// A sentence, if the URL has parameters that mean nothing.
pub(super) fn client(url: &Url) -> Result<(Client, Url), String> {
    let source = Source::parse(url.as_str()).map_err(|error| error.to_string())?;
    let url = source.url().clone();
    Ok((Client::new(source, Route::of_owner()), url))
}

/// What a viewer fails with.
pub(super) fn sentence(error: DialError) -> String {
    error.text
}

/// Why an answer ended before its end.
pub(super) fn broken(error: hyper::Error) -> String {
    format!("the answer broke off: {error}")
}

/// A URL without its password.
pub(super) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() {
        let _ = shown.set_password(Some("***"));
    }
    shown.to_string()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_password_is_not_shown() {
        let url = "http://user:secret@host:8889/cam/whep?x=1".parse().expect("a URL");
        assert_eq!(shown(&url), "http://user:***@host:8889/cam/whep?x=1");
    }
}
