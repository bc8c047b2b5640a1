//! Whatever a camera does, every playlist is one that the checker takes, and every frame is in it once.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use yeoul_testkit::{Rng, epoch};

/// What a camera does next.
#[derive(Clone, Debug)]
enum Act {
    /// A GOP of so many frames, so far apart, each off by so much.
    Film { frames: u32, distance_ms: u64, jitter_ms: u64 },
    /// Frames are lost on the way: the first of the next GOP, or some in the middle of it.
    Lose { frames: u32 },
    /// Nothing comes for a while.
    Pause { millis: u64 },
    /// Another resolution.
    Resize { width: u32 },
    /// The time stamps jump forward.
    Jump { millis: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    let distance = prop::sample::select(vec![16u64, 20, 33, 40, 50, 66, 80, 100, 125, 200, 400]);
    prop_oneof![
        12 => (1u32..80, distance, 0u64..12)
            .prop_map(|(frames, distance_ms, jitter_ms)| Act::Film { frames, distance_ms, jitter_ms }),
        1 => (1u32..20).prop_map(|frames| Act::Lose { frames }),
        1 => (100u64..9000).prop_map(|millis| Act::Pause { millis }),
        1 => prop::sample::select(vec![640u32, 1280, 1920]).prop_map(|width| Act::Resize { width }),
        1 => (10_000u64..10_000_000).prop_map(|millis| Act::Jump { millis }),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    prop_oneof![
        3 => Just(low_latency()),
        1 => Just(Options { keyframe_distance: Some(Duration::from_secs(3)), first_msn: 77, ..low_latency() }),
        1 => Just(classic(Form::Fmp4)),
        1 => Just(classic(Form::Ts)),
    ]
}

/// What happened, in order.
#[derive(Default)]
struct Record {
    /// Video frames that were given to the segmenter: number, keyframe, whether frames before it may be missing.
    pushed: Vec<(u64, bool, bool)>,
    broken: bool,
}

/// Runs the camera; returns the client, and what it was given up to an error.
fn run(options: Options, acts: &[Act], with_sound: bool, seed: u64) -> (Client, Record) {
    let tracks = if with_sound { vec![video(), audio()] } else { vec![video()] };
    let mut client = Client::new(options, &tracks);
    let (mut camera, mut rng, mut record) = (Camera::default(), Rng::new(seed), Record::default());
    let (mut now, mut offset, mut sound) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut lose, mut fresh, mut last, mut pushed) = (0, true, Duration::ZERO, Duration::ZERO);
    for act in acts {
        match *act {
            Act::Lose { frames } => lose = frames,
            Act::Pause { millis } => now += ms(millis),
            Act::Resize { width } => camera.codec = Some(Arc::new(h264(width))),
            Act::Jump { millis } => {
                offset += ms(millis);
                fresh = true;
            }
            Act::Film { frames, distance_ms, jitter_ms } => {
                for index in 0..frames {
                    let jitter = ms(rng.below(jitter_ms.min(distance_ms / 2) + 1));
                    let at = (now + jitter).max(last);
                    last = at;
                    now += ms(distance_ms);
                    if lose > 0 {
                        lose -= 1;
                        // Without its keyframe a GOP is passed over by whoever sends it; a picture is not.
                        if index > 0 {
                            continue;
                        }
                    }
                    while with_sound && sound < at {
                        let mut frame = camera.frame(AUDIO, sound, true);
                        frame.pts = frame.pts + offset;
                        frame.dts = frame.pts;
                        sound += ms(64);
                        if client.push(&frame).is_err() {
                            return (client, record);
                        }
                    }
                    sound = sound.max(at);
                    // So long a silence may be an absence, which lasts until the next keyframe.
                    fresh |= at.saturating_sub(pushed) >= ms(1000);
                    pushed = at;
                    let mut frame = camera.frame(VIDEO, at, index == 0);
                    frame.pts = frame.pts + offset;
                    frame.dts = frame.pts;
                    record.pushed.push((number_of(&frame.data), index == 0, fresh));
                    fresh = false;
                    if client.push(&frame).is_err() {
                        record.broken = true;
                        return (client, record);
                    }
                }
            }
        }
    }
    client.wait(epoch() + now);
    client.end();
    (client, record)
}

proptest! {
    // Each case is minutes of film, loaded part by part.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 8, ..ProptestConfig::default() })]

    #[test]
    fn every_playlist_is_valid_and_every_frame_is_in_it_once(
        options in options(),
        acts in prop::collection::vec(act(), 1..30),
        with_sound: bool,
        seed: u64,
    ) {
        let (client, record) = run(options, &acts, with_sound, seed);
        prop_assert!(client.most_bytes < 32 << 20, "{} bytes", client.most_bytes);
        if record.broken {
            return Ok(());
        }
        let frames = client.frames();
        let of = |id| frames.iter().filter(|frame| frame.0 == id).map(|frame| frame.1).collect::<Vec<u64>>();
        let seen = of(VIDEO);
        let unique: BTreeSet<u64> = seen.iter().copied().collect();
        prop_assert_eq!(unique.len(), seen.len(), "a frame is there twice");
        // What is missing was sent after a pause or a jump, up to a keyframe.
        let mut rest = seen.iter().peekable();
        let mut excused = true;
        for (number, keyframe, fresh) in &record.pushed {
            if rest.next_if_eq(&number).is_some() {
                excused = false;
                continue;
            }
            excused |= fresh;
            prop_assert!(excused, "a frame is missing (keyframe: {})", keyframe);
        }
        prop_assert!(rest.next().is_none(), "a frame came from nowhere, or out of order");
        // Sound is there in order, too.
        let sound = of(AUDIO);
        prop_assert!(sound.is_sorted_by(|a, b| a < b), "sound is out of order");
    }
}
