//! H.264 NAL units, without start code: parameter sets that parse, slices whose header parses and whose rest is noise.

use crate::bits::{BitWriter, pad};

/// What a sequence parameter set says; `Sps::default()` is High 3.1, 1280x720 at 25 fps.
#[derive(Clone, Copy, Debug)]
pub struct Sps {
    /// 66 Baseline, 77 Main, 100 High.
    pub profile_idc: u8,
    /// The constraint flags byte, e.g. 0xe0 for Constrained Baseline.
    pub constraints: u8,
    /// Ten times the level: 31 is 3.1.
    pub level_idc: u8,
    /// Picture width in pixels.
    pub width: u32,
    /// Picture height in pixels.
    pub height: u32,
    /// Frames a second in the VUI; `None` leaves the VUI out.
    pub fps: Option<u32>,
}

impl Default for Sps {
    fn default() -> Self {
        Self { profile_idc: 100, constraints: 0, level_idc: 31, width: 1280, height: 720, fps: Some(25) }
    }
}

impl Sps {
    /// The NAL unit (H.264 §7.3.2.1.1).
    pub fn write(&self) -> Vec<u8> {
        let mut bits = BitWriter::default();
        bits.u(8, self.profile_idc.into());
        bits.u(8, self.constraints.into());
        bits.u(8, self.level_idc.into());
        bits.ue(0); // seq_parameter_set_id
        if self.profile_idc >= 100 {
            bits.ue(1); // chroma_format_idc: 4:2:0
            bits.ue(0); // bit_depth_luma_minus8
            bits.ue(0); // bit_depth_chroma_minus8
            bits.u(1, 0); // qpprime_y_zero_transform_bypass_flag
            bits.u(1, 0); // seq_scaling_matrix_present_flag
        }
        bits.ue(0); // log2_max_frame_num_minus4: frame_num has 4 bits
        bits.ue(2); // pic_order_cnt_type: output order is decoding order
        bits.ue(1); // max_num_ref_frames
        bits.u(1, 0); // gaps_in_frame_num_value_allowed_flag
        let (columns, rows) = (self.width.div_ceil(16), self.height.div_ceil(16));
        bits.ue(columns - 1);
        bits.ue(rows - 1);
        bits.u(1, 1); // frame_mbs_only_flag
        bits.u(1, 1); // direct_8x8_inference_flag
        let (right, bottom) = ((columns * 16 - self.width) / 2, (rows * 16 - self.height) / 2);
        bits.u(1, u32::from(right + bottom > 0)); // frame_cropping_flag
        if right + bottom > 0 {
            bits.ues(&[0, right, 0, bottom]);
        }
        bits.u(1, u32::from(self.fps.is_some())); // vui_parameters_present_flag
        if let Some(fps) = self.fps {
            bits.u(4, 0); // no aspect ratio, overscan, video signal type, chroma location
            bits.u(1, 1); // timing_info_present_flag
            bits.u(32, 1); // num_units_in_tick
            bits.u(32, 2 * fps); // time_scale: in fields
            bits.u(1, 1); // fixed_frame_rate_flag
            bits.u(4, 0); // no HRD, no pic_struct, no bitstream restriction
        }
        bits.into_nal(&[0x67])
    }
}

/// An SPS of High at 25 fps for pictures of this size, with the level that such pictures need (H.264 table A-1).
pub fn sps(width: u32, height: u32) -> Vec<u8> {
    let level_idc = match width.div_ceil(16) * height.div_ceil(16) {
        ..=3600 => 31,
        3601..=8192 => 40,
        8193.. => 51,
    };
    Sps { level_idc, width, height, ..Sps::default() }.write()
}

/// A PPS for any [`Sps`] (H.264 §7.3.2.2).
pub fn pps() -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.ue(0); // pic_parameter_set_id
    bits.ue(0); // seq_parameter_set_id
    bits.u(2, 0); // CAVLC, no bottom_field_pic_order_in_frame
    bits.ues(&[0; 3]); // one slice group, one reference each
    bits.u(3, 0); // no weighted prediction
    bits.ues(&[0; 3]); // pic_init_qp_minus26, pic_init_qs_minus26, chroma_qp_index_offset
    bits.u(3, 0); // no deblocking control, constrained intra prediction or redundant pictures
    bits.into_nal(&[0x68])
}

/// What a slice belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slice {
    /// An IDR picture: a keyframe.
    Idr,
    /// An I slice of a picture that is not IDR, as cameras with periodic intra refresh send.
    I,
    /// A predicted picture that others refer to.
    P,
    /// A bidirectional picture that nobody refers to.
    B,
}

/// A slice of `size` bytes (or its header, where that is longer) that starts a new picture.
pub fn slice(kind: Slice, size: usize) -> Vec<u8> {
    slice_at(kind, 0, size)
}

/// A slice that starts at macroblock `first_mb` (H.264 §7.3.3); any but 0 continues the picture before it.
pub fn slice_at(kind: Slice, first_mb: u32, size: usize) -> Vec<u8> {
    let (header, slice_type) = match kind {
        Slice::Idr => (0x65, 7),
        Slice::I => (0x61, 7),
        Slice::P => (0x61, 5),
        Slice::B => (0x01, 6),
    };
    let mut bits = BitWriter::default();
    bits.ue(first_mb);
    bits.ue(slice_type);
    bits.ue(0); // pic_parameter_set_id
    bits.u(4, 0); // frame_num
    if kind == Slice::Idr {
        bits.ue(0); // idr_pic_id
        bits.u(2, 0); // dec_ref_pic_marking: keep earlier output, not long-term
    } else {
        bits.u(reference_bits(kind), 0); // default reference lists and marking
    }
    bits.ue(0); // slice_qp_delta
    pad(bits.into_nal(&[header]), size, size as u64)
}

/// How many flags stand between `frame_num` and `slice_qp_delta`; all of them are 0 here.
const fn reference_bits(kind: Slice) -> u32 {
    match kind {
        // adaptive_ref_pic_marking_mode_flag; an IDR picture has two flags of its own instead.
        Slice::Idr | Slice::I => 1,
        // num_ref_idx_active_override_flag, ref_pic_list_modification_flag_l0, marking
        Slice::P => 3,
        // direct_spatial_mv_pred_flag, override, two lists; nobody refers to it: no marking
        Slice::B => 4,
    }
}

/// An access unit delimiter that allows every slice type.
pub fn aud() -> Vec<u8> {
    vec![0x09, 0xf0]
}

/// A SEI message with `payload_len` bytes of unregistered user data, 1 to 254.
pub fn sei(payload_len: u8) -> Vec<u8> {
    let nal = vec![0x06, 5, payload_len];
    let size = nal.len() + usize::from(payload_len);
    let mut nal = pad(nal, size, 5);
    nal.push(0x80);
    nal
}

#[cfg(test)]
mod tests {
    use super::*;
    use h264_reader::nal::pps::PicParameterSet;
    use h264_reader::nal::slice::SliceHeader;
    use h264_reader::nal::sps::SeqParameterSet;
    use h264_reader::nal::{Nal, RefNal};

    #[test]
    fn parameter_sets_and_slices_parse_with_another_parser() {
        let mut context = h264_reader::Context::default();
        for (profile_idc, fps) in [(66, None), (77, Some(15)), (100, Some(25))] {
            let nal =
                Sps { profile_idc, level_idc: 40, fps, width: 1920, height: 1080, ..Sps::default() }.write();
            let sps =
                SeqParameterSet::from_bits(RefNal::new(&nal, &[], true).rbsp_bits()).expect("a valid SPS");
            assert_eq!(sps.pixel_dimensions().expect("dimensions"), (1920, 1080));
            assert_eq!(sps.fps(), fps.map(f64::from));
            context.put_seq_param_set(sps);
        }
        let nal = pps();
        let pps = PicParameterSet::from_bits(&context, RefNal::new(&nal, &[], true).rbsp_bits());
        context.put_pic_param_set(pps.expect("a valid PPS"));
        for kind in [Slice::Idr, Slice::I, Slice::P, Slice::B] {
            let nal = slice_at(kind, 40, 1000);
            let nal = RefNal::new(&nal, &[], true);
            let (header, _, _) = SliceHeader::from_bits(
                &context,
                &mut nal.rbsp_bits(),
                nal.header().expect("a NAL unit header"),
                None,
            )
            .expect("a valid slice header");
            assert_eq!(header.first_mb_in_slice, 40);
        }
    }

    #[test]
    fn slices_have_the_size_asked_for_and_no_start_code() {
        let nal = slice(Slice::P, 5000);
        assert_eq!(nal.len(), 5000);
        assert!(!nal.windows(3).any(|three| three == [0, 0, 1]));
    }
}
