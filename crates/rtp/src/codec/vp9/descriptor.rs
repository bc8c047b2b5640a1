//! The payload descriptor (RFC 9628 §4.2).

/// `I`: a picture id follows.
pub(super) const HAS_PICTURE_ID: u8 = 0x80;
/// `P`: the picture refers to another one.
pub(super) const PREDICTED: u8 = 0x40;
/// `L`: layer indices follow.
const HAS_LAYERS: u8 = 0x20;
/// `F`: the flexible mode, in which references are listed.
const FLEXIBLE: u8 = 0x10;
/// `B`: a layer frame starts here.
pub(super) const START: u8 = 0x08;
/// `E`: a layer frame ends here.
pub(super) const END: u8 = 0x04;
/// `V`: the scalability structure follows.
const HAS_STRUCTURE: u8 = 0x02;
/// Most references of a picture (§4.2, `P_DIFF`).
const MAX_REFERENCES: usize = 3;

/// What a packet is of its layer frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor<'a> {
    pub(super) starts: bool,
    pub(super) ends: bool,
    /// What stands behind the descriptor; not empty.
    pub(super) data: &'a [u8],
}

impl<'a> Descriptor<'a> {
    /// `None` if the payload ends too early.
    pub(super) fn parse(payload: &'a [u8]) -> Option<Self> {
        let (&first, mut rest) = payload.split_first()?;
        let has = |flag| first & flag != 0;
        if has(HAS_PICTURE_ID) {
            rest = rest.get(if rest.first()? & 0x80 != 0 { 2 } else { 1 }..)?;
        }
        if has(HAS_LAYERS) {
            // TID, U, SID, D; without references TL0PICIDX too.
            rest = rest.get(if has(FLEXIBLE) { 1 } else { 2 }..)?;
        }
        if has(FLEXIBLE) && has(PREDICTED) {
            rest = without_references(rest)?;
        }
        if has(HAS_STRUCTURE) {
            rest = without_structure(rest)?;
        }
        (!rest.is_empty()).then_some(Self { starts: has(START), ends: has(END), data: rest })
    }
}

fn without_references(mut rest: &[u8]) -> Option<&[u8]> {
    for _ in 0..MAX_REFERENCES {
        let (&reference, after) = rest.split_first()?;
        rest = after;
        if reference & 1 == 0 {
            break;
        }
    }
    Some(rest)
}

/// `N_S`, `Y` with sizes, `G` with the pictures of a group and their references (§4.2.1).
fn without_structure(rest: &[u8]) -> Option<&[u8]> {
    let (&head, mut rest) = rest.split_first()?;
    if head & 0x10 != 0 {
        let layers = usize::from(head >> 5) + 1;
        rest = rest.get(layers * 4..)?;
    }
    if head & 0x08 != 0 {
        let (&pictures, after) = rest.split_first()?;
        rest = after;
        for _ in 0..pictures {
            let (&picture, after) = rest.split_first()?;
            rest = after.get(usize::from((picture >> 2) & 3)..)?;
        }
    }
    Some(rest)
}
