//! RTMP on sockets: servers that we dial, to play or to publish, and players and encoders that dial us.

mod connection;
pub(crate) mod dial;
mod fanout;
pub(crate) mod listen;
mod open;

use yeoul_container::flv;
use yeoul_hub::Want;
use yeoul_media::Kind;

/// One picture and one sound at most, of codecs that FLV carries: as the query asks for, or whatever there is.
pub(crate) fn wants(query: &str) -> Vec<Want> {
    let asked = crate::wants::from_query(query);
    let asked = if asked.is_empty() { [Kind::Video, Kind::Audio].map(Want::any).into() } else { asked };
    let mut wants: Vec<Want> = Vec::new();
    for want in asked {
        if wants.iter().all(|known| known.kind != want.kind) {
            wants.push(Want { all: false, ..want }.limited_to(flv::carries));
        }
    }
    wants
}

/// A number that no other session has.
fn seed() -> u64 {
    u64::from_be_bytes(crate::random::bytes())
}
