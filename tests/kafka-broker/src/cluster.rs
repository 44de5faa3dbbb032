//! One or three brokers that belong to a test.

use crate::broker::{Broker, Place, folder_of, java_options, last_lines, poll};
use crate::kit::Kit;
use crate::ports::{self, Port};
use crate::properties::{Ports, server_properties};
use crate::settings::ClusterSettings;
use crate::tls::TlsFiles;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const STARTS_WITHIN: Duration = Duration::from_secs(90);
const STOPS_WITHIN: Duration = Duration::from_secs(40);
const TRIES: u32 = 3;

/// Why there is no cluster although Java and the jars are there.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something of the machine: folders, processes.
    #[error("{0}")]
    Machine(#[from] std::io::Error),
    /// A broker ended while it started.
    #[error("broker {number} ended while it started; its log ends with\n{log}")]
    Ended {
        /// Counted from 1.
        number: usize,
        /// Last lines of its log.
        log: String,
    },
    /// A broker was not ready in time.
    #[error("broker {number} was not ready within {} s; its log ends with\n{log}", STARTS_WITHIN.as_secs())]
    NotReady {
        /// Counted from 1.
        number: usize,
        /// Last lines of its log.
        log: String,
    },
}

/// Brokers that run, in a temporary folder, on ports of the loopback.
///
/// They end with this value, and with this process whatever ends it: a static that is never dropped is fine. Methods take
/// `&self`, so that a test can share it with its threads. Brokers are counted from 0.
#[derive(Debug)]
pub struct Cluster {
    kit: &'static Kit,
    places: Vec<Place>,
    running: Mutex<Vec<Option<Broker>>>,
    file_bytes_max: Mutex<Option<u64>>,
    ports: Vec<Ports>,
    tls: Option<TlsFiles>,
    _held: Vec<Port>,
    // Dropped last: brokers write into it until they end.
    _folder: tempfile::TempDir,
}

impl Cluster {
    /// Starts the brokers and waits until they take clients.
    ///
    /// # Errors
    /// [`StartError`], with the end of the broker's log.
    pub fn start(kit: &'static Kit, settings: &ClusterSettings) -> Result<Cluster, StartError> {
        let mut tries = 1;
        loop {
            match Cluster::try_start(kit, settings) {
                // Somebody outside took a port between our look and the broker's.
                Err(StartError::Ended { log, .. })
                    if tries < TRIES && log.contains("Address already in use") =>
                {
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    fn try_start(kit: &'static Kit, settings: &ClusterSettings) -> Result<Cluster, StartError> {
        let folder = tempfile::Builder::new()
            .prefix("auscult-kafka-")
            .tempdir()?;
        let mut held = Vec::new();
        let mut take = || -> std::io::Result<u16> {
            let port = ports::take()?;
            let number = port.number;
            held.push(port);
            Ok(number)
        };
        let mut ports = Vec::new();
        for _ in 0..settings.brokers {
            let mut listeners = Vec::new();
            for name in settings.listeners() {
                listeners.push((name, take()?));
            }
            ports.push(Ports {
                controller: take()?,
                listeners,
            });
        }
        let tls = if settings.tls {
            let at = folder.path().join("tls");
            std::fs::create_dir(&at)?;
            Some(TlsFiles::make(&at)?)
        } else {
            None
        };
        let places: Vec<Place> = (0..ports.len())
            .map(|at| Place {
                folder: folder_of(folder.path(), at),
                options: java_options(settings.for_speed),
            })
            .collect();
        let cluster = Cluster {
            kit,
            running: Mutex::new(places.iter().map(|_| None).collect()),
            file_bytes_max: Mutex::new(settings.file_bytes_max),
            places,
            ports,
            tls,
            _held: held,
            _folder: folder,
        };
        cluster.prepare(settings)?;
        for at in 0..cluster.places.len() {
            cluster.spawn(at)?;
        }
        for at in 0..cluster.places.len() {
            cluster.wait_until_ready(at)?;
        }
        Ok(cluster)
    }

    fn prepare(&self, settings: &ClusterSettings) -> Result<(), StartError> {
        // 22 letters of base64 are what Kafka takes for an id.
        let id = format!("auscult-test-{:0>8}A", self.ports[0].controller);
        let scram = scram_users(settings);
        std::thread::scope(|scope| {
            let formatting: Vec<_> = self
                .places
                .iter()
                .enumerate()
                .map(|(at, place)| {
                    let text = server_properties(
                        settings,
                        &self.ports,
                        at,
                        &place.data(),
                        self.tls.as_ref(),
                    );
                    let (id, scram) = (&id, &scram);
                    scope.spawn(move || place.prepare(self.kit, id, &text, scram))
                })
                .collect();
            for one in formatting {
                one.join()
                    .unwrap_or_else(|_| Err(std::io::Error::other("formatting panicked")))?;
            }
            Ok(())
        })
    }

    fn running(&self) -> MutexGuard<'_, Vec<Option<Broker>>> {
        locked(&self.running)
    }

    fn spawn(&self, at: usize) -> Result<(), StartError> {
        let limit = *locked(&self.file_bytes_max);
        let broker = Broker::spawn(self.kit, &self.places[at], limit)?;
        self.running()[at] = Some(broker);
        Ok(())
    }

    fn wait_until_ready(&self, at: usize) -> Result<(), StartError> {
        let ended = || self.running()[at].as_mut().is_none_or(Broker::has_ended);
        let place = &self.places[at];
        let ready = poll(Instant::now() + STARTS_WITHIN, || {
            if place.has_started() {
                Some(true)
            } else {
                ended().then_some(false)
            }
        });
        let log = || last_lines(&place.log());
        let number = at + 1;
        match ready {
            Some(true) => Ok(()),
            Some(false) => Err(StartError::Ended { number, log: log() }),
            None => Err(StartError::NotReady { number, log: log() }),
        }
    }

    /// How many brokers there are, running or not.
    pub fn brokers(&self) -> usize {
        self.places.len()
    }

    /// `host:port` of every broker's listener `PLAINTEXT`, with commas between.
    pub fn bootstrap(&self) -> String {
        self.listener("PLAINTEXT")
    }

    /// `host:port` of every broker's listener of that name (`PLAINTEXT`, `SASL`, `TLS`, `MTLS`, `SASLTLS`).
    ///
    /// # Panics
    /// When the cluster was not asked for that listener.
    pub fn listener(&self, name: &str) -> String {
        let addresses: Vec<String> = self
            .ports
            .iter()
            .flat_map(|ports| &ports.listeners)
            .filter(|(listener, _)| *listener == name)
            .map(|(_, port)| format!("127.0.0.1:{port}"))
            .collect();
        assert!(!addresses.is_empty(), "the cluster has no listener {name}");
        addresses.join(",")
    }

    /// Files for the listeners `TLS` and `MTLS`.
    ///
    /// # Panics
    /// When the cluster was not asked for TLS.
    pub fn tls(&self) -> &TlsFiles {
        self.tls.as_ref().expect("a cluster with TLS")
    }

    /// Kills a broker with no warning (`kill -9`).
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self, at: usize) -> std::io::Result<()> {
        self.end(at, "KILL")
    }

    /// Stops a broker in order: it hands over its leaderships first.
    ///
    /// # Errors
    /// When it does not run or does not end in time.
    pub fn stop(&self, at: usize) -> std::io::Result<()> {
        self.end(at, "TERM")
    }

    fn end(&self, at: usize, signal: &str) -> std::io::Result<()> {
        let mut broker = self.running()[at].take().ok_or_else(|| not_running(at))?;
        broker.signal(signal)?;
        if broker.wait(STOPS_WITHIN) {
            Ok(())
        } else {
            Err(std::io::Error::other(format!(
                "broker {} did not end within {} s of {signal}",
                at + 1,
                STOPS_WITHIN.as_secs()
            )))
        }
    }

    /// Starts a broker again that was killed or stopped, on its old ports and data, and waits until it takes clients.
    ///
    /// # Errors
    /// [`StartError`], with the end of the broker's log.
    pub fn restart(&self, at: usize) -> Result<(), StartError> {
        self.spawn(at)?;
        self.wait_until_ready(at)
    }

    /// Freezes a broker: its connections stay open and nobody answers.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause(&self, at: usize) -> std::io::Result<()> {
        self.signal(at, "STOP")
    }

    /// Lets a frozen broker go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&self, at: usize) -> std::io::Result<()> {
        self.signal(at, "CONT")
    }

    fn signal(&self, at: usize, name: &str) -> std::io::Result<()> {
        self.running()[at]
            .as_ref()
            .ok_or_else(|| not_running(at))?
            .signal(name)
    }

    /// Whether a broker's process runs; one that met a failed disk has ended by itself.
    pub fn runs(&self, at: usize) -> bool {
        self.running()[at]
            .as_mut()
            .is_some_and(|broker| !broker.has_ended())
    }

    /// Makes room: brokers started from now on may write files of any size.
    pub fn make_room(&self) {
        *locked(&self.file_bytes_max) = None;
    }

    /// Runs one of Kafka's own commands (a main class) as an operator would, through the listener `PLAINTEXT`; what it
    /// printed.
    ///
    /// # Errors
    /// It could not be run, or it failed; then with what it said.
    pub fn tool(&self, main: &str, arguments: &[&str]) -> std::io::Result<String> {
        let options =
            ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"].map(str::to_owned);
        let output = self
            .kit
            .java(&options, main)
            .args(["--bootstrap-server", &self.bootstrap()])
            .args(arguments)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        Err(std::io::Error::other(format!(
            "{main}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        )))
    }

    /// The broker that leads each partition of `topic`, by partition.
    ///
    /// # Errors
    /// Kafka's command failed, or a partition has no leader.
    pub fn leaders(&self, topic: &str) -> std::io::Result<Vec<usize>> {
        let described = self.tool(
            "org.apache.kafka.tools.TopicCommand",
            &["--describe", "--topic", topic],
        )?;
        described
            .lines()
            .filter_map(|line| line.split_once("Leader: "))
            .map(|(_, rest)| {
                let node = rest.split_whitespace().next().unwrap_or_default();
                let node: usize = node
                    .parse()
                    .map_err(|_| std::io::Error::other(described.clone()))?;
                Ok(node - 1)
            })
            .collect()
    }

    /// What a broker wrote to its log since its last start.
    pub fn log(&self, at: usize) -> String {
        self.places[at].log()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_running(at: usize) -> std::io::Error {
    std::io::Error::other(format!("broker {} does not run", at + 1))
}

fn scram_users(settings: &ClusterSettings) -> Vec<String> {
    settings
        .users
        .iter()
        .flat_map(|user| {
            ["SCRAM-SHA-256", "SCRAM-SHA-512"].map(|mechanism| {
                format!(
                    "{mechanism}=[name={},password={}]",
                    user.name, user.password
                )
            })
        })
        .collect()
}
