//! Senders that only send: they print the µs of their own CPU time for a packet.

use super::{FRAME, RTSP_PACKET, WEBRTC_PACKET};
use crate::bench::rig::SECONDS;
use anyhow::{Context as _, Result};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// Bytes in front of what is sealed: RTP header and extension.
const HEADER: usize = 20;
const TAG: usize = 16;

/// One write of a frame to each connection.
pub(super) fn tcp(port: u16, connections: usize) -> Result<()> {
    let (packet, packets) = RTSP_PACKET;
    let frame = vec![7; (packet + 4) * packets];
    let mut sockets = Vec::new();
    for _ in 0..connections {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_nodelay(true)?;
        sockets.push(socket);
    }
    paced(packets * connections, || {
        for socket in &mut sockets {
            socket.write_all(&frame)?;
        }
        Ok(())
    })
}

/// One call for a frame, or as few as the kernel allows, to each socket.
pub(super) fn udp(ports: &[u16], sealed: bool) -> Result<()> {
    let (packet, packets) = if sealed { WEBRTC_PACKET } else { RTSP_PACKET };
    let payload = vec![7; packet - HEADER - TAG];
    let mut frame = vec![7; packet * packets];
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
    let keys: Vec<LessSafeKey> = ports.iter().map(|port| key(*port)).collect::<Result<_>>()?;
    let mut count: u64 = 0;
    paced(packets * ports.len(), || {
        for (port, key) in ports.iter().zip(&keys) {
            if sealed {
                for place in frame.chunks_exact_mut(packet) {
                    count += 1;
                    seal(key, count, &payload, place)?;
                }
            }
            for run in frame.chunks(packet * state.max_gso_segments().min(packets)) {
                let transmit = Transmit {
                    destination: SocketAddr::from((Ipv4Addr::LOCALHOST, *port)),
                    ecn: None,
                    contents: run,
                    segment_size: Some(packet),
                    src_ip: None,
                };
                state.try_send(UdpSockRef::from(&socket), &transmit)?;
            }
        }
        Ok(())
    })
}

fn key(seed: u16) -> Result<LessSafeKey> {
    let [high, low] = seed.to_be_bytes();
    let key = UnboundKey::new(&AES_128_GCM, &[high, low, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    Ok(LessSafeKey::new(key.ok().context("a key of 16 bytes")?))
}

/// Header, payload and tag into `place`, as SRTP has them (RFC 7714).
fn seal(key: &LessSafeKey, count: u64, payload: &[u8], place: &mut [u8]) -> Result<()> {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&count.to_be_bytes());
    let (header, rest) = place.split_at_mut(HEADER);
    header[12..].copy_from_slice(&count.to_be_bytes());
    let (body, tag) = rest.split_at_mut(payload.len());
    body.copy_from_slice(payload);
    let sealed =
        key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&*header), body);
    tag.copy_from_slice(sealed.ok().context("sealing")?.as_ref());
    Ok(())
}

/// Does `send` once a frame, and prints what a packet costs. The first second is not counted.
fn paced(packets: usize, mut send: impl FnMut() -> Result<()>) -> Result<()> {
    let began = Instant::now();
    let counted_from = began + Duration::from_secs(1);
    let end = counted_from + Duration::from_secs(u64::from(SECONDS));
    let (mut frames, mut counted, mut cpu) = (0_u32, 0_u32, None);
    while Instant::now() < end {
        if Instant::now() >= counted_from {
            cpu.get_or_insert_with(cpu_time);
            counted += 1;
        }
        send()?;
        frames += 1;
        std::thread::sleep((began + FRAME * frames).saturating_duration_since(Instant::now()));
    }
    let spent = cpu_time().saturating_sub(cpu.context("no frame was sent")?);
    let packets = f64::from(u32::try_from(packets)?) * f64::from(counted);
    println!("{}", spent.as_secs_f64() * 1e6 / packets);
    Ok(())
}

/// Of this process.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
