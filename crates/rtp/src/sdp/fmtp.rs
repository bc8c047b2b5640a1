//! Format parameters (`a=fmtp`): `name=value` pairs between semicolons, names in any case.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use yeoul_media::bitstream::nal;

/// Cameras leave the padding out, or the last bits set.
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The parameters of one format.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parameters<'a> {
    /// Takes what stands after the payload type.
    pub(super) fn add(&mut self, text: &'a str) {
        let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
        self.0.extend(pairs.map(|(name, value)| (name.trim(), value.trim())));
    }

    /// The first value of `name`.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// The number `name`, if it is one of its type.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    /// The bytes of the hexadecimal `name`.
    pub(super) fn hex(&self, name: &str) -> Option<Vec<u8>> {
        hex::decode(self.get(name)?).ok()
    }

    /// The NAL units of `name`, base64 between commas; what is not base64 is left out. Start codes at the end (GW
    /// Security) or between units belong to no unit.
    pub(super) fn nal_units(&self, name: &str) -> Vec<Bytes> {
        let list = self.get(name).unwrap_or_default().split(',');
        list.filter_map(|unit| TOLERANT.decode(unit.trim()).ok()).flat_map(|unit| split(&unit)).collect()
    }

    /// The NAL units of the byte stream in the hexadecimal `config` (Anjvision).
    pub(super) fn config_units(&self) -> Vec<Bytes> {
        self.hex("config").map(|stream| split(&stream)).unwrap_or_default()
    }
}

fn split(unit: &[u8]) -> Vec<Bytes> {
    let stream = [&[0, 0, 1][..], unit].concat();
    nal::annex_b(&stream).map(Bytes::copy_from_slice).collect()
}

/// Base64 as SDP writes it.
pub(super) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_any_case_and_values_any_sign() {
        let mut parameters = Parameters::default();
        parameters.add("streamtype=5; SizeLength=13;sprop=ab==,cd= ;; x");
        assert_eq!(parameters.number::<u8>("sizelength"), Some(13));
        assert_eq!(parameters.get("SPROP"), Some("ab==,cd="));
        assert_eq!(parameters.get("x"), None);
    }

    #[test]
    fn units_come_with_and_without_padding_and_start_codes() {
        let mut parameters = Parameters::default();
        parameters.add("sprop=Z00AKgAAAAE=,aO48gA,!!");
        let units = parameters.nal_units("sprop");
        assert_eq!(units, [&[0x67, 0x4d, 0, 0x2a][..], &[0x68, 0xee, 0x3c, 0x80]]);
    }
}
