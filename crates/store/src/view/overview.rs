//! The figures of Home and Ops.

use auscult_core::time::{DAY, Timestamp};
use auscult_engine::read_model::{FeedRow, Overview};
use rusqlite::{Connection, OptionalExtension};

use super::{LIST_ROWS_MAX, desks};

/// All figures of one moment, from one snapshot.
pub(super) fn overview(connection: &Connection, now: Timestamp) -> rusqlite::Result<Overview> {
    let count = |sql: &str| {
        connection
            .prepare_cached(sql)?
            .query_row([], |row| row.get::<_, u64>(0))
    };
    let mut due_soon = connection
        .prepare_cached("SELECT count(*) FROM candidates WHERE open = 1 AND intake_due <= ?1")?;
    let (safety_unacknowledged, safety_escalated) = desks::unacknowledged(connection)?;
    Ok(Overview {
        firing: count("SELECT count(*) FROM signals WHERE status = 'firing' AND suppressed = 0")?,
        untriaged: count("SELECT count(*) FROM signals WHERE status = 'firing' AND suppressed = 0 AND disposed = 0")?,
        muted: count("SELECT count(*) FROM signals WHERE status = 'firing' AND suppressed = 1")?,
        oldest_untriaged: connection
            .prepare_cached(
                "SELECT min(as_of) FROM signals WHERE status = 'firing' AND suppressed = 0 AND disposed = 0",
            )?
            .query_row([], |row| row.get::<_, Option<i64>>(0))?
            .map(Timestamp),
        safety_open: count("SELECT count(*) FROM candidates WHERE open = 1")?,
        safety_due_soon: due_soon.query_row([now.plus(DAY).0], |row| row.get(0))?,
        safety_unacknowledged,
        safety_escalated,
        requests: desks::open_requests(connection)?,
        dead_letters: by_word(connection, "SELECT code, count(*) FROM dead_letters GROUP BY code ORDER BY code")?,
        decisions: by_word(connection, "SELECT decision, count(*) FROM dispositions GROUP BY decision ORDER BY decision")?,
        newest_bucket_end: connection
            .prepare_cached("SELECT value FROM facts WHERE name = 'newest_bucket_end'")?
            .query_row([], |row| row.get(0).map(Timestamp))
            .optional()?,
        feeds: feeds(connection, now)?,
    })
}

fn by_word(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<(String, u64)>> {
    connection
        .prepare_cached(sql)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn feeds(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<FeedRow>> {
    let sql = format!(
        "SELECT feed, last_event, mentions, silent_after FROM feeds ORDER BY feed LIMIT {LIST_ROWS_MAX}"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map([], |row| {
        let last_event: i64 = row.get(1)?;
        let silent = now.0.saturating_sub(last_event) > row.get(3)?;
        Ok(FeedRow {
            feed: row.get(0)?,
            last_event: Timestamp(last_event),
            mentions: row.get(2)?,
            state: if silent { "no_data" } else { "ok" }.to_owned(),
        })
    })?;
    rows.collect()
}
