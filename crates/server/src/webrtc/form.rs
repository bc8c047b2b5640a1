//! How an offer comes over HTTP, and its answer goes: as WHEP and WHIP have it, or as go2rtc's clients do.

use super::api::{FRAGMENT_TYPE, Failure, SDP_TYPE};
use super::begin::Begun;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// How the offer came, and so the answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `application/sdp`: WHEP and WHIP.
    Http,
    /// `{"type":"offer","sdp":…}`
    Json,
    /// `data=<base64>` (RTSPtoWebRTC).
    Base64,
    /// The bare text.
    Text,
}

#[derive(Deserialize)]
struct JsonOffer {
    sdp: String,
}

#[derive(Serialize)]
struct JsonAnswer<'a> {
    r#type: &'static str,
    sdp: &'a str,
}

impl Form {
    /// The form and the offer's text.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<(Self, String), Failure> {
        let content_type =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let content_type = content_type.split(';').next().unwrap_or_default().trim();
        let text = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec()).map_err(|_| Failure::BadBody("it is not UTF-8".to_owned()))
        };
        match content_type {
            SDP_TYPE => Ok((Self::Http, text(body)?)),
            "application/json" => {
                let offer: JsonOffer = serde_json::from_slice(body).map_err(|error| {
                    Failure::BadBody(format!("expected JSON {{\"type\":\"offer\",\"sdp\":…}}: {error}"))
                })?;
                Ok((Self::Json, offer.sdp))
            }
            "application/x-www-form-urlencoded" => {
                let data = url::form_urlencoded::parse(body).find(|(key, _)| key == "data");
                let (_, data) =
                    data.ok_or_else(|| Failure::BadBody("expected a form with `data`".to_owned()))?;
                let sdp = STANDARD
                    .decode(data.trim())
                    .map_err(|error| Failure::BadBody(format!("`data` is not base64: {error}")))?;
                Ok((Self::Base64, text(&sdp)?))
            }
            _ => Ok((Self::Text, text(body)?)),
        }
    }

    /// The answer to the offer that came so.
    pub(super) fn answer(self, begun: &Begun, location: String) -> Response {
        let sdp = &begun.answer;
        match self {
            Self::Http => {
                let mut response = (StatusCode::CREATED, sdp.clone()).into_response();
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP_TYPE));
                headers.insert("Accept-Patch", HeaderValue::from_static(FRAGMENT_TYPE));
                for (name, value) in [(header::LOCATION, location), (header::ETAG, etag(&begun.ufrag))] {
                    if let Ok(value) = HeaderValue::from_str(&value) {
                        headers.insert(name, value);
                    }
                }
                response
            }
            Self::Json => axum::Json(JsonAnswer { r#type: "answer", sdp }).into_response(),
            Self::Base64 => STANDARD.encode(sdp).into_response(),
            Self::Text => sdp.clone().into_response(),
        }
    }
}

/// Names the ICE session (RFC 9725 §4.3.1): its ufrag, which the answer tells anyway.
pub(super) fn etag(ufrag: &str) -> String {
    format!("\"{ufrag}\"")
}
