//! As much of HTTP as a benchmark needs.

use anyhow::{Context as _, Result, bail};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// Host with port, and path, of `http://host:port/path`.
pub(crate) fn split(url: &str) -> Result<(&str, &str)> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is not http://"))?;
    let slash = rest.find('/').with_context(|| format!("{url} has no path"))?;
    Ok(rest.split_at(slash))
}

/// The request of a reader that keeps its connection, and takes gzip if asked to.
pub(crate) fn request(url: &str, accept_gzip: bool) -> Result<String> {
    let (host, path) = split(url)?;
    let accept = if accept_gzip { "Accept-Encoding: gzip\r\n" } else { "" };
    Ok(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{accept}\r\n"))
}

/// The body of a 200.
pub(crate) fn get(url: &str) -> Result<Vec<u8>> {
    Ok(exchange(url)?.1)
}

/// Head and body of a 200.
pub(crate) fn exchange(url: &str) -> Result<(String, Vec<u8>)> {
    exchange_with(url, false)
}

/// The same; the body is gzip if that is asked for and the server has it.
pub(crate) fn exchange_with(url: &str, accept_gzip: bool) -> Result<(String, Vec<u8>)> {
    let (host, _) = split(url)?;
    let mut socket = TcpStream::connect(host)?;
    let request = request(url, accept_gzip)?;
    socket.write_all(request.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes())?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    let end = end_of_head(&answer).with_context(|| format!("{url}: no answer"))?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let body = answer.split_off(end);
    if !head.starts_with("HTTP/1.1 200") {
        bail!("{url}: {} {}", head.lines().next().unwrap_or_default(), String::from_utf8_lossy(&body));
    }
    if content_length(&head) != Some(body.len()) {
        bail!("{url}: {} bytes are not what the header says: {head}", body.len());
    }
    Ok((head, body))
}

/// The same as text.
pub(crate) fn get_text(url: &str) -> Result<String> {
    Ok(String::from_utf8(get(url)?)?)
}

/// Where the body begins.
pub(crate) fn end_of_head(answer: &[u8]) -> Option<usize> {
    answer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// The length that a head tells.
pub(crate) fn content_length(head: &str) -> Option<usize> {
    field(head, "content-length")?.parse().ok()
}

/// A field of a head.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
