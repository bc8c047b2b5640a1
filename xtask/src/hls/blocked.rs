//! Many blocked reloads of one playlist (RFC 8216bis §6.2.5.2): how far apart their answers come when the part is there.

use super::{http, playlist};
use anyhow::{Context as _, Result, bail};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long an answer may take: several parts.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Answers are gzip: a few kilobytes.
const BUFFER: usize = 64 << 10;

/// Times from a round's first answer to the others, of all rounds together.
pub(crate) struct Spread {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) most_ms: f64,
}

/// Measures it and prints a line of JSON.
pub(crate) fn run(url: &str, readers: usize, rounds: usize) -> Result<()> {
    let Spread { p50_ms, p99_ms, most_ms } = spread(url, readers, rounds)?;
    println!(
        "{{\"what\":\"blocked reloads\",\"readers\":{readers},\"rounds\":{rounds},\"p50_ms\":{p50_ms:.1},\"p99_ms\":{p99_ms:.1},\"most_ms\":{most_ms:.1}}}"
    );
    Ok(())
}

/// Opens `readers` connections and asks on all of them for the part after the next one, `rounds` times.
pub(crate) fn spread(url: &str, readers: usize, rounds: usize) -> Result<Spread> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut times: Vec<Duration> = runtime.block_on(rounds_of(url, readers, rounds))?;
    times.sort();
    let ms = |percent: usize| {
        let at = (times.len() * percent).div_ceil(100);
        times.get(at.saturating_sub(1)).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    Ok(Spread { p50_ms: ms(50), p99_ms: ms(99), most_ms: ms(100) })
}

async fn rounds_of(url: &str, readers: usize, rounds: usize) -> Result<Vec<Duration>> {
    let (host, _) = http::split(url)?;
    let (answers, mut answered) = mpsc::unbounded_channel();
    let mut asks = Vec::with_capacity(readers);
    for _ in 0..readers {
        let socket = TcpStream::connect(host).await?;
        socket.set_nodelay(true)?;
        let (ask, asked) = mpsc::unbounded_channel();
        tokio::spawn(reader(socket, asked, answers.clone()));
        asks.push(ask);
    }
    let mut spread = Vec::with_capacity(readers * rounds);
    for _ in 0..rounds {
        let now = url.to_owned();
        // Not on a connection of the round, and not measured.
        let text = tokio::task::spawn_blocking(move || http::get_text(&now)).await??;
        let (msn, part) = playlist::next_part(&text)?;
        let join = if url.contains('?') { '&' } else { '?' };
        // Of the next part the answer could be there before all have asked.
        let wanted = format!("{url}{join}_HLS_msn={msn}&_HLS_part={}", part + 1);
        let request = http::request(&wanted, true)?;
        for ask in &asks {
            ask.send(request.clone())?;
        }
        let mut times = Vec::with_capacity(readers);
        while times.len() < readers {
            let time: Result<Instant> =
                timeout(ANSWER_WAIT, answered.recv()).await?.context("no reader is left")?;
            times.push(time?);
        }
        let first = *times.iter().min().context("no answers")?;
        spread.extend(times.iter().map(|time| time.duration_since(first)));
    }
    Ok(spread)
}

async fn reader(
    mut socket: TcpStream,
    mut asked: mpsc::UnboundedReceiver<String>,
    answers: mpsc::UnboundedSender<Result<Instant>>,
) {
    let mut buffer = vec![0; BUFFER];
    while let Some(request) = asked.recv().await {
        let answer = exchange(&mut socket, &request, &mut buffer).await;
        if answers.send(answer).is_err() {
            return;
        }
    }
}

/// When the whole answer was there.
async fn exchange(socket: &mut TcpStream, request: &str, buffer: &mut [u8]) -> Result<Instant> {
    socket.write_all(request.as_bytes()).await?;
    let mut filled = 0;
    loop {
        let count = socket.read(&mut buffer[filled..]).await?;
        filled += count;
        let at = Instant::now();
        if count == 0 {
            bail!("the answer ends early, or is longer than {BUFFER} bytes");
        }
        let Some(body) = http::end_of_head(&buffer[..filled]) else { continue };
        let head = std::str::from_utf8(&buffer[..body])?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("{head}");
        }
        let length = http::content_length(head).context("no Content-Length")?;
        if filled >= body + length {
            return Ok(at);
        }
    }
}
