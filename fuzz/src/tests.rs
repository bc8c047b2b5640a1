//! Every target over its seeds and damaged copies of them.

use super::{TARGETS, Target};
use std::panic::{AssertUnwindSafe, catch_unwind};
use yeoul_testkit::Rng;

/// Damaged copies of each seed: many enough to reach every branch near the seed, few enough for a second or two.
const COPIES: u32 = 2_000;

#[test]
fn targets_survive_their_seeds_and_damaged_copies() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        check(target, &[]);
        let mut rng = Rng::new(1);
        for seed in &seeds {
            check(target, seed);
            for _ in 0..COPIES {
                check(target, &damaged(seed, &seeds, &mut rng));
            }
        }
    }
}

#[test]
fn targets_and_files_of_libfuzzer_are_the_same() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz_targets");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().replace(".rs", ""))
        .collect();
    files.sort();
    assert!(files.iter().eq(TARGETS.iter().map(|target| target.name)), "{files:?}");
}

/// Names the target and the input where a target panics, so that the input can become a test.
fn check(target: &Target, data: &[u8]) {
    let run = catch_unwind(AssertUnwindSafe(|| (target.run)(data)));
    assert!(run.is_ok(), "{} panics on {}", target.name, data.escape_ascii());
}

/// A copy with one to four faults: flipped, inserted, removed, repeated, cut or foreign bytes.
fn damaged(seed: &[u8], seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut data = seed.to_vec();
    for _ in 0..=rng.below(4) {
        let at = index(rng, data.len() + 1);
        let end = (at + index(rng, 9)).min(data.len());
        match rng.below(7) {
            0 => data[at..end].iter_mut().for_each(|byte| *byte ^= 1 << rng.below(8)),
            1 => data[at..end].fill(0xff),
            2 => data[at..end].fill(0),
            3 => drop(data.drain(at..end)),
            4 => drop(data.splice(at..at, rng.bytes(4))),
            5 => data.truncate(at),
            _ => {
                let other = &seeds[index(rng, seeds.len())];
                data.splice(at..end, other[index(rng, other.len())..].iter().take(64).copied());
            }
        }
    }
    data
}

/// An index below `len`; 0 where `len` is 0.
fn index(rng: &mut Rng, len: usize) -> usize {
    usize::try_from(rng.below(len as u64)).expect("below a length")
}
