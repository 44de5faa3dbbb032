//! Time on the processor, so that a busy machine does not look slow.

/// Nanoseconds this thread has run (Linux scheduler statistics), or wall time where they are missing.
pub struct Stopwatch {
    wall: std::time::Instant,
    processor: Option<u64>,
}

fn processor_nanoseconds() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self {
            wall: std::time::Instant::now(),
            processor: processor_nanoseconds(),
        }
    }

    /// Nanoseconds since the start.
    pub fn nanoseconds(&self) -> f64 {
        match (self.processor, processor_nanoseconds()) {
            (Some(start), Some(now)) => (now - start) as f64,
            _ => self.wall.elapsed().as_nanos() as f64,
        }
    }
}
