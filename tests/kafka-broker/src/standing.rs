//! A broker for people: `make kafka-up`, `make kafka-down`.
//!
//! It outlives the command that started it and keeps its data in `target/kafka-up` until it is wiped.

use crate::broker::{Place, java_options, last_lines, poll, signal};
use crate::kit::{Kit, target_folder};
use crate::properties::{Ports, server_properties};
use crate::settings::ClusterSettings;
use anyhow::{Context as _, bail};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const STARTS_WITHIN: Duration = Duration::from_secs(90);
const STOPS_WITHIN: Duration = Duration::from_secs(40);

/// What [`up`] found or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// `host:port`.
    pub bootstrap: String,
    /// Where data and log are.
    pub folder: PathBuf,
    /// Whether it ran already.
    pub ran_already: bool,
}

fn place() -> Place {
    Place {
        folder: target_folder().join("kafka-up"),
        options: java_options(true),
    }
}

fn process_file(place: &Place) -> PathBuf {
    place.folder.join("process")
}

/// The process and the port of the broker that runs, if one does.
fn running(place: &Place) -> Option<(u32, u16)> {
    let text = std::fs::read_to_string(process_file(place)).ok()?;
    let (process, port) = text.trim().split_once(' ')?;
    let (process, port) = (process.parse().ok()?, port.parse().ok()?);
    // A number may have gone to another process since.
    let output = Command::new("ps")
        .args(["-o", "args=", "-p", &u32::to_string(&process)])
        .output()
        .ok()?;
    String::from_utf8_lossy(&output.stdout)
        .contains("kafka-up")
        .then_some((process, port))
}

/// Starts the broker on the loopback, unless it runs.
///
/// # Errors
/// When Java or Maven is missing, the port is taken, or the broker does not become ready.
pub fn up(port: u16) -> anyhow::Result<Standing> {
    let mut place = place();
    std::fs::create_dir_all(&place.folder).context("target/kafka-up")?;
    place.folder = place.folder.canonicalize()?;
    let standing = |port: u16, ran_already| Standing {
        bootstrap: format!("127.0.0.1:{port}"),
        folder: place.folder.clone(),
        ran_already,
    };
    if let Some((_, port)) = running(&place) {
        return Ok(standing(port, true));
    }
    let kit = Kit::find()?;
    let controller = port
        .checked_add(1)
        .context("the port after it is the controller's")?;
    for port in [port, controller] {
        if TcpListener::bind(("127.0.0.1", port)).is_err() {
            bail!(
                "port {port} is taken: name another, as in `make kafka-up KAFKA_PORT=19092`, and in kafka.brokers"
            );
        }
    }
    let settings = ClusterSettings::one().for_speed();
    let ports = [Ports {
        controller,
        listeners: vec![("PLAINTEXT", port)],
    }];
    let text = server_properties(&settings, &ports, 0, &place.data(), None);
    place.prepare(kit, "auscult-people-broker0", &text, &[])?;
    place.clear_log()?;
    start(kit, &place, port)?;
    Ok(standing(port, false))
}

fn start(kit: &Kit, place: &Place, port: u16) -> anyhow::Result<()> {
    let log = std::fs::File::options()
        .append(true)
        .open(place.folder.join("server.log"))?;
    // `nohup`, and a process group of its own: closing the terminal is no reason to stop.
    let java = place.command(kit);
    let mut child = std::os::unix::process::CommandExt::process_group(
        Command::new("nohup")
            .arg(java.get_program())
            .args(java.get_args())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log),
        0,
    )
    .spawn()
    .context("nohup")?;
    std::fs::write(process_file(place), format!("{} {port}\n", child.id()))?;
    let ready = poll(Instant::now() + STARTS_WITHIN, || {
        if place.has_started() {
            Some(true)
        } else {
            matches!(child.try_wait(), Ok(Some(_)) | Err(_)).then_some(false)
        }
    });
    if ready == Some(true) {
        return Ok(());
    }
    // Nobody is left with half a broker.
    let _ = child.kill();
    std::fs::remove_file(process_file(place))?;
    bail!(
        "the broker did not start; its log ({}) ends with\n{}",
        place.folder.join("server.log").display(),
        last_lines(&place.log())
    )
}

/// Stops the broker; whether one ran. Its data stay unless `wipe`.
///
/// # Errors
/// When it does not end in time, or its folder cannot be removed.
pub fn down(wipe: bool) -> anyhow::Result<bool> {
    let place = place();
    let found = running(&place);
    if let Some((process, _)) = found {
        signal(process, "TERM")?;
        let ended = poll(Instant::now() + STOPS_WITHIN, || {
            running(&place).is_none().then_some(())
        });
        if ended.is_none() {
            bail!(
                "process {process} did not end within {} s; look at {}",
                STOPS_WITHIN.as_secs(),
                place.folder.join("server.log").display()
            );
        }
    }
    if wipe && place.folder.exists() {
        std::fs::remove_dir_all(&place.folder)?;
    }
    Ok(found.is_some())
}
