//! ICE (RFC 8445) and DTLS (RFC 6347) of one peer: from candidates to a path and SRTP keys.
//!
//! The only module that knows the crates `is` (ICE) and `dimpl` (DTLS). DTLS is taken only from addresses that ICE has
//! validated; what comes a moment earlier waits for the validation. The certificate is checked against the offer's
//! fingerprints before any key is handed out.

use crate::certificate::Certificate;
use crate::limits::{
    ICE_CHECK_INTERVAL, MAX_CANDIDATE_PAIRS, MAX_EARLY_DTLS, MAX_REMOTE_ADDRESSES, MAX_REMOTE_CANDIDATES,
};
use crate::sdp::{Credentials, Fingerprint, Hash};
use crate::srtp::{Profile, Role, SessionKeys};
use crate::transport::{Path, Transmit, Transport};
use aws_lc_rs::{constant_time::verify_slices_are_equal, digest, hmac, rand};
use dimpl::{CertificateError, Dtls, Output as DtlsOutput, SrtpProfile};
use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, IceCreds, Protocol, Sha1HmacProvider};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

/// Longest DTLS record we make; grown if `dimpl` asks for more.
const RECORD_BYTES: usize = 2048;

/// What became of the connection.
#[derive(Debug)]
pub(crate) enum Event {
    /// ICE chose a path, or another one.
    Path(Path),
    /// An authentic STUN message came from an address for the first time.
    Address(Transport, SocketAddr),
    /// DTLS is done and the peer is who the offer said.
    Keys(SessionKeys),
    /// The peer said goodbye.
    PeerClosed,
    /// DTLS failed, in words.
    Failed(String),
}

/// ICE and DTLS of one peer.
pub(crate) struct Connection {
    agent: IceAgent,
    dtls: Dtls,
    dtls_timeout: Option<Instant>,
    role: Role,
    fingerprints: Vec<Fingerprint>,
    verified: bool,
    path: Option<Path>,
    /// Where DTLS came from, for answers while ICE has not chosen yet.
    heard_on: Option<Path>,
    addresses: Vec<(Transport, SocketAddr)>,
    local: Vec<(Transport, SocketAddr)>,
    remote_candidates: usize,
    early: Vec<(Path, Vec<u8>)>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
}

impl Connection {
    pub(crate) fn new(
        now: Instant,
        certificate: &Certificate,
        local: &Credentials,
        remote: &Credentials,
        fingerprints: &[Fingerprint],
        role: Role,
        controlling: bool,
    ) -> Self {
        let mut agent = IceAgent::with_hmac(creds(local), &AwsLcHmac);
        agent.set_controlling(controlling);
        agent.set_max_candidate_pairs(MAX_CANDIDATE_PAIRS);
        agent.set_max_stun_rto(ICE_CHECK_INTERVAL);
        agent.set_remote_credentials(creds(remote));
        let mut dtls = Dtls::new_12(certificate.config.clone(), certificate.certificate.clone(), now);
        dtls.set_active(role == Role::Client);
        agent.handle_timeout(now);
        Self {
            agent,
            dtls,
            dtls_timeout: None,
            role,
            fingerprints: fingerprints.to_vec(),
            verified: false,
            path: None,
            heard_on: None,
            addresses: Vec::new(),
            local: Vec::new(),
            remote_candidates: 0,
            early: Vec::new(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Adds an address of ours that a peer can send to.
    pub(crate) fn add_local(&mut self, transport: Transport, address: SocketAddr) {
        if self.local.contains(&(transport, address)) {
            return;
        }
        let built = match transport {
            Transport::Udp => Candidate::builder().udp().host(address).build(),
            Transport::Tcp => Candidate::builder().tcp().host(address).build(),
        };
        if let Ok(candidate) = built
            && self.agent.add_local_candidate(candidate).is_some()
        {
            self.local.push((transport, address));
        }
    }

    /// Adds a candidate of the peer (`candidate:…`). Those that cannot be reached from here are passed over: names of
    /// mDNS (the peer's own checks make them known), and TCP, where we only wait for connections.
    pub(crate) fn add_remote(&mut self, candidate: &str) {
        if self.remote_candidates >= MAX_REMOTE_CANDIDATES {
            return;
        }
        if let Ok(candidate) = Candidate::from_sdp_string(candidate)
            && candidate.proto() == Protocol::Udp
        {
            self.remote_candidates += 1;
            self.agent.add_remote_candidate(candidate);
        }
    }

    /// Begins ICE anew (RFC 8445 §9): the old path is used until there is a new one, DTLS goes on.
    pub(crate) fn restart_ice(&mut self, now: Instant, local: &Credentials, remote: &Credentials) {
        self.agent.ice_restart(creds(local), true);
        self.agent.set_remote_credentials(creds(remote));
        self.addresses.clear();
        self.remote_candidates = 0;
        self.drive(now);
    }

    /// Where media goes.
    pub(crate) const fn path(&self) -> Option<Path> {
        self.path
    }

    /// Whether ICE has validated that the peer is at `address`.
    pub(crate) fn is_validated(&self, address: SocketAddr) -> bool {
        self.path.is_some_and(|path| path.remote == address)
            || self.agent.has_viable_remote_candidate(address)
    }

    /// The round trip on the path, as ICE's checks measure it.
    pub(crate) fn round_trip(&self) -> Option<std::time::Duration> {
        self.agent.nominated_pair_rtt()
    }

    /// Takes a STUN message; true if it was authentic.
    pub(crate) fn handle_stun(&mut self, now: Instant, path: Path, bytes: &[u8]) -> bool {
        let Path { transport, local, remote: source } = path;
        let Ok(message) = StunMessage::parse(bytes) else { return false };
        if !self.agent.accepts_message(&message) {
            return false;
        }
        if !self.addresses.contains(&(transport, source)) {
            if self.addresses.len() >= MAX_REMOTE_ADDRESSES {
                return false;
            }
            self.addresses.push((transport, source));
            self.events.push_back(Event::Address(transport, source));
        }
        // An address of this machine that was not among the candidates, for instance behind a port mapping.
        self.add_local(transport, local);
        let proto = match transport {
            Transport::Udp => Protocol::Udp,
            Transport::Tcp => Protocol::Tcp,
        };
        let packet = StunPacket { proto, source, destination: local, message };
        let taken = self.agent.handle_packet(now, packet);
        self.drive(now);
        taken
    }

    /// Takes a DTLS datagram; true if it came from an address that ICE has validated.
    pub(crate) fn handle_dtls(&mut self, now: Instant, path: Path, bytes: &[u8]) -> bool {
        if self.is_validated(path.remote) {
            self.receive_dtls(now, path, bytes);
            return true;
        }
        let known = self.addresses.contains(&(path.transport, path.remote));
        if known && self.early.len() < MAX_EARLY_DTLS {
            self.early.push((path, bytes.to_vec()));
        }
        false
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.dtls_timeout.is_some_and(|at| at <= now) {
            let result = self.dtls.handle_timeout(now);
            self.after_dtls(now, result);
        }
        self.drive(now);
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, now: Instant) {
        let result = self.dtls.close();
        self.after_dtls(now, result);
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`Connection::handle_timeout`].
    pub(crate) fn next_timeout(&mut self) -> Option<Instant> {
        match (self.agent.poll_timeout(), self.dtls_timeout) {
            (Some(ice), Some(dtls)) => Some(ice.min(dtls)),
            (ice, dtls) => ice.or(dtls),
        }
    }

    /// Lets ICE do what is due and takes its results.
    fn drive(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
        while let Some(transmit) = self.agent.poll_transmit() {
            let transport = match transmit.proto {
                Protocol::Udp => Transport::Udp,
                Protocol::Tcp | Protocol::SslTcp | Protocol::Tls => Transport::Tcp,
            };
            self.transmits.push_back(Transmit {
                path: Path { transport, local: transmit.source, remote: transmit.destination },
                bytes: transmit.contents.into(),
            });
        }
        while let Some(event) = self.agent.poll_event() {
            if let IceAgentEvent::NominatedSend { proto, source, destination } = event {
                let transport = if proto == Protocol::Udp { Transport::Udp } else { Transport::Tcp };
                let path = Path { transport, local: source, remote: destination };
                let first = self.path.is_none();
                self.path = Some(path);
                self.events.push_back(Event::Path(path));
                if first && self.role == Role::Client {
                    let result = self.dtls.handle_timeout(now);
                    self.after_dtls(now, result);
                }
            }
        }
        self.take_early(now);
    }

    fn take_early(&mut self, now: Instant) {
        if self.early.is_empty() {
            return;
        }
        let early = std::mem::take(&mut self.early);
        for (path, bytes) in early {
            if self.is_validated(path.remote) {
                self.receive_dtls(now, path, &bytes);
            } else {
                self.early.push((path, bytes));
            }
        }
    }

    fn receive_dtls(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        self.heard_on = Some(path);
        let result = self.dtls.handle_timeout(now).and_then(|()| self.dtls.handle_packet(bytes));
        self.after_dtls(now, result);
    }

    fn after_dtls(&mut self, now: Instant, result: Result<(), dimpl::Error>) {
        if let Err(error) = result {
            self.dtls_timeout = None;
            self.events.push_back(Event::Failed(told(&error)));
            return;
        }
        let mut buffer = vec![0; RECORD_BYTES];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                DtlsOutput::Packet(record) => {
                    if let Some(path) = self.path.or(self.heard_on) {
                        self.transmits.push_back(Transmit { path, bytes: record.to_vec() });
                    }
                }
                DtlsOutput::BufferTooSmall { needed } => buffer.resize(needed, 0),
                DtlsOutput::Timeout(at) => {
                    self.dtls_timeout = Some(at).filter(|at| *at > now || !self.verified);
                    break;
                }
                DtlsOutput::PeerCert(certificate) => {
                    self.verified = is_expected(&self.fingerprints, certificate);
                    if !self.verified {
                        let text = "the DTLS certificate is not the one of the offer's fingerprint";
                        self.events.push_back(Event::Failed(text.to_owned()));
                    }
                }
                DtlsOutput::KeyingMaterial(material, profile) => {
                    let event = keys(&material, profile, self.role).filter(|_| self.verified);
                    self.events.extend(event);
                }
                DtlsOutput::CloseNotify => self.events.push_back(Event::PeerClosed),
                // There are no data channels.
                DtlsOutput::Connected | DtlsOutput::ApplicationData(_) => {}
                _ => {}
            }
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("path", &self.path)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Why DTLS has failed, in words.
fn told(error: &dimpl::Error) -> String {
    // A client with another certificate sends none where an elliptic curve is asked for (RFC 5246 §7.4.6).
    if *error == dimpl::Error::CertificateError(CertificateError::NoClientCertificateReceived) {
        return "DTLS failed: it sent no certificate, expected one on an elliptic curve; GStreamer before 1.28 has RSA only"
            .to_owned();
    }
    format!("DTLS failed: {error}")
}

fn keys(material: &[u8], profile: SrtpProfile, role: Role) -> Option<Event> {
    let profile = match profile {
        SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
        SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
        SrtpProfile::AES128_CM_SHA1_80 => Profile::Aes128CmHmacSha1,
        _ => return None,
    };
    SessionKeys::from_dtls(profile, role, material).map(Event::Keys)
}

/// Whether the certificate has one of the fingerprints (RFC 8122 §6.2: any of those whose hash we take).
fn is_expected(fingerprints: &[Fingerprint], certificate: &[u8]) -> bool {
    fingerprints.iter().any(|fingerprint| {
        let algorithm = match fingerprint.hash {
            Hash::Sha256 => &digest::SHA256,
            Hash::Sha384 => &digest::SHA384,
            Hash::Sha512 => &digest::SHA512,
        };
        let hash = digest::digest(algorithm, certificate);
        verify_slices_are_equal(hash.as_ref(), &fingerprint.value).is_ok()
    })
}

fn creds(credentials: &Credentials) -> IceCreds {
    IceCreds { ufrag: credentials.ufrag.clone(), pass: credentials.password.clone() }
}

impl Credentials {
    /// Fresh credentials: 96 bits of ufrag, by which peers are told apart, and 144 bits of password (RFC 8445 §5.3 asks
    /// for 24 and 128).
    pub(crate) fn random() -> Self {
        Self { ufrag: random_text(16), password: random_text(24) }
    }
}

/// `length` characters of the 64 that ICE allows, from the cryptography library.
pub(crate) fn random_text(length: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = vec![0; length];
    fill_random(&mut bytes);
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect()
}

/// Random bytes.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    rand::fill(bytes).expect("the cryptography library always has random bytes");
}

/// STUN's MESSAGE-INTEGRITY (RFC 5389 §15.4).
#[derive(Debug)]
struct AwsLcHmac;

impl Sha1HmacProvider for AwsLcHmac {
    fn sha1_hmac(&self, key: &[u8], payloads: &[&[u8]]) -> [u8; 20] {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
        let mut context = hmac::Context::with_key(&key);
        for payload in payloads {
            context.update(payload);
        }
        let mut out = [0; 20];
        for (to, from) in out.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        out
    }
}
