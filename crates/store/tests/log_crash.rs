//! Exactly once, whatever moment the process dies at.

mod common;

use auscult_engine::log::{Append, Commit, Log, LogEvent, Position, Record, StateRecord};
use auscult_store::log::{EmbeddedLog, LogReader, TopicSettings};
use common::{NO_WAIT, assignments, at, copy_as_after_a_crash, into_partition, records, text};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn topics() -> [TopicSettings; 2] {
    [TopicSettings::new("in", 2), TopicSettings::new("out", 1)]
}

/// What a faithful log holds: the plainest thing that could be right.
#[derive(Debug, Default, Clone)]
struct Model {
    input: [Vec<String>; 2],
    positions: [u64; 2],
    output: Vec<String>,
    state: BTreeMap<Vec<u8>, Vec<u8>>,
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(u32, String)>),
    /// Read up to so many records, write each to `out`, count it in the state, delete some state.
    Turn {
        limit: usize,
        delete: u8,
    },
    /// A turn that is refused after everything was prepared.
    RefusedTurn,
    Crash,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => proptest::collection::vec((0_u32..2, "[a-z]{0,300}"), 0..40).prop_map(Step::Append),
        4 => (1_usize..50, any::<u8>()).prop_map(|(limit, delete)| Step::Turn { limit, delete }),
        1 => Just(Step::RefusedTurn),
        2 => Just(Step::Crash),
        1 => Just(Step::Restart),
    ]
}

struct Run {
    folder: tempfile::TempDir,
    generation: u32,
    log: Option<EmbeddedLog>,
    consumer: Option<auscult_store::log::Consumer>,
    model: Model,
}

impl Run {
    fn new() -> Run {
        let mut run = Run {
            folder: tempfile::tempdir().unwrap(),
            generation: 0,
            log: None,
            consumer: None,
            model: Model::default(),
        };
        run.start();
        run
    }

    fn path(&self) -> PathBuf {
        self.folder
            .path()
            .join(format!("log-{}.db", self.generation))
    }

    fn start(&mut self) {
        let log = EmbeddedLog::open(&self.path(), &topics()).unwrap();
        let mut consumer = log.consumer("worker", &["in"]).unwrap();
        for (place, position, _) in assignments(&mut consumer) {
            assert_eq!(position.0, self.model.positions[place.partition as usize]);
        }
        self.log = Some(log);
        self.consumer = Some(consumer);
    }

    fn stop(&mut self) {
        self.consumer = None;
        self.log = None;
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Append(texts) => {
                let outgoing = texts
                    .iter()
                    .map(|(partition, text)| into_partition("in", *partition, text))
                    .collect();
                self.log
                    .as_ref()
                    .unwrap()
                    .appender()
                    .append(outgoing)
                    .unwrap();
                for (partition, text) in texts {
                    self.model.input[partition as usize].push(text);
                }
            }
            Step::Turn { limit, delete } => self.turn(limit, delete),
            Step::RefusedTurn => {
                let outgoing = vec![
                    into_partition("out", 0, "never"),
                    into_partition("out", 9, "nowhere"),
                ];
                let state = vec![(
                    at("in", 0),
                    vec![StateRecord {
                        key: b"never".to_vec(),
                        value: Some(vec![1]),
                    }],
                )];
                self.consumer
                    .as_mut()
                    .unwrap()
                    .commit(Commit {
                        outgoing,
                        state,
                        positions: vec![],
                    })
                    .unwrap_err();
            }
            Step::Crash => {
                let from = self.path();
                self.generation += 1;
                copy_as_after_a_crash(&from, &self.path());
                self.stop();
                self.start();
            }
            Step::Restart => {
                self.stop();
                self.start();
            }
        }
    }

    fn turn(&mut self, limit: usize, delete: u8) {
        let consumer = self.consumer.as_mut().unwrap();
        let mut commit = Commit::default();
        let mut state = Vec::new();
        for event in consumer.poll(limit, NO_WAIT).unwrap() {
            let LogEvent::Record(record) = event else {
                panic!("{event:?}")
            };
            let partition = record.at.partition as usize;
            assert_eq!(record.offset, self.model.positions[partition]);
            assert_eq!(
                text(&record),
                self.model.input[partition][record.offset as usize]
            );
            self.model.positions[partition] += 1;
            let told = format!("{} {}", record.at, record.offset);
            self.model.output.push(told.clone());
            commit.outgoing.push(into_partition("out", 0, &told));
            let key = vec![(record.offset % 7) as u8];
            let value = told.into_bytes();
            self.model.state.insert(key.clone(), value.clone());
            state.push(StateRecord {
                key,
                value: Some(value),
            });
        }
        let gone = vec![delete % 7];
        self.model.state.remove(&gone);
        state.push(StateRecord {
            key: gone,
            value: None,
        });
        commit.positions = (0..2)
            .map(|n| {
                (
                    at("in", n),
                    Position(self.model.positions[n as usize]),
                    String::new(),
                )
            })
            .collect();
        commit.state = vec![(at("in", 0), state)];
        consumer.commit(commit).unwrap();
    }

    fn compare(&mut self) {
        let mut state = BTreeMap::new();
        let mut each = |record: StateRecord| {
            assert!(state.insert(record.key, record.value.unwrap()).is_none())
        };
        self.consumer
            .as_mut()
            .unwrap()
            .restore(&at("in", 0), &mut each)
            .unwrap();
        assert_eq!(state, self.model.state);
        let mut checker = self
            .log
            .as_ref()
            .unwrap()
            .consumer("checker", &["out"])
            .unwrap();
        assignments(&mut checker);
        let output: Vec<String> = records(&mut checker, 1_000).iter().map(text).collect();
        assert_eq!(output, self.model.output);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_appends_turns_and_crashes_ends_as_the_model_does(
        steps in proptest::collection::vec(step(), 1..25)
    ) {
        let mut run = Run::new();
        for step in steps {
            run.take(step);
        }
        run.compare();
        run.take(Step::Crash);
        run.compare();
    }
}

/// Set in the child process of the test below to the log file it works on.
const CHILD: &str = "AUSCULT_STORE_TEST_CHILD";

/// The child: appends numbers and moves them from `in` to `out`, telling the parent what was accepted.
#[test]
fn child_of_the_kill_test() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let log = EmbeddedLog::open(Path::new(&path), &topics()).unwrap();
    let mut consumer = log.consumer("worker", &["in"]).unwrap();
    let mut next = assignments(&mut consumer)[0].1.0;
    let appending = log.appender();
    let first = LogReader::open(Path::new(&path))
        .unwrap()
        .end(&at("in", 0))
        .unwrap()
        .0;
    std::thread::spawn(move || {
        for n in first.. {
            let placed = appending
                .append(vec![into_partition("in", 0, &n.to_string())])
                .unwrap();
            assert_eq!(placed[0].1, n);
            let mut parent = std::io::stdout().lock();
            writeln!(parent, "accepted {n}")
                .and_then(|()| parent.flush())
                .unwrap();
        }
    });
    loop {
        let mut commit = Commit::default();
        for event in consumer.poll(5, std::time::Duration::from_secs(1)).unwrap() {
            let LogEvent::Record(record) = event else {
                continue;
            };
            next = record.offset + 1;
            commit
                .outgoing
                .push(into_partition("out", 0, &text(&record)));
        }
        commit
            .positions
            .push((at("in", 0), Position(next), next.to_string()));
        let count = StateRecord {
            key: b"count".to_vec(),
            value: Some(next.to_string().into_bytes()),
        };
        commit.state.push((at("in", 0), vec![count]));
        consumer.commit(commit).unwrap();
    }
}

#[test]
fn killed_at_any_moment_nothing_accepted_is_lost_and_nothing_is_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let mut accepted = None;
    for round in 0..8_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_of_the_kill_test", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Another number of lines each round, so that the kill falls elsewhere in a turn each time.
        for _ in 0..5 + round * 7 {
            let Some(Ok(line)) = lines.next() else { break };
            // The harness writes its own words in front of the first line.
            accepted = line
                .split("accepted ")
                .nth(1)
                .and_then(|n| n.parse::<u64>().ok())
                .or(accepted);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        check_after_kill(&path, accepted);
    }
    assert!(
        accepted.is_some_and(|accepted| accepted > 50),
        "the child hardly worked: {accepted:?}"
    );
}

fn check_after_kill(path: &Path, accepted: Option<u64>) {
    let log = EmbeddedLog::open(path, &topics()).unwrap();
    let mut checker = log.consumer("checker", &["in", "out"]).unwrap();
    assignments(&mut checker);
    let (output, input): (Vec<Record>, Vec<Record>) = records(&mut checker, 1_000)
        .into_iter()
        .partition(|record| &*record.at.topic == "out");
    let numbers = |records: &[Record]| {
        records
            .iter()
            .map(|r| text(r).parse::<u64>().unwrap())
            .collect::<Vec<_>>()
    };
    let count = input.len() as u64;
    assert_eq!(numbers(&input), (0..count).collect::<Vec<_>>());
    assert!(
        accepted.is_none_or(|accepted| accepted < count),
        "accepted {accepted:?}, kept {count}"
    );

    let mut worker = log.consumer("worker", &["in"]).unwrap();
    let (_, position, metadata) = assignments(&mut worker).remove(0);
    assert_eq!(
        numbers(&output),
        (0..position.0).collect::<Vec<_>>(),
        "each moved once, together with the position"
    );
    let mut state = None;
    worker
        .restore(&at("in", 0), &mut |record| state = record.value)
        .unwrap();
    if position.0 > 0 {
        assert_eq!(metadata, position.0.to_string());
        assert_eq!(state, Some(metadata.into_bytes()));
    }
}
