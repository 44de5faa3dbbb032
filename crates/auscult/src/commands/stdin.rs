//! Standard input as a source: each batch is durable before the next is taken.
//!
//! One thread reads and another appends what has come meanwhile, so that a line of a slow pipe does not wait for more
//! of them and a fast one is appended in large batches. A read cannot be interrupted, so a stop does not wait for the
//! first thread: between two reads it hands over the lines it holds and ends, within one it holds none but a begun one.

use crate::exit::{Failure, Kind};
use auscult_web::ports::{Bytes, Submit};
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Lines appended in one transaction.
const LINES_PER_APPEND: usize = 2_000;
/// Longest line.
const MAX_LINE_BYTES: usize = 2 << 20;
/// How often is looked whether to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// One line with its end, cut after [`MAX_LINE_BYTES`].
#[derive(Debug, PartialEq)]
struct Line {
    text: Vec<u8>,
    is_cut: bool,
}

/// Appends standard input as it comes, until it ends or `stop` is up.
///
/// # Errors
/// Standard input cannot be read, or the log cannot be written to.
pub fn append_lines(submit: &dyn Submit, stop: &Arc<AtomicBool>) -> Result<(), Failure> {
    let (sender, lines) = sync_channel(LINES_PER_APPEND);
    let told = Arc::clone(stop);
    std::thread::Builder::new()
        .name("auscult-stdin".to_owned())
        .spawn(move || read(BufReader::new(std::io::stdin()), &sender, &told))
        .map_err(anyhow::Error::from)?;
    append(submit, &lines, stop)
}

/// Hands over line after line, until the input ends, nobody takes them, or `stop` is up and no whole line is held.
fn read<R: Read>(
    mut input: BufReader<R>,
    lines: &SyncSender<std::io::Result<Line>>,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::SeqCst) || input.buffer().contains(&b'\n') {
        let Some(line) = next_line(&mut input).transpose() else {
            return;
        };
        let is_last = line.is_err();
        if lines.send(line).is_err() || is_last {
            return;
        }
    }
}

/// The next line, none at the end; no more of it is kept than may be appended.
fn next_line(input: &mut impl BufRead) -> std::io::Result<Option<Line>> {
    let mut text = Vec::new();
    let most = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
    if input.by_ref().take(most).read_until(b'\n', &mut text)? == 0 {
        return Ok(None);
    }
    let mut is_cut = false;
    if text.len() == MAX_LINE_BYTES && !text.ends_with(b"\n") {
        let mut rest = Vec::new();
        // One byte tells a line of just this length from a longer one.
        input.by_ref().take(1).read_until(b'\n', &mut rest)?;
        is_cut = !rest.is_empty() && rest != b"\n";
        if is_cut {
            input.skip_until(b'\n')?;
        }
        text.push(b'\n');
    }
    Ok(Some(Line { text, is_cut }))
}

/// Appends whatever has come, batch by batch, until no more can come, or none does and `stop` is up.
fn append(
    submit: &dyn Submit,
    lines: &Receiver<std::io::Result<Line>>,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let mut lines_before = 0;
    loop {
        let first = match lines.recv_timeout(LOOK_EVERY) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) if stop.load(Ordering::SeqCst) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => continue,
        };
        let mut batch = Batch {
            lines_before,
            ..Batch::default()
        };
        let mut taken = batch.take(first);
        while taken.is_ok()
            && !batch.is_full()
            && let Ok(line) = lines.try_recv()
        {
            taken = batch.take(line);
        }
        lines_before += batch.lines;
        // What came before the mistake counts.
        batch.append(submit)?;
        taken.map_err(|error| {
            let told =
                anyhow::anyhow!("cannot read standard input after line {lines_before}: {error}");
            Failure::new(Kind::Input, told)
        })?;
    }
}

/// Lines to be appended together.
#[derive(Debug, Default)]
struct Batch {
    lines_before: usize,
    lines: usize,
    text: Vec<u8>,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.lines >= LINES_PER_APPEND || self.text.len() >= MAX_LINE_BYTES
    }

    fn take(&mut self, line: std::io::Result<Line>) -> std::io::Result<()> {
        let Line { text, is_cut } = line?;
        self.lines += 1;
        if is_cut {
            tracing::warn!(
                line = self.lines_before + self.lines,
                most_bytes = MAX_LINE_BYTES,
                "line is too long; it is kept as a dead letter, cut"
            );
        }
        self.text.extend(text);
        Ok(())
    }

    fn append(self, submit: &dyn Submit) -> Result<(), Failure> {
        if self.lines == 0 {
            return Ok(());
        }
        let up_to = self.lines_before + self.lines;
        let accepted = submit
            .feedback("application/x-ndjson", &Vec::new(), Bytes::from(self.text))
            .map_err(|error| {
                let told = anyhow::anyhow!("standard input up to line {up_to}: {error}");
                Failure::new(Kind::Store, told)
            })?;
        for item in &accepted.rejected {
            let line = self.lines_before + item.index + 1;
            tracing::warn!(line, code = %item.code, place = %item.place, reason = %item.reason, "refused; kept as a dead letter");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(text: &[u8], stop: bool) -> Vec<Line> {
        let (sender, lines) = sync_channel(100);
        read(BufReader::new(text), &sender, &AtomicBool::new(stop));
        drop(sender);
        lines
            .into_iter()
            .map(|line| line.expect("a line"))
            .collect()
    }

    fn whole(text: &[u8]) -> Line {
        Line {
            text: text.to_vec(),
            is_cut: false,
        }
    }

    #[test]
    fn lines_come_with_their_ends_and_the_last_one_without() {
        assert_eq!(
            lines_of(b"one\n\ntwo", false),
            [whole(b"one\n"), whole(b"\n"), whole(b"two")]
        );
        assert_eq!(lines_of(b"", false), []);
    }

    #[test]
    fn a_line_is_cut_where_it_is_too_long_and_the_next_one_is_whole() {
        for (bytes, is_cut) in [
            (MAX_LINE_BYTES - 1, false),
            (MAX_LINE_BYTES, false),
            (MAX_LINE_BYTES + 1, true),
            (3 * MAX_LINE_BYTES, true),
        ] {
            let mut text = vec![b'x'; bytes];
            text.extend_from_slice(b"\nnext\n");
            let lines = lines_of(&text, false);
            assert_eq!(lines.len(), 2, "{bytes}");
            assert_eq!(lines[0].is_cut, is_cut, "{bytes}");
            assert_eq!(lines[0].text.len(), bytes.min(MAX_LINE_BYTES) + 1);
            assert_eq!(lines[1], whole(b"next\n"), "{bytes}");
        }
    }

    #[test]
    fn told_to_stop_it_hands_over_the_whole_lines_it_holds() {
        let (sender, lines) = sync_channel(100);
        let mut input = BufReader::new(&b"one\ntwo\nbegun"[..]);
        input.fill_buf().expect("a read");
        read(input, &sender, &AtomicBool::new(true));
        drop(sender);
        let lines: Vec<Line> = lines.into_iter().map(|line| line.expect("one")).collect();
        assert_eq!(lines, [whole(b"one\n"), whole(b"two\n")]);
        assert_eq!(lines_of(b"nothing was read yet\n", true), []);
    }
}
