use super::{Offer, OfferError};

const CHROMIUM: &str = include_str!("../../testdata/chromium-156-offer.sdp");

/// What is said to a viewer's offer that was changed so.
fn said(changed: impl Fn(&str) -> String) -> String {
    Offer::parse(&changed(CHROMIUM)).expect_err("the offer is damaged").to_string()
}

#[test]
fn an_offer_without_what_is_needed_is_told_what_that_is() {
    assert!(Offer::parse(CHROMIUM).is_ok());
    assert!(said(|_| "hello".to_owned()).contains("expected a first line `v=0`"));
    assert!(said(|offer| offer.split("m=").next().unwrap_or_default().to_owned()).contains("no media"));
    assert!(said(|offer| offer.replace("a=ice-pwd", "a=x")).contains("a=ice-pwd"));
    assert!(said(|offer| offer.replace("a=fingerprint", "a=x")).contains("a=fingerprint"));
    assert!(said(|offer| offer.replace("a=fingerprint:sha-256", "a=fingerprint:sha-1")).contains("SHA-256"));
    assert!(said(|offer| offer.replace("a=recvonly", "a=sendonly")).contains("asks for nothing"));
    assert!(said(|offer| format!("{offer}{}", " ".repeat(1 << 20))).contains("bytes"));
}

#[test]
fn media_have_names_of_their_own() {
    let repeated = CHROMIUM.replace("a=mid:1", "a=mid:0");
    assert_eq!(Offer::parse(&repeated).err(), Some(OfferError::SameMid("0".to_owned())));
    // One without a name is called by its place: here the second one is, and the first has that name already.
    let taken = CHROMIUM.replace("a=mid:1\r\n", "").replace("a=mid:0", "a=mid:1");
    assert_eq!(Offer::parse(&taken).err(), Some(OfferError::SameMid("1".to_owned())));
}
