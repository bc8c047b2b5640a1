//! HTTP by the least code: a server that has its answer in memory, and a client that waits for one answer after the other.

use super::LIFE;
use crate::hls::http;
use anyhow::{Context as _, Result, bail};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Tells its port; answers every request with `bytes` bytes.
pub(super) fn serve(bytes: usize) -> Result<()> {
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + bytes, b'x');
    let answer: Arc<[u8]> = answer.into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let work = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            println!("{}", listener.local_addr()?.port());
            loop {
                let (mut socket, _) = listener.accept().await?;
                socket.set_nodelay(true)?;
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    // One read has one request: the client waits for the answer.
                    while socket.read(&mut request).await.is_ok_and(|count| count > 0)
                        && socket.write_all(&answer).await.is_ok()
                    {}
                });
            }
        };
        timeout(LIFE, work).await.unwrap_or(Ok(()))
    })
}

/// Prints how many answers came.
pub(super) fn ask(url: &str, connections: usize, seconds: u64) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(seconds);
    let (host, _) = http::split(url)?;
    let request = http::request(url, true)?;
    let counts: Result<Vec<u32>> = std::thread::scope(|scope| {
        let asking: Vec<_> =
            (0..connections).map(|_| scope.spawn(|| ask_on_one(host, &request, end))).collect();
        asking
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a connection's thread failed")))
            .collect()
    });
    println!("{}", counts?.into_iter().sum::<u32>());
    Ok(())
}

fn ask_on_one(host: &str, request: &str, end: Instant) -> Result<u32> {
    let mut socket = TcpStream::connect(host)?;
    socket.set_nodelay(true)?;
    let mut buffer = vec![0; 256 << 10];
    let mut count = 0;
    while Instant::now() < end {
        socket.write_all(request.as_bytes())?;
        take_answer(&mut socket, &mut buffer)?;
        count += 1;
    }
    Ok(count)
}

fn take_answer(socket: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    let mut rest = loop {
        let count = socket.read(buffer.get_mut(filled..).context("a head without end")?)?;
        if count == 0 {
            bail!("the server closed the connection");
        }
        filled += count;
        if let Some(body) = http::end_of_head(&buffer[..filled]) {
            let head = std::str::from_utf8(&buffer[..body])?;
            if !head.starts_with("HTTP/1.1 200") {
                bail!("{head}");
            }
            break (body + http::content_length(head).context("no Content-Length")?).saturating_sub(filled);
        }
    };
    while rest > 0 {
        let count = socket.read(buffer)?;
        if count == 0 {
            bail!("the answer ends early");
        }
        rest = rest.saturating_sub(count);
    }
    Ok(())
}
