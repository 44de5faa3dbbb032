//! How long the read model keeps what nobody asks for any more.
//!
//! An explicit call with bounds, never a side effect of reading or writing: whoever runs the service decides when
//! the work is done, and one call never holds the writer for long. Firing signals and open safety candidates are
//! never removed.

use auscult_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::{View, actions};
use crate::sqlite::Trouble;

/// What to remove: everything older than these moments, at most so many rows a call and table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Series points whose bucket started before this.
    pub points_before: Timestamp,
    /// Resolved and retracted signals, with their revisions and dispositions, last seen before this.
    pub signals_before: Timestamp,
    /// Dead letters refused before this.
    pub dead_letters_before: Timestamp,
    /// Closed safety candidates due before this.
    pub candidates_before: Timestamp,
    /// Most rows removed from each of the four in one call.
    pub rows_max: u32,
}

/// What one call removed. Any figure equal to `rows_max`: call again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Series points.
    pub points: usize,
    /// Signals.
    pub signals: usize,
    /// Dead letters.
    pub dead_letters: usize,
    /// Safety candidates.
    pub candidates: usize,
}

impl View {
    /// Removes what `retention` names, oldest first, in one transaction.
    ///
    /// # Errors
    /// See [`Trouble`]; nothing was removed.
    pub fn prune(&self, retention: &Retention) -> Result<Pruned, Trouble> {
        self.write(|connection| {
            Ok(Pruned {
                points: prune_points(connection, retention)?,
                signals: prune_signals(connection, retention)?,
                dead_letters: prune_by_id(
                    connection,
                    "SELECT id FROM dead_letters WHERE at < ?1 ORDER BY at LIMIT ?2",
                    retention.dead_letters_before,
                    retention.rows_max,
                    &["DELETE FROM dead_letters WHERE id = ?1", "DELETE FROM replays WHERE id = ?1"],
                )?,
                candidates: prune_by_id(
                    connection,
                    "SELECT candidate_id FROM candidates WHERE open = 0 AND intake_due < ?1 ORDER BY intake_due LIMIT ?2",
                    retention.candidates_before,
                    retention.rows_max,
                    &[
                        "DELETE FROM candidates WHERE candidate_id = ?1",
                        "DELETE FROM acknowledgements WHERE candidate_id = ?1",
                        "DELETE FROM escalations WHERE candidate_id = ?1",
                    ],
                )?,
            })
        })
    }
}

/// Points lie by time, so the oldest of each width are a stretch at its beginning.
fn prune_points(connection: &Connection, retention: &Retention) -> rusqlite::Result<usize> {
    let mut old = connection
        .prepare("SELECT width, start FROM buckets WHERE start < ?1 ORDER BY start, width")?;
    let rows = old.query_map([retention.points_before.0], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    let old = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut removed = 0;
    for (width, start) in old {
        let left = retention.rows_max as usize - removed;
        removed += connection
            .prepare_cached(
                "DELETE FROM points WHERE width = ?1 AND start = ?2 AND series IN
                     (SELECT series FROM points WHERE width = ?1 AND start = ?2 LIMIT ?3)",
            )?
            .execute(params![width, start, left as i64])?;
        if removed >= retention.rows_max as usize {
            return Ok(removed);
        }
        connection.execute(
            "DELETE FROM buckets WHERE width = ?1 AND start = ?2",
            params![width, start],
        )?;
    }
    Ok(removed)
}

fn prune_by_id(
    connection: &Connection,
    select: &str,
    before: Timestamp,
    rows_max: u32,
    deletes: &[&str],
) -> rusqlite::Result<usize> {
    let mut old = connection.prepare(select)?;
    let rows = old.query_map(params![before.0, rows_max], |row| row.get::<_, String>(0))?;
    let ids = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    for id in &ids {
        for delete in deletes {
            connection.prepare_cached(delete)?.execute([id])?;
        }
    }
    Ok(ids.len())
}

fn prune_signals(connection: &Connection, retention: &Retention) -> rusqlite::Result<usize> {
    let mut old = connection.prepare(
        "SELECT id, signal_id FROM signals INDEXED BY signals_by_age
         WHERE as_of < ?1 AND status <> 'firing' ORDER BY as_of LIMIT ?2",
    )?;
    let rows = old.query_map(
        params![retention.signals_before.0, retention.rows_max],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
    )?;
    let old = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    for (id, signal_id) in &old {
        actions::forget_signal(connection, signal_id)?;
        connection.execute("DELETE FROM revisions WHERE signal = ?1", [id])?;
        connection.execute("DELETE FROM labels WHERE signal = ?1", [id])?;
        connection.execute("DELETE FROM dispositions WHERE signal_id = ?1", [signal_id])?;
        connection.execute("DELETE FROM signals WHERE id = ?1", [id])?;
    }
    Ok(old.len())
}
