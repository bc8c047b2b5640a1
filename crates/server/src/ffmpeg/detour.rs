//! A way round the command line, which everybody on the machine can list: an address on this machine that leads ffmpeg on to one with a
//! password in it, by a redirect of RTSP (RFC 2326 §11.3) or HTTP (RFC 9110 §15.4).

use crate::limits::{DETOUR_HEAD_BYTES, DETOUR_WAIT};
use crate::random;
use std::net::{Ipv4Addr, SocketAddr};
use std::{fs, io};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// An address that leads on as long as this is kept.
#[derive(Debug)]
pub(super) struct Detour {
    /// What may be shown.
    pub(super) url: String,
    _leading: AbortOnDropHandle<()>,
}

impl Detour {
    /// A detour to `url`, of RTSP or HTTP.
    ///
    /// # Errors
    /// If there is no port left.
    pub(super) async fn to(url: &str) -> io::Result<Self> {
        let scheme = if url.starts_with("rtsp") { "rtsp" } else { "http" };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let path = format!("/{}{}", random::name(), extension(url));
        let shown = format!("{scheme}://{address}{path}");
        let leading = tokio::spawn(lead(listener, address, path, url.to_owned()));
        Ok(Self { url: shown, _leading: AbortOnDropHandle::new(leading) })
    }
}

/// What the last part of a path ends with, by which ffmpeg knows forms: `.m3u8`.
fn extension(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('/').next().and_then(|name| name.get(name.rfind('.')?..));
    let is_usual =
        |ending: &&str| ending.len() <= 6 && ending.bytes().skip(1).all(|byte| byte.is_ascii_alphanumeric());
    ending.filter(is_usual).unwrap_or_default()
}

/// Answers one after the other: there is one who asks.
async fn lead(listener: TcpListener, address: SocketAddr, path: String, url: String) {
    loop {
        let Ok((mut asking, from)) = listener.accept().await else { return };
        // The path stands on the command line too: who is not us may not follow.
        if is_ours(from, address).await {
            let _ = timeout(DETOUR_WAIT, answer(&mut asking, &path, &url)).await;
        }
    }
}

async fn answer(asking: &mut TcpStream, path: &str, url: &str) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= DETOUR_HEAD_BYTES || asking.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    if let Some(answer) = redirect(&String::from_utf8_lossy(&head), path, url) {
        asking.write_all(answer.as_bytes()).await?;
        asking.shutdown().await?;
    }
    Ok(())
}

/// The answer to the head of a request for `path`.
fn redirect(head: &str, path: &str, url: &str) -> Option<String> {
    let mut words = head.lines().next()?.split(' ');
    let (_, target, version) = (words.next()?, words.next()?, words.next()?);
    if !target.ends_with(path) {
        return None;
    }
    let cseq = head.lines().find(|line| line.to_ascii_lowercase().starts_with("cseq:"));
    Some(match (version.split_once('/')?.0, cseq) {
        ("RTSP", Some(cseq)) => format!("RTSP/1.0 302 Found\r\n{cseq}\r\nLocation: {url}\r\n\r\n"),
        ("HTTP", _) => {
            format!("HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        _ => return None,
    })
}

/// Whether the socket at `from` that is connected to `to` belongs to the user that this program runs as. Where the kernel does not tell,
/// whoever knows the path is taken for one of ours.
async fn is_ours(from: SocketAddr, to: SocketAddr) -> bool {
    // The kernel writes it while it is read, a line for each socket.
    let table = spawn_blocking(|| fs::read_to_string("/proc/net/tcp")).await;
    let Ok(Ok(table)) = table else { return true };
    owner(&table, from, to).is_some_and(|user| user == rustix::process::getuid().as_raw())
}

/// The user of a socket in the kernel's table (proc_net(5)): number, local address, remote address, state, queues, timers, retransmissions, user.
fn owner(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
    let (local, remote) = (hex(local)?, hex(remote)?);
    table.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let is_it = words.next()? == local && words.next()? == remote;
        if is_it { words.nth(4)?.parse().ok() } else { None }
    })
}

/// An address as it stands there: the bytes of the IP address as one number of the machine.
fn hex(address: SocketAddr) -> Option<String> {
    let SocketAddr::V4(address) = address else { return None };
    Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "rtsp://u:canary@192.0.2.1/cam?a=1";

    async fn ask(url: &str, request: &str) -> String {
        let address = url.split('/').nth(2).unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.replace("URL", url).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn who_knows_the_path_is_led_on_as_long_as_it_is_kept() {
        let detour = Detour::to(SECRET).await.unwrap();
        assert!(
            !detour.url.contains("canary") && detour.url.starts_with("rtsp://127.0.0.1:"),
            "{}",
            detour.url
        );
        let options = "OPTIONS URL RTSP/1.0\r\nCSeq: 7\r\nUser-Agent: x\r\n\r\n";
        let expected = format!("RTSP/1.0 302 Found\r\nCSeq: 7\r\nLocation: {SECRET}\r\n\r\n");
        for _ in 0..2 {
            assert_eq!(ask(&detour.url, options).await, expected);
        }
        assert_eq!(ask(&detour.url, &options.replace("URL", "rtsp://127.0.0.1/other")).await, "");
        assert_eq!(ask(&detour.url, "\r\n\r\n").await, "");
        let url = detour.url.clone();
        drop(detour);
        tokio::task::yield_now().await;
        assert!(TcpStream::connect(url.split('/').nth(2).unwrap()).await.is_err());
    }

    #[tokio::test]
    async fn http_is_led_on_as_well() {
        let detour = Detour::to("https://u:canary@192.0.2.1/a.ts").await.unwrap();
        let path = detour.url.strip_prefix("http://").unwrap().split_once('/').unwrap().1.to_owned();
        let answer = ask(&detour.url, &format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert!(
            answer.starts_with("HTTP/1.1 302 Found\r\nLocation: https://u:canary@192.0.2.1/a.ts\r\n"),
            "{answer}"
        );
        assert!(path.len() == 35 && path.ends_with(".ts"), "{path}");
        for (url, expected) in [
            ("http://h/a/live.m3u8?token=x.y", ".m3u8"),
            ("http://h/a.b/live", ""),
            ("http://h/live.Streaming", ""),
            ("http://h", ""),
        ] {
            assert_eq!(extension(url), expected, "{url}");
        }
    }

    #[test]
    fn the_owner_of_a_socket_is_found_in_the_kernels_table() {
        let table =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 2 1 0 20 4 30 10 -1
";
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        if cfg!(target_endian = "little") {
            assert_eq!(owner(table, address(50_000), address(8080)), Some(1000));
        }
        assert_eq!(owner(table, address(50_001), address(8080)), None);
    }
}
