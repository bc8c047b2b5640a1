//! Sample descriptions (ISO/IEC 14496-12 §8.5.2) to codecs.

use super::DemuxError;
use super::boxes::{Box, Fields, FourCc, children, find};
use crate::fmp4::limits::MAX_DESCRIPTIONS;
use bytes::Bytes;
use yeoul_media::bitstream::nal::LENGTH_SIZE_BYTES;
use yeoul_media::bitstream::{aac, av1, flac, h264, h265, vp8, vp9};
use yeoul_media::{Codec, PcmLayout};

/// Bytes of a sample entry before the fields of its kind: reserved, `data_reference_index`.
const ENTRY_BYTES: usize = 8;
/// Bytes of `VisualSampleEntry` before the boxes inside.
const VISUAL_BYTES: usize = ENTRY_BYTES + 70;
/// Bytes of `AudioSampleEntry` before the boxes inside.
const AUDIO_BYTES: usize = ENTRY_BYTES + 20;

/// What one sample entry says.
#[derive(Clone, Debug)]
pub(super) enum Description {
    /// A codec, and how its samples are laid out.
    Known {
        codec: Codec,
        /// Bytes of the length in front of each NAL unit; `None` where samples have none.
        length_bytes: Option<usize>,
    },
    /// Cannot be read, and why.
    Unknown(String),
}

impl Description {
    /// An empty configuration, as ffmpeg writes it before the encoder has told one (`empty_moov`): the first keyframe will.
    fn untold(codec: Codec, length_bytes: Option<usize>) -> Self {
        Self::Known { codec, length_bytes }
    }

    fn plain(codec: Codec) -> Self {
        Self::Known { codec, length_bytes: None }
    }
}

/// The entries of an `stsd` box.
pub(super) fn read(stsd: &Box) -> Result<Vec<Description>, DemuxError> {
    let (_, _, mut fields) = stsd.full()?;
    let count = fields.u32("entry_count")? as usize;
    if count > MAX_DESCRIPTIONS {
        let reason = format!("it has {count} sample descriptions, expected at most {MAX_DESCRIPTIONS}");
        return Err(DemuxError::malformed(stsd.kind, reason));
    }
    let described = |entry: &Box| {
        // One track that cannot be read is no reason to lose the others.
        describe(entry).unwrap_or_else(|error| Description::Unknown(error.to_string()))
    };
    children(stsd.kind, fields.rest()).take(count).map(|entry| Ok(described(&entry?))).collect()
}

fn describe(entry: &Box) -> Result<Description, DemuxError> {
    match &entry.kind.0 {
        b"avc1" | b"avc3" => avc(&configuration(entry, VISUAL_BYTES, b"avcC")?),
        b"hvc1" | b"hev1" => hevc(&configuration(entry, VISUAL_BYTES, b"hvcC")?),
        b"av01" => av1(&configuration(entry, VISUAL_BYTES, b"av1C")?),
        b"vp09" => vp9(entry, &configuration(entry, VISUAL_BYTES, b"vpcC")?),
        b"vp08" => vp8(entry, &configuration(entry, VISUAL_BYTES, b"vpcC")?),
        b"fLaC" => flac(&configuration(entry, AUDIO_BYTES, b"dfLa")?),
        b".mp3" => Ok(Description::plain(Codec::Mp3(layout(entry)?))),
        b"mp4a" => mp4a(entry, &configuration(entry, AUDIO_BYTES, b"esds")?),
        b"Opus" => opus(&configuration(entry, AUDIO_BYTES, b"dOps")?),
        b"encv" | b"enca" => Ok(Description::Unknown(format!("{} is encrypted", entry.kind))),
        _ => Ok(unknown(entry)),
    }
}

fn unknown(entry: &Box) -> Description {
    Description::Unknown(format!("{} is a coding that is not supported", entry.kind))
}

/// The box of a decoder configuration behind the fixed fields of a sample entry.
fn configuration(entry: &Box, fixed_bytes: usize, kind: &[u8; 4]) -> Result<Box, DemuxError> {
    let mut fields = entry.fields();
    fields.take(fixed_bytes, "the fields of the sample entry")?;
    find(children(entry.kind, fields.rest()), kind)?
        .ok_or_else(|| DemuxError::malformed(entry.kind, format!("it has no {} box inside", FourCc(*kind))))
}

/// Sample rate and channels as the fixed fields of `AudioSampleEntry` (ISO/IEC 14496-12 §12.2.3) tell them.
fn layout(entry: &Box) -> Result<PcmLayout, DemuxError> {
    let mut fields = entry.fields();
    fields.take(ENTRY_BYTES + 8, "the fields before the channels")?;
    let channels = fields.u16("channelcount")?;
    fields.take(6, "the fields before the sample rate")?;
    let sample_rate = u32::from(fields.u16("samplerate")?);
    match u8::try_from(channels) {
        Ok(channels @ 1..) if sample_rate > 0 => Ok(PcmLayout { sample_rate, channels }),
        Ok(_) | Err(_) => {
            let reason = format!("it has {channels} channels at {sample_rate} Hz");
            Err(DemuxError::malformed(entry.kind, reason))
        }
    }
}

/// `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1).
fn avc(avcc: &Box) -> Result<Description, DemuxError> {
    if avcc.body.is_empty() {
        return Ok(Description::untold(Codec::H264(None), Some(LENGTH_SIZE_BYTES)));
    }
    let mut fields = avcc.fields();
    fields.take(4, "version, profile and level")?;
    let length_bytes = usize::from(fields.u8("lengthSizeMinusOne")? & 3) + 1;
    let mut units = Vec::new();
    let sps = fields.u8("numOfSequenceParameterSets")? & 0x1f;
    take_units(&mut fields, sps.into(), &mut units)?;
    let pps = fields.u8("numOfPictureParameterSets")?;
    take_units(&mut fields, pps.into(), &mut units)?;
    // None at all, or broken ones: those in front of the first keyframe will do.
    let sets = h264::ParameterSets::from_units(units).ok();
    Ok(Description::Known { codec: Codec::H264(sets), length_bytes: Some(length_bytes) })
}

/// `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §8.3.3.1).
fn hevc(hvcc: &Box) -> Result<Description, DemuxError> {
    if hvcc.body.is_empty() {
        return Ok(Description::untold(Codec::H265(None), Some(LENGTH_SIZE_BYTES)));
    }
    let mut fields = hvcc.fields();
    fields.take(21, "profile and level")?;
    let length_bytes = usize::from(fields.u8("lengthSizeMinusOne")? & 3) + 1;
    let mut units = Vec::new();
    for _ in 0..fields.u8("numOfArrays")? {
        fields.u8("NAL_unit_type")?;
        let count = fields.u16("numNalus")?;
        take_units(&mut fields, count.into(), &mut units)?;
    }
    let sets = h265::ParameterSets::from_units(units).ok();
    Ok(Description::Known { codec: Codec::H265(sets), length_bytes: Some(length_bytes) })
}

/// NAL units behind 16-bit lengths, copied, so that they do not keep the whole `moov` box.
fn take_units(fields: &mut Fields, count: usize, units: &mut Vec<Bytes>) -> Result<(), DemuxError> {
    for _ in 0..count {
        let length = fields.u16("nalUnitLength")?;
        let unit = fields.take(length.into(), "nalUnit")?;
        if !unit.is_empty() {
            units.push(Bytes::copy_from_slice(&unit));
        }
    }
    Ok(())
}

/// The descriptors of an `esds` box (ISO/IEC 14496-1 §7.2.6): `ES_Descriptor` with `DecoderConfigDescriptor` with
/// `DecoderSpecificInfo`.
fn mp4a(entry: &Box, esds: &Box) -> Result<Description, DemuxError> {
    const ES: u8 = 3;
    const DECODER_CONFIG: u8 = 4;
    const DECODER_SPECIFIC: u8 = 5;
    let bad = |reason: &str| DemuxError::malformed(esds.kind, reason.to_owned());
    let (_, _, mut fields) = esds.full()?;
    let mut es = descriptor(&mut fields, ES)?.ok_or_else(|| bad("it has no ES descriptor"))?;
    es.u16("ES_ID")?;
    let flags = es.u8("the flags of the ES descriptor")?;
    if flags & 0x80 != 0 {
        es.u16("dependsOn_ES_ID")?;
    }
    if flags & 0x40 != 0 {
        let length = es.u8("URLlength")?;
        es.take(length.into(), "URLstring")?;
    }
    if flags & 0x20 != 0 {
        es.u16("OCR_ES_Id")?;
    }
    let mut config =
        descriptor(&mut es, DECODER_CONFIG)?.ok_or_else(|| bad("it has no decoder configuration"))?;
    let object_type = config.u8("objectTypeIndication")?;
    config.take(12, "buffer sizes and bit rates")?;
    match object_type {
        // MPEG-4 audio; MPEG-2 AAC Main, LC, SSR.
        0x40 | 0x66..=0x68 => {
            let specific = descriptor(&mut config, DECODER_SPECIFIC)?
                .ok_or_else(|| bad("it has no AAC configuration"))?
                .rest();
            let config = aac::AudioSpecificConfig::parse(Bytes::copy_from_slice(&specific))
                .map_err(|error| bad(&error.to_string()))?;
            Ok(Description::plain(Codec::Aac(config)))
        }
        // MPEG-2 and MPEG-1 audio, layers I to III.
        0x69 | 0x6b => Ok(Description::plain(Codec::Mp3(layout(entry)?))),
        _ => Ok(unknown(entry)),
    }
}

/// The next descriptor with this tag (ISO/IEC 14496-1 §8.3.3: a size of 7 bits a byte); others are passed over.
fn descriptor(fields: &mut Fields, wanted: u8) -> Result<Option<Fields>, DemuxError> {
    while !fields.is_empty() {
        let tag = fields.u8("a descriptor's tag")?;
        let mut size = 0;
        for _ in 0..4 {
            let byte = fields.u8("a descriptor's size")?;
            size = size << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let body = fields.sub(size, "a descriptor")?;
        if tag == wanted {
            return Ok(Some(body));
        }
    }
    Ok(None)
}

/// `OpusSpecificBox` (Encapsulation of Opus in ISO Base Media File Format §4.3.2).
fn opus(dops: &Box) -> Result<Description, DemuxError> {
    let mut fields = dops.fields();
    fields.u8("Version")?;
    let channels = fields.u8("OutputChannelCount")?;
    match channels {
        1 | 2 => Ok(Description::plain(Codec::Opus { channels })),
        _ => Ok(Description::Unknown(format!("`Opus` has {channels} channels, expected 1 or 2"))),
    }
}

/// `FLACSpecificBox` (Encapsulation of FLAC in ISO Base Media File Format §3.3.2): metadata blocks, STREAMINFO first.
fn flac(dfla: &Box) -> Result<Description, DemuxError> {
    let (_, _, mut fields) = dfla.full()?;
    let header = fields.u32("a metadata block's header")?;
    let block = fields.take((header & 0x00ff_ffff) as usize, "the STREAMINFO block")?;
    let is_stream_info = header >> 24 & 0x7f == 0;
    let info = flac::StreamInfo::parse(&Bytes::copy_from_slice(&block)).filter(|_| is_stream_info);
    let info = info.ok_or_else(|| {
        DemuxError::malformed(dfla.kind, "its first metadata block is no STREAMINFO".to_owned())
    })?;
    Ok(Description::plain(Codec::Flac(info)))
}

/// `AV1CodecConfigurationRecord` (AV1 Codec ISO Media File Format Binding §2.3).
fn av1(av1c: &Box) -> Result<Description, DemuxError> {
    if av1c.body.is_empty() {
        return Ok(Description::untold(Codec::Av1(None), None));
    }
    let mut fields = av1c.fields();
    fields.take(4, "profile, level and format")?;
    // Without a sequence header here there is one in the first keyframe.
    let units = Bytes::copy_from_slice(&fields.rest());
    Ok(Description::plain(Codec::Av1(av1::SequenceHeader::from_temporal_unit(&units).ok())))
}

/// `VPCodecConfigurationRecord` (VP Codec ISO Media File Format Binding), with the size of the sample entry.
fn vp9(entry: &Box, vpcc: &Box) -> Result<Description, DemuxError> {
    let (width, height) = size(entry)?;
    let (_, _, mut fields) = vpcc.full()?;
    let profile = fields.u8("profile")?;
    fields.u8("level")?;
    let format = fields.u8("bitDepth")?;
    fields.u16("colourPrimaries and transferCharacteristics")?;
    let color_space = match fields.u8("matrixCoefficients")? {
        0 => 7,
        1 => 2,
        5 => 1,
        6 => 3,
        7 => 4,
        9 | 10 => 5,
        _ => 0,
    };
    let subsampling = match format >> 1 & 7 {
        0 | 1 => (true, true),
        2 => (true, false),
        _ => (false, false),
    };
    Ok(Description::plain(Codec::Vp9(Some(vp9::Parameters {
        profile,
        bit_depth: format >> 4,
        color_space,
        full_range: format & 1 != 0,
        subsampling,
        width,
        height,
    }))))
}

/// As [`vp9`]: VP8 has one sample format.
fn vp8(entry: &Box, vpcc: &Box) -> Result<Description, DemuxError> {
    let (width, height) = size(entry)?;
    let (_, _, mut fields) = vpcc.full()?;
    let profile = fields.u8("profile")?;
    Ok(Description::plain(Codec::Vp8(Some(vp8::Parameters { profile, width, height }))))
}

/// Width and height as `VisualSampleEntry` (ISO/IEC 14496-12 §12.1.3) tells them.
fn size(entry: &Box) -> Result<(u32, u32), DemuxError> {
    let mut visual = entry.fields();
    visual.take(ENTRY_BYTES + 16, "the fields before the size")?;
    Ok((visual.u16("width")?.into(), visual.u16("height")?.into()))
}
