//! Every bound of this crate, with its reason.

use std::time::Duration;

/// Longest offer. Browsers send 3 to 8 KiB, with a dozen codecs and all candidates.
pub const MAX_OFFER_BYTES: usize = 64 << 10;
/// Longest trickle fragment: some candidates.
pub const MAX_FRAGMENT_BYTES: usize = 16 << 10;
/// Most media of an offer: viewers ask for one video and one audio; more are answered as rejected up to this.
pub const MAX_MEDIAS: usize = 16;
/// Most payload types of one media: a browser with every codec it knows offers about 50.
pub const MAX_FORMATS: usize = 128;
/// Most candidates taken of one viewer: a laptop with several networks gathers about 10. With our own addresses they form
/// the pairs to check.
pub const MAX_REMOTE_CANDIDATES: usize = 16;
/// Most candidate pairs checked for one viewer (RFC 8445 §6.1.2.5 says 100 at most).
pub const MAX_CANDIDATE_PAIRS: usize = 64;
/// Most addresses a viewer may be seen from until ICE is restarted; a NAT that changes its mapping makes a few. More would
/// let the holder of one session fill tables by forging source addresses.
pub const MAX_REMOTE_ADDRESSES: usize = 16;
/// DTLS datagrams kept until ICE has validated their sender: a first flight, which otherwise would be sent again after a
/// timeout.
pub const MAX_EARLY_DTLS: usize = 4;
/// Longest datagram looked at: what Ethernet carries. STUN, DTLS flights and RTCP of viewers are shorter.
pub const MAX_DATAGRAM_BYTES: usize = 1500;

/// From the answer to the end of the DTLS handshake. Browsers give up ICE after 15 to 30 s.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// A viewer from which nothing authentic has come for so long is gone: browsers check consent every 2.5 s (RFC 7675 ends
/// consent after 30 s) and report every second.
pub const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);
/// How often ICE checks the path of a connected viewer, at most.
pub const ICE_CHECK_INTERVAL: Duration = Duration::from_secs(3);

/// Largest RTP payload. With RTP header, `mid` extension, GCM tag, RTX header and a TURN channel around it the datagram
/// stays within the 1232 bytes that every IPv6 path carries (RFC 8200 §5).
pub const MAX_PAYLOAD_BYTES: usize = 1180;
/// Most bytes of one burst: one datagram of UDP segmentation offload cannot be longer than an IP packet.
pub const MAX_BURST_BYTES: usize = 60_000;
/// Most packets of one burst. A viewer's socket takes about 90 packets by default on Linux; a burst of 64 on top of others
/// overflowed it.
pub const MAX_BURST_PACKETS: usize = 32;
/// Pace of one viewer at most: what a join from the middle of a GOP was measured with (a picture after 57 to 150 ms), and
/// above the bitrate of every camera.
pub const PACE_BYTES_PER_SECOND: u64 = 25_000_000;
/// Pace to begin with where the round trip says that the viewer is not in the same house: half of what most lines carry.
pub const FAR_PACE_BYTES_PER_SECOND: u64 = 6_250_000;
/// A round trip from which a viewer is far. Ethernet and a good Wi-Fi stay below it.
pub const FAR_ROUND_TRIP: Duration = Duration::from_millis(10);
/// The slowest pace: above the bitrate of nearly every camera, for a slower one would never catch up.
pub const MIN_PACE_BYTES_PER_SECOND: u64 = 2_500_000;
/// Packets missed together from which the pace is taken as too fast; fewer are what radio links lose anyway.
pub const PACE_LOSS_PACKETS: usize = 8;
/// The pace is halved at most so often: what is on its way when it is halved will be missed too.
pub const PACE_HALVING_INTERVAL: Duration = Duration::from_millis(100);
/// After this time without such a loss the pace grows by a quarter.
pub const PACE_GROWTH_INTERVAL: Duration = Duration::from_secs(1);
/// What may be sent at once after a pause: an ordinary frame of a 4 Mbit/s camera in one go, 1.6 ms of the pace.
pub const PACE_BURST_BYTES: u64 = 40_000;

/// Frames of a track that can be sent again. At 25 frames a second these are 10 s; while a backlog is sent at full pace,
/// about a second, several round trips.
pub const HISTORY_FRAMES: usize = 256;
/// Age at which a frame is not sent again: a receiver has given it up (browsers wait at most about a second).
pub const HISTORY_AGE: Duration = Duration::from_secs(3);
/// Retransmissions of one viewer: packets a second, far above 5 % loss of a 16 Mbit/s stream (75 a second). Floods of
/// NACKs cost no more than this.
pub const RESEND_PACKETS_PER_SECOND: u64 = 1000;
/// Retransmissions that may be asked for at once: 5 % of the largest backlog.
pub const RESEND_BURST: u64 = 1000;
/// A lost picture is answered by going back to the last keyframe, not more often than this: a viewer that cannot decode at
/// all asks several times a second.
pub const MIN_KEYFRAME_INTERVAL: Duration = Duration::from_secs(1);
/// Longest time that a viewer is asked to hold pictures back: more would no longer be live.
pub const MAX_PLAYOUT_DELAY: Duration = Duration::from_millis(600);
/// A packet that comes too late stops the picture for a moment. So many of these a minute are borne; browsers tolerate a
/// further 150 ms, so that most of them are not even seen.
pub const PLAYOUT_STUTTERS_PER_MINUTE: f64 = 4.0;
/// Reports that follow each other faster are counted as if they did not: browsers send one a second, and a rate over less
/// time says nothing.
pub const MIN_REPORT_INTERVAL: Duration = Duration::from_millis(100);
/// From a loss to the request for the packet, beside the round trip: browsers look every 20 ms.
pub const RESEND_REACTION: Duration = Duration::from_millis(25);
/// Smaller changes are not worth telling.
pub const PLAYOUT_DELAY_STEP: Duration = Duration::from_millis(20);
/// The delay is kept so long after the loss that needed it: every change is seen as a jump in time.
pub const PLAYOUT_DELAY_KEPT: Duration = Duration::from_secs(20);
/// A delay is told with every packet for so long: long enough that one of them comes through.
pub const PLAYOUT_DELAY_TOLD: Duration = Duration::from_secs(1);
/// Packets of a viewer of which no arrival has been told yet, kept at most: two seconds of 10 Mbit/s.
pub const UNREPORTED_PACKETS: usize = 2048;
/// Packets whose arrival is known, kept at most: [`RATE_WINDOW`] of 40 Mbit/s.
pub const ACKNOWLEDGED_PACKETS: usize = 4096;
/// What arrives is counted over so long: half of a usual GOP, so that keyframes do not make it jump.
pub const RATE_WINDOW: Duration = Duration::from_secs(1);
/// Less says nothing about a rate.
pub const MIN_RATE_WINDOW: Duration = Duration::from_millis(200);
/// The luckiest packet of so long tells the queue: several pictures, of which one may be a large keyframe.
pub const QUEUE_WINDOW: Duration = Duration::from_millis(300);
/// The same while a trial makes the queue itself.
pub const TRIAL_QUEUE_WINDOW: Duration = Duration::from_millis(120);
/// The least way of packets counts for so long, and as long again: a path that has become longer is known after that.
pub const BASE_WINDOW: Duration = Duration::from_secs(20);
/// A receiver's clock that jumps this far has started anew.
pub const CLOCK_RESET: Duration = Duration::from_secs(3600);
/// A queue that no packet gets around and that is this long is no accident: radio links make packets wait for less.
pub const CONGESTED_QUEUE: Duration = Duration::from_millis(150);
/// Repetitions make good for less than this; above, it mostly is a line that throws away what it does not carry.
pub const CONGESTED_LOSS: f64 = 0.1;
/// How long that has to last.
pub const CONGESTED_TIME: Duration = Duration::from_millis(400);
/// A queue goes away in this time if the line carries the stream on average: the GOP so far of 4 Mbit/s and 10 s takes so
/// long where it carries twice as much.
pub const CONGESTION_BEARABLE: Duration = Duration::from_secs(6);
/// A line has to carry this much of what a quality needs on average: a camera's picture is not always equally hard to code.
pub const HEADROOM: f64 = 1.15;
/// A quality of which nothing is known is taken to need so many times what the next lower one does.
pub const UNKNOWN_FACTOR: f64 = 2.5;
/// After a change of quality, what was sent before it is still on its way for so long.
pub const SETTLE_TIME: Duration = Duration::from_secs(2);
/// How long a line has to be good before more is tried for the first time …
pub const TRIAL_FIRST: Duration = Duration::from_secs(5);
/// … and, after several trials that failed, at the longest.
pub const TRIAL_LONGEST: Duration = Duration::from_secs(60);
/// How long a trial sends more: it grows in [`TRIAL_RAMP`], then the line has to bear it as long again.
pub const TRIAL_TIME: Duration = Duration::from_millis(2_200);
/// In how long it grows.
pub const TRIAL_RAMP: Duration = Duration::from_secs(1);
/// What a trial may send at once, as time of its rate.
pub const TRIAL_BURST: Duration = Duration::from_millis(20);
/// A queue of this length ends a trial …
pub const TRIAL_QUEUE: Duration = Duration::from_millis(60);
/// … or that loss …
pub const TRIAL_LOSS: f64 = 0.08;
/// … if it lasts so long.
pub const TRIAL_BEARABLE: Duration = Duration::from_millis(120);
/// A line that has to go down again in this time after it went up was tried too soon.
pub const RELAPSE_TIME: Duration = Duration::from_secs(15);
/// Frames whose packets are sent again to fill the line: the viewer has them, and each packet is another one for a while.
pub const PADDING_FRAMES: usize = 8;
/// Between sender reports of a viewer. Receivers need one to show sound and picture in step, and its clock drifts slowly.
pub const SENDER_REPORT_INTERVAL: Duration = Duration::from_secs(2);
/// Most senders of RTP or RTCP towards us in one session whose replay windows are kept: a viewer has one for each media
/// it could send, a publisher two for each, and others when its encoder begins anew.
pub const MAX_REMOTE_SSRCS: usize = 32;
/// How far behind the newest packet of a sender another one may come: twice as far as lost ones are asked for again
/// ([`MAX_MISSING_PACKETS`]), for those that come again as they were. RFC 3711 §3.3.2 asks for 64 at least.
pub const REPLAY_WINDOW: u64 = 1024;

/// From a loss of a publisher's packet to the request for it: those that only came in another order need none. Jitter of radio
/// links that turns the order around is a matter of milliseconds.
pub const NACK_DELAY: Duration = Duration::from_millis(10);
/// A packet is asked for again after the round trip, and not sooner than this: browsers' own interval is 20 ms.
pub const NACK_INTERVAL: Duration = Duration::from_millis(20);
/// Most packets that one NACK asks for: what a datagram has room for, where each stands alone.
pub const NACK_PACKETS: usize = 250;
/// Most packets of a publisher that are waited for, and the largest gap that is asked for: half a second of 8 Mbit/s. A keyframe
/// makes more than that good.
pub const MAX_MISSING_PACKETS: u64 = 512;
/// Attempts at a lost packet that a picture waits for: with 5 % loss each way the third fails once in a thousand losses.
pub const REPAIR_ROUND_TRIPS: u32 = 3;
/// What is waited beside these round trips, for [`NACK_DELAY`] and what sender and receiver take.
pub const MIN_REPAIR_WAIT: Duration = Duration::from_millis(50);
/// A picture waits no longer than that for a lost packet: then a keyframe is the better way.
pub const MAX_REPAIR_WAIT: Duration = Duration::from_millis(500);
/// Publishers begin with a keyframe: so long after their first packet none is asked for.
pub const INGRESS_KEYFRAME_FIRST: Duration = Duration::from_millis(200);
/// How soon a keyframe is asked for again, where the picture is lost: encoders need some pictures for it, and a round trip.
pub const INGRESS_KEYFRAME_RETRY: Duration = Duration::from_millis(500);
/// How old a publisher's last keyframe may be before another one is asked for: browsers send none unasked, and from a keyframe on
/// viewers begin and segments are cut.
pub const INGRESS_KEYFRAME_INTERVAL: Duration = Duration::from_secs(2);
/// How often a publisher is told when its packets came: as often as browsers tell each other at most.
pub const ARRIVALS_INTERVAL: Duration = Duration::from_millis(50);
/// Most packets in one of these reports: 50 ms of 100 Mbit/s, and what a datagram has room for.
pub const ARRIVALS_PACKETS: usize = 400;
/// How often a publisher is reported to (RFC 3550 §6.2 with the shorter interval that browsers use).
pub const RECEPTION_REPORT_INTERVAL: Duration = Duration::from_secs(1);
