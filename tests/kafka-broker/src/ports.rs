//! Free ports on the loopback that stay ours while a broker is down.
//!
//! A port the system hands out (bind to 0, look, let go) can go to anybody's outgoing connection while the broker is
//! down between a kill and its restart. So ports are taken below the range the system hands out from, and each is
//! held by a locked file as long as its cluster lives, so that test processes do not take one another's.

use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

const FIRST: u32 = 15_000;
const COUNT: u32 = 15_000;

/// A port, ours until dropped.
#[derive(Debug)]
pub struct Port {
    pub number: u16,
    _lock: File,
}

/// Takes a free port.
///
/// # Errors
/// When lock files cannot be written or every port is taken.
pub fn take() -> std::io::Result<Port> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let folder = std::env::temp_dir().join("auscult-test-ports");
    std::fs::create_dir_all(&folder)?;
    // Processes begin at different places, to meet seldom.
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let number = u16::try_from(FIRST + start.wrapping_add(step) % COUNT)
            .map_err(std::io::Error::other)?;
        if let Some(port) = hold(&folder, number)? {
            return Ok(port);
        }
    }
    Err(std::io::Error::other("no free port on the loopback"))
}

fn hold(folder: &std::path::Path, number: u16) -> std::io::Result<Option<Port>> {
    let path: PathBuf = folder.join(number.to_string());
    let lock = File::create(path)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
        Err(std::fs::TryLockError::Error(error)) => return Err(error),
    }
    let free = TcpListener::bind(("127.0.0.1", number)).is_ok();
    Ok(free.then_some(Port {
        number,
        _lock: lock,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once() {
        let ports: Vec<Port> = (0..50).map(|_| take().expect("a port")).collect();
        let mut numbers: Vec<u16> = ports.iter().map(|port| port.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 50);
        let folder = std::env::temp_dir().join("auscult-test-ports");
        assert!(
            hold(&folder, numbers[0]).expect("a lock file").is_none(),
            "held while it lives"
        );
    }
}
