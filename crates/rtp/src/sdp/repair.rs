//! Makes well-formed SDP of what cameras send, before a strict parser sees it.
//!
//! Only lines that are used are kept: `s=`, `m=`, `a=`. That disposes of the lines that cameras get wrong most often:
//! origins with six numbers (TP-Link) or names instead of addresses (Anjvision, GW Security), a missing origin
//! (Macro-Video), `e=NONE`, connections with a mask, times and bandwidths in words. Further:
//!
//! - bytes that are not UTF-8 (names in GBK and Latin-1) are replaced, zero bytes and a byte order mark removed;
//! - lines end with CR LF, LF or CR, and lose space at both ends (`m=audio 0 RTP/AVP 8⇥ `, VStarcam);
//! - what stands before the first `v=` is dropped, a missing one added, repeated `v=` and `s=` lines dropped;
//! - an `m=` line gets single spaces, and a port of 0 where it has none that is a number of 16 bits.

/// Well-formed SDP with the lines of `text` that are used.
pub(super) fn repair(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.split(['\r', '\n']).map(clean).filter(|line| !line.is_empty()).peekable();
    // Something in front of the description: a byte order mark, rests of a header.
    let has_version = text.split(['\r', '\n']).any(|line| clean(line).starts_with("v="));
    while has_version && lines.next_if(|line| !line.starts_with("v=")).is_some() {}
    let mut out = String::from("v=0\r\n");
    let mut named = false;
    for line in lines {
        match line.split_once('=') {
            Some(("s", name)) if !named && !out.contains("\r\nm=") => {
                named = true;
                push(&mut out, 's', name);
            }
            Some(("m", media)) => {
                if let Some(media) = repair_media(media) {
                    push(&mut out, 'm', &media);
                }
            }
            Some(("a", attribute)) if !attribute.trim().is_empty() => push(&mut out, 'a', attribute.trim()),
            Some(_) | None => {}
        }
    }
    out
}

fn push(out: &mut String, key: char, value: &str) {
    out.push(key);
    out.push('=');
    // Zero bytes can stand anywhere; the parser would refuse the line.
    out.extend(value.chars().filter(|&c| c != '\0'));
    out.push_str("\r\n");
}

fn clean(line: &str) -> &str {
    line.trim_matches(|c: char| c.is_whitespace() || c == '\0' || c == '\u{feff}')
}

/// `<media> <port> <proto> <fmt> …`; `None` if it does not even name its media.
fn repair_media(line: &str) -> Option<String> {
    let mut fields = line.split_whitespace().peekable();
    let kind = fields.next()?;
    let is_port = |field: &&str| field.split('/').next().is_some_and(|port| port.parse::<u32>().is_ok());
    let port = fields.next_if(is_port).filter(|port| port.parse::<u16>().is_ok()).unwrap_or("0");
    let protocol = fields.next().unwrap_or("RTP/AVP");
    let formats: Vec<&str> = fields.collect();
    // Without a format the media stays, as one that nobody can take.
    let formats = if formats.is_empty() { "-".to_owned() } else { formats.join(" ") };
    Some(format!("{kind} {port} {protocol} {formats}"))
}
