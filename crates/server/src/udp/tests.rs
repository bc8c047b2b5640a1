//! Addresses, and what datagrams hold.

use super::*;
use std::net::SocketAddr;
use yeoul_rtp::Header;
use yeoul_testkit::epoch;

#[test]
fn an_address_is_taken_apart() {
    let source = Source::parse("udp://@239.0.0.1:1234#interface=127.0.0.1#from=127.0.0.1#timeout=5").unwrap();
    assert_eq!(source.listen.to_string(), "239.0.0.1:1234");
    assert_eq!(
        (source.interface, source.from),
        (Some(Ipv4Addr::LOCALHOST), Some(Ipv4Addr::LOCALHOST.into()))
    );
    assert_eq!(source.timeout, Duration::from_secs(5));
    for (text, ip) in [("udp://:1234", None), ("udp://[::1]:1234/", Some("::1".parse().unwrap()))] {
        assert_eq!(Source::parse(text).unwrap().listen.ip, ip, "{text}");
    }
}

#[test]
fn what_is_no_address_is_refused_in_words() {
    let address = SourceError::Address.to_string();
    let check = |text: &str, expected: &str| {
        assert_eq!(Source::parse(text).unwrap_err().to_string(), expected, "{text}");
    };
    for text in ["udp://", "udp://host:1234", "udp://127.0.0.1", "udp://:0", "udp:1234"] {
        check(text, &address);
    }
    check("udp://:1#timeout=0", "#timeout=0: expected 1 to 3600 seconds");
    check("udp://:1#from=cam", "#from=cam: expected the address of the sender such as 192.168.1.9");
    check("udp://:1#x=1", "#x means nothing to a UDP source; known are from, interface and timeout");
}

#[tokio::test]
async fn a_port_in_use_and_an_address_of_another_machine_are_told() {
    let first = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = first.local_addr().unwrap().port();
    let text = |address: String| Source::parse(&address).unwrap().bind().unwrap_err().text;
    let in_use = format!("port {port} is in use by another program, or by another stream of this server");
    assert_eq!(text(format!("udp://127.0.0.1:{port}")), in_use);
    assert_eq!(
        text(format!("udp://192.0.2.1:{port}")),
        format!("192.0.2.1:{port} is no address of this machine, nor a group")
    );
}

fn from(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn rtp(sequence: u16, payload_type: u8, payload: &[u8]) -> Vec<u8> {
    let header = Header { payload_type, marker: false, sequence, rtp_time: 0, ssrc: 7 };
    [&header.write()[..], payload].concat()
}

fn pop_all(datagrams: &mut Datagrams, now: Instant) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| datagrams.pop(now)).map(|packets| packets.to_vec()).collect()
}

#[test]
fn the_first_byte_tells_rtp_whose_packets_are_put_in_order() {
    let one = from("192.0.2.1:5000");
    let mut datagrams = Datagrams::new(None);
    assert_eq!(datagrams.push(epoch(), one, b"Gbare"), Ok(true));
    assert_eq!(pop_all(&mut datagrams, epoch()), [b"Gbare"]);
    for (sequence, payload) in [(1, b"G1"), (3, b"G3"), (2, b"G2")] {
        assert_eq!(datagrams.push(epoch(), one, &rtp(sequence, 33, payload)), Ok(true));
    }
    assert!(datagrams.is_rtp());
    assert_eq!(pop_all(&mut datagrams, epoch()), [b"G1", b"G2", b"G3"]);
}

#[test]
fn one_sender_is_listened_to_at_a_time() {
    let (one, other) = (from("192.0.2.1:5000"), from("192.0.2.2:5000"));
    let mut datagrams = Datagrams::new(None);
    let mut push = |sender, ms| datagrams.push(epoch() + Duration::from_millis(ms), sender, b"G");
    assert_eq!(push(one, 0), Ok(true));
    assert_eq!(push(other, 500), Ok(false));
    assert_eq!(push(one, 900), Ok(true));
    assert_eq!(push(other, 1_500), Ok(false));
    assert_eq!(push(other, 2_000), Ok(true));
    assert_eq!(push(one, 2_100), Ok(false));
    let mut datagrams = Datagrams::new(Some(other.ip()));
    assert_eq!(datagrams.push(epoch(), one, b"G"), Ok(false));
    assert_eq!(datagrams.push(epoch(), other, b"G"), Ok(true));
}

#[test]
fn something_else_is_told_after_some_of_it() {
    let one = from("192.0.2.1:5000");
    let end = |data: &[u8]| {
        let mut datagrams = Datagrams::new(None);
        let pushed = std::iter::repeat_with(|| datagrams.push(epoch(), one, data)).take(100);
        pushed.filter_map(Result::err).next().expect("told")
    };
    assert_eq!(end(b"hello"), Unreadable::Foreign(b"hello".to_vec()));
    assert_eq!(end(&rtp(1, 96, b"x")), Unreadable::PayloadType(96));
}
