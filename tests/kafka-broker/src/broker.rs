//! One broker process, under a guard.
//!
//! The guard is a shell that waits for the broker and watches its own standard input. That pipe closes when the
//! process that holds its other end is gone, however it ended, and then the guard kills the broker and removes its
//! folder. `Drop` alone would not do: statics are never dropped, and a killed test drops nothing.

use crate::kit::Kit;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// First argument: folder to remove when nobody is left. Second: the largest file the broker may write, in blocks of
/// 512 bytes, or `unlimited`. The rest: the broker's command.
const GUARD: &str = r#"
folder=$1; blocks=$2; shift 2
exec 3<&0
( ulimit -f "$blocks" && exec "$@" ) 3<&- </dev/null >>"$folder/server.log" 2>&1 &
broker=$!
( while read -r line <&3; do :; done
  kill -9 $broker
  while kill -0 $broker; do :; done
  rm -rf "$folder"; rmdir "$(dirname "$folder")" ) >/dev/null 2>&1 &
watcher=$!
echo $broker
exec >&-
wait $broker
code=$?
kill -9 $watcher
exit $code
"#;

/// What the broker writes to its log when it takes clients.
const STARTED: &str = "Kafka Server started";
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// What POSIX shells count files in.
const BLOCK_BYTES: u64 = 512;

/// Where one broker keeps its files.
#[derive(Debug, Clone)]
pub struct Place {
    /// Settings, log and data are in it.
    pub folder: PathBuf,
    /// Options of the Java machine.
    pub options: Vec<String>,
}

/// Calls `look` until it gives something, or the deadline is over.
pub fn poll<T>(deadline: Instant, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

impl Place {
    pub fn properties(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// The broker's own log since its last start.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Makes the folder, writes the settings and formats the data folder.
    pub fn prepare(
        &self,
        kit: &Kit,
        cluster_id: &str,
        properties: &str,
        scram: &[String],
    ) -> std::io::Result<()> {
        std::fs::create_dir_all(self.data())?;
        std::fs::write(self.properties(), properties)?;
        std::fs::write(self.folder.join("log4j2.properties"), LOG_SETTINGS)?;
        let mut command = kit.java(&self.all_options(), "kafka.tools.StorageTool");
        command
            .args(["format", "--ignore-formatted", "-t", cluster_id, "-c"])
            .arg(self.properties());
        for user in scram {
            command.args(["--add-scram", user]);
        }
        let output = command.output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(std::io::Error::other(format!(
            "formatting failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )))
    }

    fn all_options(&self) -> Vec<String> {
        let mut options = self.options.clone();
        options.push(format!(
            "-Dlog4j2.configurationFile={}",
            self.folder.join("log4j2.properties").display()
        ));
        options
    }

    /// The command that runs the broker.
    pub fn command(&self, kit: &Kit) -> Command {
        let mut command = kit.java(&self.all_options(), "kafka.Kafka");
        command.arg(self.properties());
        command
    }

    pub fn clear_log(&self) -> std::io::Result<()> {
        File::create(self.log_file()).map(drop)
    }

    pub fn has_started(&self) -> bool {
        self.log().contains(STARTED)
    }
}

/// Log4j's own hook would end the log before the broker has ended.
const LOG_SETTINGS: &str = "\
shutdownHook=disable
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c)%n
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=out
";

/// A broker that runs.
#[derive(Debug)]
pub struct Broker {
    guard: Child,
    process: u32,
}

impl Broker {
    /// Starts it; it is not ready yet. It may write no file beyond `file_bytes_max`.
    pub fn spawn(kit: &Kit, place: &Place, file_bytes_max: Option<u64>) -> std::io::Result<Broker> {
        let blocks = file_bytes_max.map_or("unlimited".to_owned(), |bytes| {
            (bytes / BLOCK_BYTES).to_string()
        });
        place.clear_log()?;
        let java = place.command(kit);
        let mut guard = Command::new("sh")
            .arg("-c")
            .arg(GUARD)
            .arg("auscult-test-broker")
            .arg(&place.folder)
            .arg(blocks)
            .arg(java.get_program())
            .args(java.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        if let Some(said) = guard.stdout.take() {
            BufReader::new(said).read_line(&mut line)?;
        }
        let process = line
            .trim()
            .parse()
            .map_err(|_| std::io::Error::other("the guard did not name the broker's process"))?;
        Ok(Broker { guard, process })
    }

    /// Whether the process has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.guard.try_wait(), Ok(None))
    }

    /// Sends a signal by name (`KILL`, `TERM`, `STOP`, `CONT`).
    pub fn signal(&self, name: &str) -> std::io::Result<()> {
        signal(self.process, name)
    }

    /// Waits for its end; whether it came in time.
    pub fn wait(&mut self, within: Duration) -> bool {
        poll(Instant::now() + within, || self.has_ended().then_some(())).is_some()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if !self.has_ended() {
            // A paused process dies of KILL too. What cannot be killed cannot be helped here.
            let _ = self.signal("KILL");
            self.wait(Duration::from_secs(10));
        }
    }
}

/// Sends a signal to a process.
pub fn signal(process: u32, name: &str) -> std::io::Result<()> {
    let status = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .stderr(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(std::io::Error::other(format!(
            "process {process} is not there"
        )))
    }
}

/// Java's options: small and quick to start, or quick to run.
pub fn java_options(for_speed: bool) -> Vec<String> {
    let options: &[&str] = if for_speed {
        &["-Xms1g", "-Xmx1g", "-XX:+UseG1GC"]
    } else {
        &["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    };
    options.iter().map(|&option| option.to_owned()).collect()
}

/// The end of a log, for an error message.
pub fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// The one folder of a broker among several.
pub fn folder_of(root: &Path, at: usize) -> PathBuf {
    root.join(format!("broker-{}", at + 1))
}
