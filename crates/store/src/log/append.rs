//! Appends from outside any turn, many at a time in one transaction.
//!
//! A sync costs the same for one record as for a thousand. So each thread leaves its records in a queue and then
//! asks for the writer; whoever gets it first writes everything queued, and the others find their answer waiting
//! when their turn comes. No thread of its own, no timer, and a lone append waits for nobody.

use auscult_engine::log::{Append, LogError, Outgoing, TopicPartition};
use std::sync::{Arc, Mutex};

use super::shared::{Shared, lock};
use super::writer::{Batch, Ends, Writer, insert};

/// Most requests waiting at once; more are told to try again.
pub const QUEUE_REQUESTS_MAX: usize = 4_096;
/// Most bytes one transaction takes from the queue (a single larger request still goes, alone).
pub const GROUP_BYTES_MAX: usize = 32 * 1024 * 1024;

type Outcome = Result<Vec<(usize, u64)>, LogError>;

/// One request on its way: the records, and later the answer.
#[derive(Debug)]
pub(crate) struct Request {
    batch: Batch,
    outcome: Mutex<Option<Outcome>>,
}

/// Appends records to the log. Cheap to clone; every thread may have one.
#[derive(Debug, Clone)]
pub struct Appender {
    pub(crate) shared: Arc<Shared>,
}

impl Append for Appender {
    fn append(&self, records: Vec<Outgoing>) -> Result<Vec<(TopicPartition, u64)>, LogError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let batch = Batch::new(&self.shared.catalogue, &records)?;
        drop(records);
        let request = Arc::new(Request {
            batch,
            outcome: Mutex::new(None),
        });
        {
            let mut queue = lock(&self.shared.queue)?;
            if queue.len() >= QUEUE_REQUESTS_MAX {
                return Err(LogError::Retry(format!(
                    "{QUEUE_REQUESTS_MAX} appends are waiting for the volume already"
                )));
            }
            queue.push_back(request.clone());
        }
        let placed = self.wait_or_write(&request)?;
        Ok(placed
            .into_iter()
            .map(|(index, offset)| (self.shared.catalogue.partitions[index].at.clone(), offset))
            .collect())
    }
}

impl Appender {
    fn wait_or_write(&self, request: &Request) -> Outcome {
        let mut writer = lock(&self.shared.writer)?;
        loop {
            if let Some(outcome) = lock(&request.outcome)?.take() {
                return outcome;
            }
            write_group(&self.shared, &mut writer)?;
        }
    }
}

/// Takes as many requests as fit from the queue and writes them in one transaction.
fn write_group(shared: &Shared, writer: &mut Writer) -> Result<(), LogError> {
    let mut group: Vec<Arc<Request>> = Vec::new();
    {
        let mut queue = lock(&shared.queue)?;
        let mut bytes = 0;
        while let Some(next) = queue.front() {
            bytes += next.batch.bytes();
            if bytes > GROUP_BYTES_MAX && !group.is_empty() {
                break;
            }
            group.extend(queue.pop_front());
        }
    }
    let failed = match write_together(shared, writer, &group) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    // One request must not fail because of another (a large one that no longer fits on the volume, say).
    for request in &group {
        let alone = if group.len() > 1 && !writer.is_stopped() {
            write_together(shared, writer, std::slice::from_ref(request))
        } else {
            Err(again(&failed))
        };
        if let Err(error) = alone {
            *lock(&request.outcome)? = Some(Err(error));
        }
    }
    Ok(())
}

fn write_together(
    shared: &Shared,
    writer: &mut Writer,
    group: &[Arc<Request>],
) -> Result<(), LogError> {
    let now = shared.clock.now();
    let mut ends = Ends::default();
    let placed = writer.run("append to", |transaction| {
        let placed = group
            .iter()
            .map(|request| {
                insert(
                    transaction,
                    &shared.catalogue,
                    &request.batch,
                    now,
                    &mut ends,
                )
            })
            .collect::<rusqlite::Result<Vec<_>>>()?;
        ends.store(transaction, &shared.catalogue)?;
        Ok(placed)
    })?;
    ends.publish(&shared.catalogue);
    shared.bell.ring();
    for (request, placed) in group.iter().zip(placed) {
        *lock(&request.outcome)? = Some(Ok(placed));
    }
    Ok(())
}

fn again(error: &LogError) -> LogError {
    match error {
        LogError::Retry(text) => LogError::Retry(text.clone()),
        LogError::Fenced(text) => LogError::Fenced(text.clone()),
        LogError::Fatal(text) => LogError::Fatal(text.clone()),
    }
}
