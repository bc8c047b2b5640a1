//! The PTZ service (ONVIF PTZ §5): a camera is turned, and zooms.

use crate::limits::{PRESETS, TOKEN_BYTES};
use crate::operation::{Operation, content_type};
use crate::soap::printable;
use crate::xml::{Element, escape};
use std::time::Duration;

/// How fast a camera is moved on each axis, from -1 to 1; an axis without a speed is not touched.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Velocity {
    /// Positive is to the right.
    pub pan: Option<f32>,
    /// Positive is up.
    pub tilt: Option<f32>,
    /// Positive is nearer.
    pub zoom: Option<f32>,
}

/// A position that the camera knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name in requests.
    pub token: String,
    /// Its name for people; may be empty.
    pub name: String,
}

/// Moves until told otherwise, or for `timeout`: told in whole seconds, which is what all cameras read, never less than asked for.
#[must_use]
pub fn continuous_move(profile: &str, velocity: Velocity, timeout: Duration) -> Operation {
    let profile = escape(profile);
    // The schema has both or neither (`Vector2D`).
    let pan_tilt = (velocity.pan.is_some() || velocity.tilt.is_some()).then(|| {
        let (pan, tilt) = (velocity.pan.unwrap_or_default(), velocity.tilt.unwrap_or_default());
        format!("<tt:PanTilt x=\"{pan}\" y=\"{tilt}\"/>")
    });
    let zoom = velocity.zoom.map(|zoom| format!("<tt:Zoom x=\"{zoom}\"/>"));
    let velocity: String = [pan_tilt, zoom].into_iter().flatten().collect();
    let seconds = timeout.as_secs() + u64::from(timeout.subsec_nanos() > 0);
    Operation::new(
        content_type!("http://www.onvif.org/ver20/ptz/wsdl", "ContinuousMove"),
        format!(
            "<tptz:ContinuousMove><tptz:ProfileToken>{profile}</tptz:ProfileToken>\
             <tptz:Velocity>{velocity}</tptz:Velocity><tptz:Timeout>PT{seconds}S</tptz:Timeout></tptz:ContinuousMove>"
        ),
    )
}

/// Ends every movement.
#[must_use]
pub fn stop(profile: &str) -> Operation {
    let profile = escape(profile);
    Operation::new(
        content_type!("http://www.onvif.org/ver20/ptz/wsdl", "Stop"),
        format!(
            "<tptz:Stop><tptz:ProfileToken>{profile}</tptz:ProfileToken>\
             <tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom></tptz:Stop>"
        ),
    )
}

/// Asks which positions there are.
#[must_use]
pub fn get_presets(profile: &str) -> Operation {
    let profile = escape(profile);
    Operation::new(
        content_type!("http://www.onvif.org/ver20/ptz/wsdl", "GetPresets"),
        format!("<tptz:GetPresets><tptz:ProfileToken>{profile}</tptz:ProfileToken></tptz:GetPresets>"),
    )
}

/// The presets of `GetPresetsResponse`, at most [`PRESETS`]. One without a token cannot be gone to and is left out.
#[must_use]
pub fn presets(answer: &Element) -> Vec<Preset> {
    let presets = answer.children_named("Preset").filter_map(|preset| {
        let token =
            preset.attribute("token").filter(|token| !token.is_empty() && token.len() <= TOKEN_BYTES)?;
        let name = printable(preset.text_at(&["Name"]).unwrap_or_default());
        Some(Preset { token: token.to_owned(), name })
    });
    presets.take(PRESETS).collect()
}

/// Goes to a preset.
#[must_use]
pub fn goto_preset(profile: &str, preset: &str) -> Operation {
    let (profile, preset) = (escape(profile), escape(preset));
    Operation::new(
        content_type!("http://www.onvif.org/ver20/ptz/wsdl", "GotoPreset"),
        format!(
            "<tptz:GotoPreset><tptz:ProfileToken>{profile}</tptz:ProfileToken>\
             <tptz:PresetToken>{preset}</tptz:PresetToken></tptz:GotoPreset>"
        ),
    )
}

/// Goes to the home position.
#[must_use]
pub fn goto_home_position(profile: &str) -> Operation {
    let profile = escape(profile);
    Operation::new(
        content_type!("http://www.onvif.org/ver20/ptz/wsdl", "GotoHomePosition"),
        format!(
            "<tptz:GotoHomePosition><tptz:ProfileToken>{profile}</tptz:ProfileToken></tptz:GotoHomePosition>"
        ),
    )
}
