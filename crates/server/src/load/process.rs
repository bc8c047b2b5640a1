//! CPU time and memory of processes on this machine (proc(5)).

use rustix::param::clock_ticks_per_second;
use std::fs;

/// What some processes have used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// Seconds of CPU, of user and of kernel.
    pub(super) cpu_s: f64,
    /// Resident memory.
    pub(super) rss_kib: u64,
}

impl Usage {
    /// Of all `pids` together.
    ///
    /// # Errors
    /// A sentence, if one of them is no process here.
    pub(super) fn of(pids: &[u32]) -> Result<Self, String> {
        let mut sum = Self::default();
        for pid in pids {
            let one = Self::of_one(&pid.to_string()).ok_or_else(|| {
                format!("process {pid} is not there: --pid is for a server on this machine, and needs Linux's /proc")
            })?;
            sum.cpu_s += one.cpu_s;
            sum.rss_kib += one.rss_kib;
        }
        Ok(sum)
    }

    /// Of this process.
    pub(super) fn own() -> Self {
        Self::of_one("self").unwrap_or_default()
    }

    fn of_one(pid: &str) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Self::parse(&stat, &status, clock_ticks_per_second())
    }

    fn parse(stat: &str, status: &str, ticks_per_second: u64) -> Option<Self> {
        // The name in parentheses may have spaces; fields are counted behind it, from the third on.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let ticks = ticks(14)? + ticks(15)?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        #[expect(clippy::cast_precision_loss, reason = "hundredths of a second")]
        let cpu_s = ticks as f64 / ticks_per_second.max(1) as f64;
        Some(Self { cpu_s, rss_kib: rss.trim().trim_end_matches(" kB").trim().parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::Usage;

    #[test]
    fn a_name_with_spaces_is_read() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 1 0 5 1 1 1";
        let usage = Usage::parse(stat, "Name:\ta\nVmRSS:\t   1234 kB\n", 100).expect("it parses");
        assert_eq!(usage, Usage { cpu_s: 4.0, rss_kib: 1234 });
    }

    #[test]
    fn this_process_has_memory_and_no_other_has_number_zero() {
        assert!(Usage::of(&[std::process::id()]).expect("that is us").rss_kib > 0);
        assert!(Usage::of(&[0]).unwrap_err().starts_with("process 0 is not there"));
    }
}
