//! A viewer behind a line of chosen width, on a virtual clock: what is measured, and what is done.

use super::*;
use crate::limits::TRIAL_RAMP;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use yeoul_rtp::rtcp::Arrivals;
use yeoul_testkit::{Rng, epoch};

const MS: Duration = Duration::from_millis(1);
const PACKET_BYTES: usize = 1_200;
/// Best first, in bits a second.
const RATES: [f64; 3] = [2_400_000.0, 1_000_000.0, 300_000.0];

/// A line with a queue in front of its narrowest place.
#[derive(Clone, Copy)]
struct Line {
    bits_per_second: f64,
    /// How long a packet waits at most; those that would have to wait longer are lost.
    queue: Duration,
    delay: Duration,
    jitter: Duration,
    loss: f64,
}

const HOME: Line = Line {
    bits_per_second: 20e6,
    queue: Duration::from_millis(300),
    delay: Duration::from_millis(20),
    jitter: Duration::ZERO,
    loss: 0.0,
};

struct World {
    now: Instant,
    line: Line,
    rng: Rng,
    meter: Meter,
    ladder: Ladder,
    /// When the narrowest place has sent all that it has taken.
    free_at: Instant,
    /// Number and arrival, in the order of sending.
    on_the_way: VecDeque<(u16, Option<Instant>)>,
    feedback: VecDeque<(Instant, Arrivals)>,
    /// What a trial wants, and since when.
    trial: Option<(f64, Instant)>,
    budget: f64,
    frame: u32,
    /// What was done, with the second it was done in.
    steps: Vec<(u64, Step)>,
    /// The longest time a packet waited.
    worst: Duration,
    /// There is no other quality than the present one.
    refuses: bool,
}

impl World {
    fn new(line: Line) -> Self {
        let now = epoch();
        Self {
            now,
            line,
            rng: Rng::new(5),
            meter: Meter::new(now),
            ladder: Ladder::new(now, RATES.len(), 0),
            free_at: now,
            on_the_way: VecDeque::new(),
            feedback: VecDeque::new(),
            trial: None,
            budget: 0.0,
            frame: 0,
            steps: Vec::new(),
            worst: Duration::ZERO,
            refuses: false,
        }
    }

    /// Sends video and, during a trial, more, for `seconds`.
    fn run(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds * 100 {
            self.now += 10 * MS;
            let tick = self.now.duration_since(epoch()).as_millis();
            if tick.is_multiple_of(40) {
                self.send_frame();
            }
            if let Some((wanted, began)) = self.trial {
                let grown = self.now.duration_since(began).as_secs_f64() / TRIAL_RAMP.as_secs_f64();
                let wanted = wanted * grown.min(1.0);
                self.budget = (self.budget + wanted * 0.01 / 8.0).min(wanted * 0.02 / 8.0);
                while self.budget > 0.0 {
                    self.send(PACKET_BYTES);
                }
            }
            if tick.is_multiple_of(100) {
                self.report();
            }
            while self.feedback.front().is_some_and(|(at, _)| *at <= self.now) {
                if let Some((_, arrivals)) = self.feedback.pop_front()
                    && let Some(reading) = self.meter.on_arrivals(&arrivals)
                    && let Some(step) = self.ladder.on_reading(self.now, &reading, |rung| Some(RATES[rung]))
                {
                    self.take(step);
                }
            }
        }
        self
    }

    fn take(&mut self, step: Step) {
        self.steps.push((self.now.duration_since(epoch()).as_secs(), step));
        match step {
            Step::Down(_) | Step::Up(_) if self.refuses => self.ladder.unavailable(self.now),
            Step::Down(to) | Step::Up(to) => {
                self.trial = None;
                self.ladder.switched(self.now, to);
                self.frame = 0;
            }
            Step::Try(wanted) => (self.trial, self.budget) = (Some((wanted, self.now)), 0.0),
            Step::EndTry => self.trial = None,
        }
    }

    /// A keyframe every 2 s, eight times as large as others.
    fn send_frame(&mut self) {
        let share = if self.frame.is_multiple_of(50) { 8.0 } else { 1.0 } * 50.0 / 57.0;
        self.frame += 1;
        let mut bytes = RATES[self.ladder.current()] / 8.0 / 25.0 * share;
        while bytes > 0.0 {
            self.send(if bytes >= 1_200.0 { PACKET_BYTES } else { 200 });
            bytes -= 1_200.0;
        }
    }

    fn send(&mut self, bytes: usize) {
        let size = f64::from(u32::try_from(bytes).unwrap());
        self.budget -= size;
        let number = self.meter.number(self.now, bytes);
        let waits = self.free_at.saturating_duration_since(self.now);
        let arrival = if waits > self.line.queue || self.rng.chance(self.line.loss) {
            None
        } else {
            self.worst = self.worst.max(waits);
            self.free_at =
                self.free_at.max(self.now) + Duration::from_secs_f64(size * 8.0 / self.line.bits_per_second);
            let jitter = Duration::from_micros(
                self.rng.below(u64::try_from(self.line.jitter.as_micros()).unwrap() + 1),
            );
            Some(self.free_at + self.line.delay + jitter)
        };
        self.on_the_way.push_back((number, arrival));
    }

    /// What has come, told by a clock that began a day ago.
    fn report(&mut self) {
        let last = self.on_the_way.iter().rposition(|(_, at)| at.is_some_and(|at| at <= self.now));
        let Some(last) = last else { return };
        let told: Vec<_> = self.on_the_way.drain(..=last).collect();
        let ticks = |at: Instant| {
            i64::try_from((at.duration_since(epoch()) + Duration::from_secs(86_400)).as_micros() / 250)
                .unwrap()
        };
        let first = told.iter().find_map(|(_, at)| *at).expect("one has come");
        let reference = ticks(first) / 256;
        let mut before = reference * 256;
        let differences = told.iter().map(|(_, at)| {
            let difference = ticks((*at)?) - before;
            before += difference;
            i16::try_from(difference).ok()
        });
        let arrivals = Arrivals {
            first: told[0].0,
            reference: u32::try_from(reference).unwrap(),
            differences: differences.collect(),
            ..Arrivals::default()
        };
        self.feedback.push_back((self.now + self.line.delay, arrivals));
    }

    /// The qualities taken, with the second.
    fn changes(&self) -> Vec<(u64, usize)> {
        let change = |(at, step): &(u64, Step)| match step {
            Step::Down(to) | Step::Up(to) => Some((*at, *to)),
            Step::Try(_) | Step::EndTry => None,
        };
        self.steps.iter().filter_map(change).collect()
    }
}

#[test]
fn a_line_that_carries_the_best_is_left_alone() {
    for line in [
        HOME,
        Line { bits_per_second: 3.5e6, ..HOME },
        Line { jitter: 60 * MS, ..HOME },
        Line { loss: 0.04, ..HOME },
        Line { delay: 250 * MS, jitter: 30 * MS, loss: 0.01, ..HOME },
    ] {
        let mut world = World::new(line);
        assert_eq!(world.run(120).steps, []);
    }
}

#[test]
fn a_line_that_becomes_narrow_gets_less_at_once_and_more_when_it_can() {
    let mut world = World::new(HOME);
    world.run(20);
    world.line.bits_per_second = 1.4e6;
    world.run(40);
    let changes = world.changes();
    let &[(at, 1)] = changes.as_slice() else { panic!("{:?}", world.steps) };
    assert!(at <= 22, "down at once: {changes:?}");
    world.line = HOME;
    world.run(70);
    let changes = world.changes();
    let &[_, (at, 0)] = changes.as_slice() else { panic!("{:?}", world.steps) };
    assert!(at >= 60, "{changes:?}");
    assert_eq!(world.run(60).changes().len(), 2, "and stays there");
}

#[test]
fn a_very_narrow_line_gets_the_least_without_steps_between() {
    for queue in [100, 300, 2_000] {
        let mut world = World::new(Line { bits_per_second: 500e3, queue: queue * MS, ..HOME });
        world.run(120);
        assert_eq!(world.changes().first().map(|(_, to)| *to), Some(2), "{:?}", world.steps);
        assert_eq!(world.ladder.current(), 2);
        assert!(world.changes().len() <= 1, "{:?}", world.steps);
    }
}

#[test]
fn trials_become_rare_and_fill_the_line_little() {
    let mut world = World::new(Line { bits_per_second: 600e3, queue: 3_000 * MS, ..HOME });
    world.run(20);
    world.worst = Duration::ZERO;
    world.run(300);
    let trials = world.steps.iter().filter(|(_, step)| matches!(step, Step::Try(_))).count();
    assert!((5..=12).contains(&trials), "{trials} in 320 s: {:?}", world.steps);
    // A trial grows to 1.15 Mbit/s in a second. After 0.52 s it is more than the line carries; then the queue grows with the
    // square of time, to 60 ms in 0.25 s. That is seen when it has been so for 120 ms, of packets that take 0.15 s, in the
    // next report (100 ms), 20 ms later; and once more 120 ms later, which is two reports. So it ends after 1.36 s at the
    // latest, with 0.22 s of queue from the ramp and 0.33 s from the 0.36 s behind it. A keyframe in it takes 0.14 s.
    assert!(world.worst < 690 * MS, "a packet waited {:?}", world.worst);
    assert_eq!(world.changes().len(), 1);
}

#[test]
fn the_gop_so_far_on_a_line_that_carries_the_stream_is_no_reason() {
    let mut world = World::new(Line { bits_per_second: 4e6, queue: 5_000 * MS, ..HOME });
    // 1.5 MB at once, as a viewer gets it that joins.
    for _ in 0..1_250 {
        world.send(PACKET_BYTES);
    }
    assert_eq!(world.run(30).steps, []);
}

#[test]
fn a_quality_that_cannot_be_had_is_asked_for_now_and_then() {
    let mut world = World::new(Line { bits_per_second: 600e3, ..HOME });
    world.refuses = true;
    world.run(60);
    let asked = world.changes().len();
    assert!((10..=30).contains(&asked), "{asked} times in 60 s");
}

#[test]
fn arrivals_of_what_was_never_sent_say_nothing() {
    let mut meter = Meter::new(epoch());
    let arrivals = Arrivals { first: 40_000, differences: vec![Some(4); 500], ..Arrivals::default() };
    assert_eq!(meter.on_arrivals(&arrivals), None);
    for _ in 0..100 {
        meter.number(epoch(), PACKET_BYTES);
    }
    assert_eq!(meter.on_arrivals(&arrivals), None);
    // Told twice, a packet counts once.
    let arrivals = Arrivals { first: 0, differences: vec![Some(40); 100], ..Arrivals::default() };
    let first = meter.on_arrivals(&arrivals).expect("a second's packets");
    assert_eq!(meter.on_arrivals(&arrivals), Some(first));
}

#[test]
fn numbers_wrap() {
    let mut world = World::new(HOME);
    world.run(400);
    assert!(world.meter.number(world.now, 1) < 60_000, "some 250 packets a second");
    let mut last = None;
    for _ in 0..70_000 {
        last = Some(world.meter.number(world.now, 1));
    }
    assert!(last.is_some());
    world.on_the_way.clear();
    assert_eq!(world.run(20).changes(), []);
}
