//! Every bound of the MP4 demuxer, with its reason.

/// Largest `moov` box kept. The tables of 10 hours at 25 pictures and 47 sounds a second have about 20 MB.
pub const MAX_MOOV_BYTES: u64 = 32 << 20;
/// Largest `moof` box kept: [`MAX_FRAGMENT_SAMPLES`] with 16 bytes each, and room for boxes nobody reads.
pub const MAX_MOOF_BYTES: u64 = 4 << 20;
/// Largest box that is passed over unread. Cover pictures and reserved room have a few MB.
pub const MAX_SKIPPED_BYTES: u64 = 64 << 20;
/// Largest `mdat` box: a day at 90 Mbit/s. It is never kept, but a size beyond this is a mistake or an attack.
pub const MAX_MDAT_BYTES: u64 = 1 << 40;
/// Most boxes without a frame between them. Fragmented files have about four (`styp`, `sidx`, `moof`, `mdat`).
pub const MAX_IDLE_BOXES: u32 = 256;
/// Largest sample: intra-only pictures of 8K have about 10 MB. More is not one picture.
pub const MAX_SAMPLE_BYTES: u32 = 16 << 20;
/// Most samples of one track in a file that one can go anywhere in: a week at 25 pictures a second has 15 million.
pub const MAX_INDEX_SAMPLES: u32 = 1 << 24;
/// Most samples of one fragment: a GOP of 10 minutes at 60 pictures a second with its sound has 64 000.
pub const MAX_FRAGMENT_SAMPLES: usize = 1 << 17;
/// Most tracks read: as many as a stream may have. Further ones are passed over.
pub const MAX_TRACKS: usize = 16;
/// Most sample descriptions of one track: files that were joined have one for each part.
pub const MAX_DESCRIPTIONS: usize = 32;
