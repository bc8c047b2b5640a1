//! The RTP-Info header (RFC 2326 §12.33): where each track's packets begin after PLAY.

use crate::limits;
use std::fmt;

/// One track's entry of an RTP-Info header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpInfo {
    /// The track's control URL, absolute or relative to the presentation's base.
    pub url: String,
    /// Sequence number of the first packet.
    pub seq: Option<u16>,
    /// RTP time of the first packet; it belongs to the start of the answer's Range.
    pub rtptime: Option<u32>,
    /// Synchronisation source; not in the standard, sent by Reolink.
    pub ssrc: Option<u32>,
}

impl RtpInfo {
    /// Reads the entries. What is not understood is left out: a camera that sends `rtptime=-1` (OMNY) plays as well
    /// without. URLs may hold commas and semicolons.
    #[must_use]
    pub fn parse(value: &str) -> Vec<Self> {
        let mut starts: Vec<usize> = value
            .match_indices("url=")
            .map(|(at, _)| at)
            .filter(|at| {
                value
                    .get(..*at)
                    .is_some_and(|before| before.trim_end().is_empty() || before.trim_end().ends_with(','))
            })
            .take(limits::LIST_ENTRIES)
            .collect();
        starts.push(value.len());
        starts
            .windows(2)
            .filter_map(|range| value.get(*range.first()?..*range.last()?))
            .map(Self::parse_entry)
            .collect()
    }

    fn parse_entry(entry: &str) -> Self {
        let entry = entry.trim().trim_end_matches(',').trim_start_matches("url=");
        let end_of_url = ["seq=", "rtptime=", "ssrc="]
            .iter()
            .flat_map(|name| [format!(";{name}"), format!("; {name}")])
            .filter_map(|name| entry.find(&name))
            .min();
        let (url, parameters) = entry.split_at(end_of_url.unwrap_or(entry.len()));
        let find = |wanted: &str| {
            parameters
                .split(';')
                .filter_map(|part| part.trim().split_once('='))
                .find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then(|| value.trim()))
        };
        Self {
            url: url.trim_end_matches(';').trim_matches('"').to_owned(),
            seq: find("seq").and_then(|value| value.parse().ok()),
            rtptime: find("rtptime").and_then(|value| value.parse().ok()),
            ssrc: find("ssrc").and_then(|value| u32::from_str_radix(value, 16).ok()),
        }
    }

    /// Writes the header's value.
    #[must_use]
    pub fn write(entries: &[Self]) -> String {
        entries.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

impl fmt::Display for RtpInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "url={}", self.url)?;
        if let Some(seq) = self.seq {
            write!(f, ";seq={seq}")?;
        }
        if let Some(rtptime) = self.rtptime {
            write!(f, ";rtptime={rtptime}")?;
        }
        if let Some(ssrc) = self.ssrc {
            write!(f, ";ssrc={ssrc:08x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(value: &str, expected: &[&str]) {
        let entries = RtpInfo::parse(value);
        assert_eq!(entries.iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{value:?}");
    }

    #[test]
    fn entries_of_cameras_are_read() {
        check(
            "url=trackID=0;seq=47121;rtptime=3475222385,url=trackID=1;seq=45186;rtptime=2234446919", // Dahua
            &["url=trackID=0;seq=47121;rtptime=3475222385", "url=trackID=1;seq=45186;rtptime=2234446919"],
        );
        check(
            "url=trackID=1;seq=16852;rtptime=1070938629;ssrc=dcc4a0d8", // Reolink
            &["url=trackID=1;seq=16852;rtptime=1070938629;ssrc=dcc4a0d8"],
        );
        check("url=trackID=1;seq=1;rtptime=-1", &["url=trackID=1;seq=1"]); // OMNY
        check(
            "url=rtsp://h/0/main/trackID=0;seq=0;rtptime=0;",
            &["url=rtsp://h/0/main/trackID=0;seq=0;rtptime=0"],
        ); // Laureii
        check(
            "url=rtsp://h/a,b;c/1;seq=1, url=rtsp://h/?x=url=2;seq=2",
            &["url=rtsp://h/a,b;c/1;seq=1", "url=rtsp://h/?x=url=2;seq=2"],
        );
        check("", &[]);
        check("nonsense", &[]);
    }

    proptest! {
        #[test]
        fn written_entries_are_read_back(seqs in prop::collection::vec((any::<Option<u16>>(), any::<Option<u32>>(), any::<Option<u32>>()), 0..5)) {
            let entries: Vec<RtpInfo> = seqs.into_iter().enumerate()
                .map(|(n, (seq, rtptime, ssrc))| RtpInfo { url: format!("rtsp://h/cam/track{n}"), seq, rtptime, ssrc })
                .collect();
            prop_assert_eq!(RtpInfo::parse(&RtpInfo::write(&entries)), entries);
        }

        #[test]
        fn no_value_panics(value in "(url=|seq=|rtptime=|,|;| |\\PC){0,40}") {
            let _ = RtpInfo::parse(&value);
        }
    }
}
