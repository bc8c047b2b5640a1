//! Who may call.
//!
//! Safe by default: where no account is configured, only callers from this machine and from private networks are let in.
//! With an account, everybody who knows it is. This module decides by addresses and accounts; what HTTP adds (Host and
//! Origin) is in `api::guard`.

use crate::config::{AccessRule, Account};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use std::net::{IpAddr, SocketAddr};

/// Who may call where no account is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    rule: AccessRule,
}

/// Why a caller was refused: a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{caller} is not in a private network, and this server asks for no account. To let such callers in, set a username and \
     a password in the sections api and rtsp of the configuration, or name their network in `access`"
)]
pub(crate) struct Refusal {
    caller: IpAddr,
}

impl Access {
    pub(crate) fn new(rule: AccessRule) -> Self {
        Self { rule }
    }

    /// Whether everybody may call: dangerous, and said at every start.
    pub(crate) fn is_open(&self) -> bool {
        self.rule.open
    }

    /// Whether a caller may call without an account.
    ///
    /// # Errors
    /// If it is neither from this machine nor from a private or configured network, and access is not open.
    pub(crate) fn permits(&self, peer: SocketAddr) -> Result<(), Refusal> {
        let caller = peer.ip().to_canonical();
        let configured = self.rule.networks.iter().any(|network| network.contains(&caller));
        if self.rule.open || is_private(caller) || configured { Ok(()) } else { Err(Refusal { caller }) }
    }
}

/// Loopback, RFC 1918, RFC 4193 and link-local addresses. `address` is canonical: not IPv4 mapped into IPv6.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

impl Account {
    /// Whether these are its user name and password, in a time that tells nothing about either.
    pub(crate) fn is(&self, username: &str, password: &str) -> bool {
        let same = |a: &str, b: &str| {
            // Digests have one length, whatever the texts have.
            let (a, b) = (digest(&SHA256, a.as_bytes()), digest(&SHA256, b.as_bytes()));
            verify_slices_are_equal(a.as_ref(), b.as_ref()).is_ok()
        };
        same(&self.username, username) & same(&self.password, password)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &AccessRule, caller: &str, permitted: bool) {
        let access = Access::new(rule.clone());
        let caller = SocketAddr::new(caller.parse().expect("an address"), 50_000);
        assert_eq!(access.permits(caller).is_ok(), permitted, "{caller}");
    }

    #[test]
    fn private_callers_are_let_in_and_others_are_not() {
        let rule = AccessRule::default();
        for caller in [
            "127.0.0.1",
            "127.8.9.1",
            "::1",
            "10.255.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.9",
            "169.254.7.7",
            "fe80::1",
            "fd00::1",
            "fc00::1",
            "::ffff:192.168.1.2",
            "::ffff:127.0.0.1",
        ] {
            check(&rule, caller, true);
        }
        for caller in [
            "8.8.8.8",
            "172.15.255.255",
            "172.32.0.1",
            "192.169.0.1",
            "100.64.0.1",
            "169.255.0.1",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "2001:db8::1",
            "fec0::1",
            "ff02::1",
            "::ffff:8.8.8.8",
            "::ffff:0:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::1",
        ] {
            check(&rule, caller, false);
        }
    }

    #[test]
    fn configured_networks_and_open_access_let_others_in() {
        let rule = AccessRule { open: false, networks: vec!["100.64.0.0/10".parse().expect("a network")] };
        check(&rule, "100.100.1.1", true);
        check(&rule, "::ffff:100.100.1.1", true);
        check(&rule, "8.8.8.8", false);
        check(&AccessRule { open: true, networks: Vec::new() }, "8.8.8.8", true);
    }

    #[test]
    fn an_account_is_its_name_and_its_password() {
        let account = Account { username: "u".to_owned(), password: "p".to_owned() };
        assert!(account.is("u", "p"));
        for (username, password) in [("u", "P"), ("U", "p"), ("", ""), ("up", ""), ("u", "pp")] {
            assert!(!account.is(username, password));
        }
    }
}
