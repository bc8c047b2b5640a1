//! Opus packets: how long they sound (RFC 6716 §3.1, §3.2), and the identification header (RFC 7845 §5.1).

use std::time::Duration;

/// How long the packet sounds; zero if it is empty.
pub(crate) fn duration(packet: &[u8]) -> Duration {
    let Some(&toc) = packet.first() else { return Duration::ZERO };
    let (mode, size) = (toc >> 3, u32::from(toc >> 3) & 3);
    let frame_us = match mode {
        // SILK: 10, 20, 40 or 60 ms.
        0..=11 if size == 3 => 60_000,
        0..=11 => 10_000 << size,
        // Hybrid: 10 or 20 ms.
        12..=15 => 10_000 << (size & 1),
        // CELT: 2.5, 5, 10 or 20 ms.
        _ => 2_500 << size,
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u64::from(packet.get(1).copied().unwrap_or(0) & 0x3f),
    };
    Duration::from_micros(frame_us * frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_the_duration() {
        let ms = |packet: &[u8]| duration(packet).as_secs_f64() * 1000.0;
        assert_eq!(ms(&[0x18]), 60.0);
        assert_eq!(ms(&[0x48]), 20.0, "SILK, 20 ms");
        assert_eq!(ms(&[0x78]), 20.0, "hybrid, 20 ms");
        assert_eq!(ms(&[0x80]), 2.5);
        assert_eq!(ms(&[0xfd]), 40.0, "two CELT frames of 20 ms");
        assert_eq!(ms(&[0xfb, 3]), 60.0, "three of them");
        assert_eq!(ms(&[]), 0.0);
    }
}
