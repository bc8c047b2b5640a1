//! H.265 NAL units, without start code: parameter sets that parse, slices whose header parses and whose rest is noise.

use crate::bits::{BitWriter, pad};

/// `profile_tier_level` of Main, level 3.1, 8 bits 4:2:0 (H.265 §7.3.3).
fn profile_tier_level(bits: &mut BitWriter) {
    bits.u(2, 0); // general_profile_space
    bits.u(1, 0); // general_tier_flag
    bits.u(5, 1); // general_profile_idc: Main
    bits.u(32, 0x6000_0000); // compatible with Main and Main 10
    bits.u(4, 0b1001); // progressive source, frame only
    bits.u(32, 0);
    bits.u(12, 0);
    bits.u(8, 93); // general_level_idc: 30 times 3.1
}

/// A VPS (H.265 §7.3.2.1).
pub fn vps() -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.u(4, 0); // vps_video_parameter_set_id
    bits.u(2, 0b11); // base layer, internal and available
    bits.u(6, 0); // vps_max_layers_minus1
    bits.u(3, 0); // vps_max_sub_layers_minus1
    bits.u(1, 1); // vps_temporal_id_nesting_flag
    bits.u(16, 0xffff);
    profile_tier_level(&mut bits);
    bits.u(1, 1); // vps_sub_layer_ordering_info_present_flag
    bits.ues(&[1, 0, 0]); // one reference, no reordering
    bits.u(6, 0); // vps_max_layer_id
    bits.ue(0); // vps_num_layer_sets_minus1
    bits.u(2, 0); // no timing, no extension
    bits.into_nal(&[0x40, 1])
}

/// An SPS of Main 3.1 at 25 fps for pictures of this size (H.265 §7.3.2.2).
pub fn sps(width: u32, height: u32) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.u(4, 0); // sps_video_parameter_set_id
    bits.u(3, 0); // sps_max_sub_layers_minus1
    bits.u(1, 1); // sps_temporal_id_nesting_flag
    profile_tier_level(&mut bits);
    bits.ue(0); // sps_seq_parameter_set_id
    bits.ue(1); // chroma_format_idc: 4:2:0
    let (coded_width, coded_height) = (width.next_multiple_of(8), height.next_multiple_of(8));
    bits.ue(coded_width);
    bits.ue(coded_height);
    let (right, bottom) = ((coded_width - width) / 2, (coded_height - height) / 2);
    bits.u(1, u32::from(right + bottom > 0)); // conformance_window_flag
    if right + bottom > 0 {
        bits.ues(&[0, right, 0, bottom]);
    }
    bits.ues(&[0, 0, 4]); // 8 bits, 8 bits, log2_max_pic_order_cnt_lsb_minus4
    bits.u(1, 1); // sps_sub_layer_ordering_info_present_flag
    bits.ues(&[1, 0, 0]);
    bits.ues(&[0, 3, 0, 3, 0, 0]); // coding blocks of 8 to 64, transform blocks of 4 to 32
    bits.u(4, 0); // no scaling lists, AMP, SAO, PCM
    bits.ue(0); // num_short_term_ref_pic_sets
    bits.u(3, 0); // no long-term references, temporal MVP, strong intra smoothing
    bits.u(1, 1); // vui_parameters_present_flag
    bits.u(4, 0); // no aspect ratio, overscan, video signal type, chroma location
    bits.u(4, 0); // no neutral chroma, field sequence, frame field information, default display window
    bits.u(1, 1); // vui_timing_info_present_flag
    bits.u(32, 1);
    bits.u(32, 25);
    bits.u(4, 0); // no POC timing, HRD, bitstream restriction; sps_extension_present_flag
    bits.into_nal(&[0x42, 1])
}

/// A PPS for [`sps`] (H.265 §7.3.2.3).
pub fn pps() -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.ue(0); // pps_pic_parameter_set_id
    bits.ue(0); // pps_seq_parameter_set_id
    bits.u(7, 0); // no dependent slices, output flag, extra bits (3), sign hiding, cabac_init
    bits.ues(&[0; 2]); // one reference each
    bits.ue(0); // init_qp_minus26
    bits.u(3, 0); // no constrained intra prediction, transform skip, QP delta
    bits.ues(&[0; 2]); // chroma QP offsets
    bits.u(6, 0); // no slice QP offsets, weighted prediction (2), lossless, tiles, entropy sync
    bits.u(4, 0); // no loop filter across slices, deblocking control, scaling lists, list modification
    bits.ue(0); // log2_parallel_merge_level_minus2
    bits.u(2, 0); // no slice header extension, no extension
    bits.into_nal(&[0x44, 1])
}

/// What a slice belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slice {
    /// An IDR picture (`IDR_W_RADL`): a keyframe.
    Idr,
    /// A clean random access picture: a keyframe with pictures that may be dropped before it.
    Cra,
    /// A predicted picture that others refer to (`TRAIL_R`).
    P,
}

/// A slice segment of `size` bytes that starts a new picture.
pub fn slice(kind: Slice, size: usize) -> Vec<u8> {
    slice_at(kind, true, size)
}

/// A slice segment of `size` bytes; `first` sets `first_slice_segment_in_pic_flag` (H.265 §7.3.6.1).
pub fn slice_at(kind: Slice, first: bool, size: usize) -> Vec<u8> {
    let nal_type: u8 = match kind {
        Slice::Idr => 19,
        Slice::Cra => 21,
        Slice::P => 1,
    };
    let mut bits = BitWriter::default();
    bits.u(1, u32::from(first));
    if kind != Slice::P {
        bits.u(1, 0); // no_output_of_prior_pics_flag
    }
    bits.ue(0); // slice_pic_parameter_set_id
    if first {
        slice_header(&mut bits, kind);
    }
    pad(bits.into_nal(&[nal_type << 1, 1]), size, size as u64)
}

/// The rest of the header of a picture's first segment, for [`sps`] and [`pps`].
fn slice_header(bits: &mut BitWriter, kind: Slice) {
    bits.ue(if kind == Slice::P { 1 } else { 2 }); // slice_type
    if kind != Slice::Idr {
        bits.u(8, 1); // slice_pic_order_cnt_lsb
        bits.u(1, 0); // short_term_ref_pic_set_sps_flag
        bits.ues(&[u32::from(kind == Slice::P), 0]); // num_negative_pics, num_positive_pics
    }
    if kind == Slice::P {
        bits.ue(0); // delta_poc_s0_minus1
        bits.u(1, 1); // used_by_curr_pic_s0_flag
        bits.u(1, 0); // num_ref_idx_active_override_flag
        bits.ue(0); // five_minus_max_num_merge_cand
    }
    bits.ue(0); // slice_qp_delta
}

/// An access unit delimiter that allows every slice type.
pub fn aud() -> Vec<u8> {
    vec![0x46, 0x01, 0x50]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nal_units_carry_their_types() {
        let nal_type = |nal: Vec<u8>| nal[0] >> 1;
        let slices = [Slice::Idr, Slice::Cra, Slice::P].map(|kind| nal_type(slice(kind, 100)));
        assert_eq!(slices, [19, 21, 1]);
        assert_eq!([vps(), sps(1280, 720), pps(), aud()].map(nal_type), [32, 33, 34, 35]);
    }

    #[test]
    fn slices_have_the_size_asked_for() {
        assert_eq!(slice(Slice::P, 3000).len(), 3000);
        assert_eq!(slice_at(Slice::P, false, 3000)[2] & 0x80, 0);
    }
}
