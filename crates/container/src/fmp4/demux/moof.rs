//! The samples of a fragment (ISO/IEC 14496-12 §8.8).

use super::DemuxError;
use super::boxes::{Box, Fields};
use super::movie::Track;
use super::table::Sample;
use crate::fmp4::limits::MAX_FRAGMENT_SAMPLES;
use std::collections::VecDeque;

/// The samples of a `moof` box whose first byte is at `moof_at`, in the order of their bytes.
///
/// # Errors
/// If a box is damaged, there are too many samples, two overlap, or those of a track are not in decoding order.
pub(super) fn read(moof: &Box, moof_at: u64, tracks: &mut [Track]) -> Result<VecDeque<Sample>, DemuxError> {
    let mut samples = Samples { found: Vec::new(), count: 0, data_at: moof_at };
    for traf in moof.children() {
        let traf = traf?;
        if traf.kind.0 == *b"traf" {
            read_traf(&traf, moof_at, tracks, &mut samples)?;
        }
    }
    in_order(moof, samples.found, tracks.len())
}

/// What was found so far.
struct Samples {
    found: Vec<Sample>,
    /// How many there were, those of unknown tracks and without bytes too.
    count: usize,
    /// Where the data of the next run starts if it does not say: behind the one before.
    data_at: u64,
}

/// What the entries of a run leave out.
struct Defaults {
    duration: u32,
    size: u32,
}

fn read_traf(
    traf: &Box,
    moof_at: u64,
    tracks: &mut [Track],
    samples: &mut Samples,
) -> Result<(), DemuxError> {
    let (_, flags, mut tfhd) = traf.required(b"tfhd")?.full()?;
    let track_id = tfhd.u32("track_ID")?;
    let index = tracks.iter().position(|track| track.track_id == track_id);
    let trex = index.and_then(|index| tracks.get(index)).map(|track| track.defaults).unwrap_or_default();
    let base = if flags & 0x01 != 0 {
        tfhd.u64("base_data_offset")?
    } else if flags & 0x02_0000 != 0 {
        moof_at
    } else {
        samples.data_at
    };
    let description = tfhd.u32_if(flags & 0x02 != 0, trex.description, "sample_description_index")?;
    let defaults = Defaults {
        duration: tfhd.u32_if(flags & 0x08 != 0, trex.duration, "default_sample_duration")?,
        size: tfhd.u32_if(flags & 0x10 != 0, trex.size, "default_sample_size")?,
    };
    let mut dts = match traf.child(b"tfdt")? {
        Some(tfdt) => {
            let (version, _, mut tfdt) = tfdt.full()?;
            let time = tfdt.u32_or_u64(version > 0, "baseMediaDecodeTime")?;
            i64::try_from(time).map_err(|_| {
                DemuxError::malformed(traf.kind, format!("it decodes at tick {time}, beyond any clock"))
            })?
        }
        None => index.and_then(|index| tracks.get(index)).map_or(0, |track| track.next_dts),
    };
    samples.data_at = base;
    for trun in traf.children() {
        let trun = trun?;
        if trun.kind.0 == *b"trun" {
            dts = read_trun(&trun, base, (index, description, dts), &defaults, samples)?;
        }
    }
    if let Some(track) = index.and_then(|index| tracks.get_mut(index)) {
        track.next_dts = dts;
    }
    Ok(())
}

/// Adds the samples of a run of a track, with a description, from a decoding time on; the decoding time after them.
fn read_trun(
    trun: &Box,
    base: u64,
    (track, description, mut dts): (Option<usize>, u32, i64),
    defaults: &Defaults,
    samples: &mut Samples,
) -> Result<i64, DemuxError> {
    let (_, flags, mut fields) = trun.full()?;
    let count = fields.u32("sample_count")? as usize;
    samples.count = samples.count.saturating_add(count);
    if samples.count > MAX_FRAGMENT_SAMPLES {
        let reason =
            format!("the fragment has {} samples, expected at most {MAX_FRAGMENT_SAMPLES}", samples.count);
        return Err(DemuxError::malformed(trun.kind, reason));
    }
    if flags & 0x01 != 0 {
        let offset = i64::from(fields.u32("data_offset")?.cast_signed());
        samples.data_at = base.saturating_add_signed(offset);
    }
    fields.u32_if(flags & 0x04 != 0, 0, "first_sample_flags")?;
    for _ in 0..count {
        let (duration, size, composition) = entry(&mut fields, flags, defaults)?;
        let offset = samples.data_at;
        samples.data_at = offset.saturating_add(size.into());
        if let Some(track) = track
            && size > 0
        {
            samples.found.push(Sample { track, offset, size, dts, composition, description });
        }
        dts = dts.saturating_add(duration.into());
    }
    Ok(dts)
}

/// Duration, size and composition offset of the next sample.
fn entry(fields: &mut Fields, flags: u32, defaults: &Defaults) -> Result<(u32, u32, i32), DemuxError> {
    let duration = fields.u32_if(flags & 0x100 != 0, defaults.duration, "sample_duration")?;
    let size = fields.u32_if(flags & 0x200 != 0, defaults.size, "sample_size")?;
    fields.u32_if(flags & 0x400 != 0, 0, "sample_flags")?;
    // Unsigned in version 0; no offset has the highest bit set, and some writers mean a sign there too.
    let composition = fields.u32_if(flags & 0x800 != 0, 0, "sample_composition_time_offset")?;
    Ok((duration, size, composition.cast_signed()))
}

/// Sorts the samples by their place in the file, which has to be the decoding order of each track too.
fn in_order(moof: &Box, mut found: Vec<Sample>, tracks: usize) -> Result<VecDeque<Sample>, DemuxError> {
    found.sort_by_key(|sample| sample.offset);
    let mut end = 0;
    let mut decoded = vec![i64::MIN; tracks];
    for sample in &found {
        if sample.offset < end {
            let reason = format!("two of its samples share bytes around byte {end} of the file");
            return Err(DemuxError::malformed(moof.kind, reason));
        }
        end = sample.end();
        if let Some(decoded) = decoded.get_mut(sample.track) {
            if sample.dts < *decoded {
                let reason = "the samples of a track do not follow each other in decoding order".to_owned();
                return Err(DemuxError::malformed(moof.kind, reason));
            }
            *decoded = sample.dts;
        }
    }
    Ok(found.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fmp4::demux::boxes::FourCc;

    #[test]
    fn samples_without_bytes_count_too() {
        let trun = |count: u32| [b"\0\0\0\x10trun\0\0\0\0", &count.to_be_bytes()[..]].concat();
        let tfhd = b"\0\0\0\x10tfhd\0\0\0\0\0\0\0\x01";
        let body = [&tfhd[..], &trun(100_000), &trun(100_000)].concat();
        let size = u32::try_from(body.len() + 8).unwrap();
        let traf = [&size.to_be_bytes()[..], b"traf", &body].concat();
        let moof = Box { kind: FourCc(*b"moof"), body: traf.into() };
        let error = read(&moof, 0, &mut []).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the MP4 box `trun` is damaged: the fragment has 200000 samples, expected at most 131072"
        );
    }
}
