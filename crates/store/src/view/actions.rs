//! Actions and what came of them.
//!
//! Nothing here is ever deleted: a bad result that can be removed is not a result.

use auscult_core::action::Action;
use auscult_core::words::StandardDimension;
use auscult_engine::read_model::{ActionDetail, ActionFilter, ActionRow, ViewChange};
use auscult_wire::decode_action_data;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::LIST_ROWS_MAX;
use super::write::run;

/// Most points looked at beside a series.
const POINTS_BESIDE_MAX: u32 = 5_000;

/// Writes a change of an action; others are not its business.
pub(super) fn write(connection: &Connection, change: &ViewChange) -> rusqlite::Result<()> {
    match change {
        ViewChange::Action { action, data } => write_action(connection, action, data),
        ViewChange::Outcome { action_id, revision, stage, verdict, data } => run(
            connection,
            "INSERT INTO outcomes VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT(action_id) DO UPDATE
                 SET revision = excluded.revision, stage = excluded.stage, verdict = excluded.verdict, data = excluded.data
                 WHERE excluded.revision >= outcomes.revision",
            params![action_id, revision, stage, verdict, data],
        ),
        _ => Ok(()),
    }
}

/// The detector takes the same events in the same order by the same rule.
fn write_action(connection: &Connection, action: &Action, data: &str) -> rusqlite::Result<()> {
    let former = connection
        .prepare_cached("SELECT data, event_id, portfolio FROM actions WHERE action_id = ?1")?
        .query_row([&action.action_id], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
            ))
        })
        .optional()?
        .and_then(|(data, event_id, portfolio)| {
            let data = decode_action_data(&data).ok()?;
            Some(data.to_action(&event_id, &portfolio))
        });
    // An id belongs to the portfolio that used it first.
    let is_of_another = former
        .as_ref()
        .is_some_and(|it| it.portfolio != action.portfolio);
    if is_of_another || action.follows(former.as_ref()).is_err() {
        return Ok(());
    }
    run(
        connection,
        "INSERT INTO actions VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(action_id) DO UPDATE SET event_id = excluded.event_id,
             state = excluded.state, recorded_at = excluded.recorded_at, data = excluded.data",
        params![
            action.action_id,
            action.portfolio,
            action.event_id,
            action.state.as_str(),
            action.recorded_at.0,
            data
        ],
    )?;
    run(
        connection,
        "INSERT OR IGNORE INTO action_events VALUES (?1, ?2, ?3)",
        params![action.action_id, action.recorded_at.0, data],
    )?;
    for signal_id in &action.signal_ids {
        run(
            connection,
            "INSERT OR IGNORE INTO action_signals(signal_id, action_id) VALUES (?1, ?2)",
            params![signal_id, action.action_id],
        )?;
    }
    Ok(())
}

/// Whether signal `s` tells what people think of a belief statement.
fn is_of_a_belief() -> String {
    let stance = StandardDimension::Stance.as_str();
    format!("EXISTS (SELECT 1 FROM labels l WHERE l.signal = s.id AND l.key = '{stance}')")
}

/// An action is for the medical role alone while one of its signals is, or is not known yet.
fn columns() -> String {
    format!(
        "a.portfolio, a.action_id, a.event_id, a.data, o.data,
         EXISTS (SELECT 1 FROM action_signals b LEFT JOIN signals s ON s.signal_id = b.signal_id WHERE b.action_id = a.action_id
                 AND coalesce(b.medical, CASE WHEN s.id IS NULL THEN 1 ELSE {} END))
         FROM actions a LEFT JOIN outcomes o ON o.action_id = a.action_id",
        is_of_a_belief()
    )
}

/// Remembers for whom a signal was, before it is removed.
pub(super) fn forget_signal(connection: &Connection, signal_id: &str) -> rusqlite::Result<()> {
    let sql = format!(
        "UPDATE action_signals SET medical = (SELECT {} FROM signals s WHERE s.signal_id = ?1) WHERE signal_id = ?1",
        is_of_a_belief()
    );
    run(connection, &sql, params![signal_id])
}

fn action_row(row: &Row<'_>) -> rusqlite::Result<ActionRow> {
    Ok(ActionRow {
        portfolio: row.get(0)?,
        action_id: row.get(1)?,
        event_id: row.get(2)?,
        data: row.get(3)?,
        outcome: row.get(4)?,
        is_medical: row.get(5)?,
    })
}

/// The last recorded first.
pub(super) fn actions(
    connection: &Connection,
    filter: &ActionFilter,
) -> rusqlite::Result<Vec<ActionRow>> {
    let sql = format!(
        "SELECT {} WHERE (?1 IS NULL OR a.action_id IN (SELECT action_id FROM action_signals WHERE signal_id = ?1))
             AND (?2 IS NULL OR a.state = ?2) ORDER BY a.recorded_at DESC, a.action_id LIMIT ?3",
        columns()
    );
    let wanted = params![
        filter.signal_id,
        filter.state,
        filter.limit.min(LIST_ROWS_MAX)
    ];
    connection
        .prepare_cached(&sql)?
        .query_map(wanted, action_row)?
        .collect()
}

pub(super) fn action(
    connection: &Connection,
    action_id: &str,
) -> rusqlite::Result<Option<ActionDetail>> {
    let current = connection
        .prepare_cached(&format!("SELECT {} WHERE a.action_id = ?1", columns()))?
        .query_row([action_id], action_row)
        .optional()?;
    let Some(current) = current else {
        return Ok(None);
    };
    let mut events: Vec<String> = connection
        .prepare_cached(&format!(
            "SELECT data FROM action_events WHERE action_id = ?1 ORDER BY recorded_at DESC LIMIT {LIST_ROWS_MAX}"
        ))?
        .query_map([action_id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    events.reverse();
    Ok(Some(ActionDetail { current, events }))
}

/// Points of the newest bucket the series was told in, its own first. The others are read in the order they lie in, so that
/// a small limit reads few.
pub(super) fn points_beside(
    connection: &Connection,
    portfolio: &str,
    series_id: &str,
    limit: u32,
) -> rusqlite::Result<Vec<String>> {
    let own = connection
        .prepare_cached(
            "SELECT c.id, c.width, b.start, p.data FROM series c
             CROSS JOIN buckets b ON b.width = c.width
             CROSS JOIN points p ON p.width = b.width AND p.start = b.start AND p.series = c.id
             WHERE c.series_id = ?1 AND c.portfolio = ?2 ORDER BY b.start DESC LIMIT 1",
        )?
        .query_row([series_id, portfolio], |row| {
            let place = (
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
            );
            Ok((place, row.get::<_, String>(3)?))
        })
        .optional()?;
    let others = limit.min(POINTS_BESIDE_MAX).checked_sub(1);
    let (Some(((series, width, start), data)), Some(others)) = (own, others) else {
        return Ok(Vec::new());
    };
    let mut found = vec![data];
    let mut beside = connection.prepare_cached(
        "SELECT p.data FROM points p CROSS JOIN series c ON c.id = p.series
         WHERE p.width = ?1 AND p.start = ?2 AND c.portfolio = ?3 AND p.series <> ?4 ORDER BY p.series LIMIT ?5",
    )?;
    let rows = beside.query_map(params![width, start, portfolio, series, others], |row| {
        row.get(0)
    })?;
    for row in rows {
        found.push(row?);
    }
    Ok(found)
}
