//! What this process has cost so far (Linux; elsewhere unknown).

use std::time::Duration;

/// Ticks a second of `/proc/self/stat`; the kernel's interface fixes it at 100 on every architecture Rust runs on.
const TICKS: u64 = 100;

/// Processor time of all threads, in user and system mode.
pub fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in brackets and may hold blanks; `utime` is the 14th.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let (user, system) = (ticks()?, ticks()?);
    Some(Duration::from_millis((user + system) * 1_000 / TICKS))
}

/// Forgets the high-water mark, so that the next one is of what comes now.
pub fn forget_peak() {
    // Where this is not allowed the mark stays the whole run's, which the table's reader then sees growing only.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn status_mebibytes(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kibibytes| kibibytes / 1024)
}

/// High-water mark of the resident set since it was last forgotten.
pub fn peak_mebibytes() -> Option<u64> {
    status_mebibytes("VmHWM:")
}
