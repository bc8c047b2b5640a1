//! Fragments of trickle ICE (RFC 8840 §9): candidates that come later, and restarts.

use super::Credentials;
use super::offer::candidate_ip;
use crate::limits::{MAX_FRAGMENT_BYTES, MAX_REMOTE_CANDIDATES};
use std::net::IpAddr;

/// Why a fragment cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FragmentError {
    /// Too long.
    #[error("the trickle fragment has {0} bytes, expected at most {MAX_FRAGMENT_BYTES}")]
    TooLong(usize),
    /// Neither candidates nor credentials.
    #[error("the trickle fragment says nothing: expected `a=ice-ufrag` with `a=ice-pwd`, or `a=candidate`")]
    Empty,
    /// Credentials that RFC 8839 does not allow.
    #[error("the trickle fragment's ICE credentials are incomplete, or too short or long")]
    BadCredentials,
}

/// A body of `application/trickle-ice-sdpfrag`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    pub(crate) credentials: Option<Credentials>,
    /// `candidate:…`, as they stand.
    pub(crate) candidates: Vec<String>,
}

impl Fragment {
    /// One candidate that came alone, as `candidate:…`.
    #[must_use]
    pub fn of_candidate(candidate: &str) -> Self {
        Self { credentials: None, candidates: vec![candidate.to_owned()] }
    }

    /// Whether it says nothing any longer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.credentials.is_none() && self.candidates.is_empty()
    }

    /// As [`crate::Offer::retain_candidates`].
    pub fn retain_candidates(&mut self, admit: impl Fn(IpAddr) -> bool) {
        self.candidates.retain(|candidate| candidate_ip(candidate).is_some_and(&admit));
    }

    /// Reads a fragment.
    ///
    /// # Errors
    /// If it is too long or says nothing.
    pub fn parse(text: &str) -> Result<Self, FragmentError> {
        if text.len() > MAX_FRAGMENT_BYTES {
            return Err(FragmentError::TooLong(text.len()));
        }
        let (mut ufrag, mut password, mut ended) = (None, None, false);
        let mut candidates = Vec::new();
        for line in text.lines().map(str::trim_end) {
            if let Some(value) = line.strip_prefix("a=ice-ufrag:") {
                ufrag = Some(value);
            } else if let Some(value) = line.strip_prefix("a=ice-pwd:") {
                password = Some(value);
            } else if let Some(value) =
                line.strip_prefix("a=").filter(|value| value.starts_with("candidate:"))
            {
                if candidates.len() < MAX_REMOTE_CANDIDATES {
                    candidates.push(value.to_owned());
                }
            } else if line == "a=end-of-candidates" {
                ended = true;
            }
        }
        let credentials = match (ufrag, password) {
            (None, None) => None,
            (Some(ufrag), Some(password)) => {
                Some(Credentials::checked(ufrag, password).ok_or(FragmentError::BadCredentials)?)
            }
            (Some(_), None) | (None, Some(_)) => return Err(FragmentError::BadCredentials),
        };
        if credentials.is_none() && candidates.is_empty() && !ended {
            return Err(FragmentError::Empty);
        }
        Ok(Self { credentials, candidates })
    }
}
