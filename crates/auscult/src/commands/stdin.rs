//! Standard input as a source: each batch is durable before the next is taken.
//!
//! One thread reads and another appends what has come meanwhile, so that a line of a slow pipe does not wait for more
//! of them and a fast one is appended in large batches. A read cannot be interrupted, so a stop does not wait for the
//! first thread: between two reads it hands over the lines it holds and ends, within one it holds none but a begun one.

use super::run::LOOK_EVERY;
use crate::exit::{Failure, Kind};
use auscult_web::ports::{Bytes, Submit};
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};

/// From so many lines on a transaction takes no more.
const LINES_PER_APPEND: usize = 2_000;
/// Longest line.
const MAX_LINE_BYTES: usize = 2 << 20;
/// Bytes read at once, and from which on a chunk is handed over.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks that may wait; with the longest lines a chunk has little more than [`MAX_LINE_BYTES`].
const CHUNKS_WAITING: usize = 16;

/// One line with its end, cut after [`MAX_LINE_BYTES`].
#[derive(Debug, PartialEq)]
struct Line {
    text: Vec<u8>,
    is_cut: bool,
}

/// Neighbouring lines.
#[derive(Debug, Default, PartialEq)]
struct Chunk {
    text: Vec<u8>,
    lines: usize,
    /// Lines of it that were cut, from 1.
    cut: Vec<usize>,
}

/// Appends standard input as it comes, until it ends or `stop` is up.
///
/// # Errors
/// Standard input cannot be read, or the log cannot be written to.
pub fn append_lines(submit: &dyn Submit, stop: &Arc<AtomicBool>) -> Result<(), Failure> {
    let (sender, chunks) = sync_channel(CHUNKS_WAITING);
    let told = Arc::clone(stop);
    let input = BufReader::with_capacity(CHUNK_BYTES, std::io::stdin());
    std::thread::Builder::new()
        .name("auscult-stdin".to_owned())
        .spawn(move || read(input, &sender, &told))
        .map_err(anyhow::Error::from)?;
    append(submit, &chunks, stop)
}

/// Hands over chunk after chunk, until the input ends, nobody takes them, or `stop` is up and no whole line is held.
fn read<R: Read>(
    mut input: BufReader<R>,
    chunks: &SyncSender<std::io::Result<Chunk>>,
    stop: &AtomicBool,
) {
    let mut goes_on = Ok(true);
    while matches!(goes_on, Ok(true)) && (!stop.load(Ordering::SeqCst) || holds_a_line(&input)) {
        let mut chunk = Chunk::default();
        goes_on = chunk.fill(&mut input);
        if chunk.lines > 0 && chunks.send(Ok(chunk)).is_err() {
            return;
        }
    }
    if let Err(error) = goes_on {
        // Nobody left to be told.
        let _ = chunks.send(Err(error));
    }
}

fn holds_a_line<R>(input: &BufReader<R>) -> bool {
    input.buffer().contains(&b'\n')
}

impl Chunk {
    /// Waits for one line and takes with it what is there already; whether there may be more.
    fn fill<R: Read>(&mut self, input: &mut BufReader<R>) -> std::io::Result<bool> {
        while let Some(Line { text, is_cut }) = next_line(input)? {
            self.text.extend(text);
            self.lines += 1;
            if is_cut {
                self.cut.push(self.lines);
            }
            let is_full = self.text.len() >= CHUNK_BYTES || self.lines >= LINES_PER_APPEND;
            if is_full || !holds_a_line(input) {
                return Ok(true);
            }
        }
        Ok(false)
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
    chunks: &Receiver<std::io::Result<Chunk>>,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let mut lines_before = 0;
    loop {
        let first = match chunks.recv_timeout(LOOK_EVERY) {
            Ok(chunk) => chunk,
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
            && let Ok(chunk) = chunks.try_recv()
        {
            taken = batch.take(chunk);
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

    fn take(&mut self, chunk: std::io::Result<Chunk>) -> std::io::Result<()> {
        let Chunk { text, lines, cut } = chunk?;
        for line in cut {
            tracing::warn!(
                line = self.lines_before + self.lines + line,
                most_bytes = MAX_LINE_BYTES,
                "line is too long; it is kept as a dead letter, cut"
            );
        }
        self.lines += lines;
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

    /// All chunks of `input`.
    fn chunks_of<R: Read>(input: BufReader<R>, stop: bool) -> Vec<std::io::Result<Chunk>> {
        let (sender, chunks) = sync_channel(100);
        read(input, &sender, &AtomicBool::new(stop));
        drop(sender);
        chunks.into_iter().collect()
    }

    fn joined(chunks: Vec<std::io::Result<Chunk>>) -> Chunk {
        let mut all = Chunk::default();
        for chunk in chunks {
            let chunk = chunk.expect("it can be read");
            all.cut
                .extend(chunk.cut.iter().map(|line| all.lines + line));
            all.text.extend(chunk.text);
            all.lines += chunk.lines;
        }
        all
    }

    #[test]
    fn every_line_comes_with_its_end_and_the_last_one_without() {
        let all = joined(chunks_of(BufReader::new(&b"one\n\ntwo"[..]), false));
        assert_eq!((all.text.as_slice(), all.lines), (&b"one\n\ntwo"[..], 3));
        assert!(chunks_of(BufReader::new(&b""[..]), false).is_empty());
        let many = "x\n".repeat(5_000);
        for capacity in [1, 7, 64, CHUNK_BYTES] {
            let input = BufReader::with_capacity(capacity, many.as_bytes());
            let (sender, chunks) = sync_channel(5_000);
            read(input, &sender, &AtomicBool::new(false));
            drop(sender);
            let all: Vec<Chunk> = chunks
                .into_iter()
                .map(|chunk| chunk.expect("one"))
                .collect();
            assert!(all.iter().all(|chunk| chunk.lines <= LINES_PER_APPEND));
            let text: Vec<u8> = all.into_iter().flat_map(|chunk| chunk.text).collect();
            assert_eq!(text, many.as_bytes(), "{capacity}");
        }
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
            let all = joined(chunks_of(BufReader::new(text.as_slice()), false));
            assert_eq!(all.lines, 2, "{bytes}");
            assert_eq!(all.cut, if is_cut { vec![1] } else { vec![] }, "{bytes}");
            assert_eq!(all.text.len(), bytes.min(MAX_LINE_BYTES) + 1 + 5);
            assert!(all.text.ends_with(b"x\nnext\n"), "{bytes}");
        }
    }

    #[test]
    fn told_to_stop_it_hands_over_the_whole_lines_it_holds() {
        let mut input = BufReader::new(&b"one\ntwo\nbegun"[..]);
        input.fill_buf().expect("a read");
        let all = joined(chunks_of(input, true));
        assert_eq!((all.text.as_slice(), all.lines), (&b"one\ntwo\n"[..], 2));
        assert!(chunks_of(BufReader::new(&b"nothing was read yet\n"[..]), true).is_empty());
    }

    #[test]
    fn what_was_read_before_a_mistake_is_handed_over_first() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("a broken pipe"))
            }
        }
        let input = BufReader::new((&b"one\n"[..]).chain(Broken));
        let chunks = chunks_of(input, false);
        assert_eq!(chunks[0].as_ref().expect("the line").text, b"one\n");
        assert!(chunks[1].is_err() && chunks.len() == 2);
    }
}
