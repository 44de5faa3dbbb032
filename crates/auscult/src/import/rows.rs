//! Rows of a file, one at a time: CSV or JSON Lines, gzip or not, told apart by what is in the file.

use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// One row: values by column.
pub type Row = BTreeMap<String, String>;

/// Longest line of JSON Lines read.
const MAX_LINE_BYTES: usize = 2 << 20;

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be opened or read.
    #[error("cannot read {path}: {reason}; check the name and the rights")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// It holds nothing.
    #[error("{path} is empty; name a file with a header line and rows, or JSON Lines")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The map names columns the file does not have.
    #[error("{path} has no column {}; it has {}: correct the map or the file", missing.join(", "), present.join(", "))]
    MissingColumns {
        /// The file.
        path: PathBuf,
        /// Named by the map.
        missing: Vec<String>,
        /// In the header.
        present: Vec<String>,
    },
}

/// A row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Line of the file, the header being line 1.
    pub line: u64,
    /// What is wrong and where.
    pub reason: String,
}

/// Rows of a file with their line numbers.
pub enum Rows {
    /// CSV with a header line.
    Csv {
        /// Reader.
        reader: Box<csv::Reader<Box<dyn Read>>>,
        /// Header.
        columns: Vec<String>,
    },
    /// One JSON object a line.
    JsonLines {
        /// Reader.
        reader: Box<dyn BufRead>,
        /// Line last read.
        line: u64,
    },
}

/// Opens `path`; `columns` must be in the header of a CSV file.
///
/// # Errors
/// See [`FileError`].
pub fn open(path: &Path, columns: &[&str]) -> Result<Rows, FileError> {
    let unreadable = |error: std::io::Error| FileError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let mut raw = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
    let is_gzip = raw
        .fill_buf()
        .map_err(unreadable)?
        .starts_with(&[0x1f, 0x8b]);
    let plain: Box<dyn Read> = if is_gzip {
        Box::new(MultiGzDecoder::new(raw))
    } else {
        Box::new(raw)
    };
    let mut text = BufReader::with_capacity(1 << 16, plain);
    let start = text.fill_buf().map_err(unreadable)?;
    let Some(&first) = start.iter().find(|byte| !byte.is_ascii_whitespace()) else {
        return Err(FileError::Empty {
            path: path.to_owned(),
        });
    };
    if first == b'{' {
        return Ok(Rows::JsonLines {
            reader: Box::new(text),
            line: 0,
        });
    }
    let boxed: Box<dyn Read> = Box::new(text);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(boxed);
    let header = reader.headers().map_err(|error| FileError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let present: Vec<String> = header
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').to_owned())
        .collect();
    let missing: Vec<String> = columns
        .iter()
        .filter(|wanted| !present.iter().any(|name| name == *wanted))
        .map(|name| (*name).to_owned())
        .collect();
    if !missing.is_empty() {
        return Err(FileError::MissingColumns {
            path: path.to_owned(),
            missing,
            present,
        });
    }
    Ok(Rows::Csv {
        reader: Box::new(reader),
        columns: present,
    })
}

impl Iterator for Rows {
    type Item = (u64, Result<Row, BadRow>);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Rows::Csv { reader, columns } => {
                let mut record = csv::ByteRecord::new();
                match reader.read_byte_record(&mut record) {
                    Ok(false) => None,
                    Ok(true) => {
                        let line = record.position().map_or(0, csv::Position::line);
                        Some((line, csv_row(&record, columns, line)))
                    }
                    Err(error) => {
                        let line = error.position().map_or(0, csv::Position::line);
                        // A broken stream (a truncated gzip file, say) ends the file: reading on would loop.
                        if error.is_io_error() {
                            *self = Rows::JsonLines {
                                reader: Box::new(std::io::empty()),
                                line,
                            };
                        }
                        Some((
                            line,
                            Err(BadRow {
                                line,
                                reason: error.to_string(),
                            }),
                        ))
                    }
                }
            }
            Rows::JsonLines { reader, line } => json_line(reader, line),
        }
    }
}

fn csv_row(record: &csv::ByteRecord, columns: &[String], line: u64) -> Result<Row, BadRow> {
    if record.len() != columns.len() {
        return Err(BadRow {
            line,
            reason: format!(
                "{} fields where the header has {}",
                record.len(),
                columns.len()
            ),
        });
    }
    let mut row = Row::new();
    for (column, value) in columns.iter().zip(record) {
        match std::str::from_utf8(value) {
            Ok("") => {}
            Ok(text) => {
                row.insert(column.clone(), text.to_owned());
            }
            Err(error) => {
                return Err(BadRow {
                    line,
                    reason: format!(
                        "column {column} is not UTF-8 from byte {}",
                        error.valid_up_to()
                    ),
                });
            }
        }
    }
    Ok(row)
}

fn json_line(reader: &mut dyn BufRead, line: &mut u64) -> Option<(u64, Result<Row, BadRow>)> {
    loop {
        let mut bytes = Vec::new();
        *line += 1;
        let read = reader
            .take(MAX_LINE_BYTES as u64 + 1)
            .read_until(b'\n', &mut bytes);
        match read {
            Ok(0) => return None,
            Ok(_) if bytes.len() > MAX_LINE_BYTES => {
                let mut rest = Vec::new();
                // The rest of an over-long line is skipped; if reading fails the next turn says so.
                let _ = reader.read_until(b'\n', &mut rest);
                return Some((
                    *line,
                    Err(BadRow {
                        line: *line,
                        reason: format!("the line is longer than {MAX_LINE_BYTES} bytes"),
                    }),
                ));
            }
            Ok(_) if bytes.iter().all(u8::is_ascii_whitespace) => {}
            Ok(_) => return Some((*line, json_row(&bytes, *line))),
            Err(error) => {
                return Some((
                    *line,
                    Err(BadRow {
                        line: *line,
                        reason: error.to_string(),
                    }),
                ));
            }
        }
    }
}

fn json_row(bytes: &[u8], line: u64) -> Result<Row, BadRow> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(bytes)
        .map_err(|error| BadRow {
            line,
            reason: format!("not a JSON object: {error}"),
        })?;
    let mut row = Row::new();
    for (key, value) in object {
        let text = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        if !text.is_empty() {
            row.insert(key, text);
        }
    }
    Ok(row)
}
