//! Lists and details.

use auscult_core::time::Timestamp;
use auscult_engine::read_model::{
    ActionDetail, ActionFilter, ActionRow, CandidateRow, DeadLetterRow, Overview, ReadError,
    ReadModel, ReconciledDay, ReconciliationFilter, RequestFilter, RequestRow, SignalDetail,
    SignalFilter, SignalRow,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::{LIST_ROWS_MAX, POINTS_MAX, View, actions, desks, overview};

/// Columns every signal row is made from: `r` is the revision shown, `s` the signal.
const ROW: &str = "s.signal_id, r.revision, r.status, r.rank, r.suppressed, r.as_of, r.data,
    (SELECT d.data FROM dispositions d WHERE d.signal_id = s.signal_id ORDER BY d.decided_at DESC, d.disposition_id DESC LIMIT 1)";

impl ReadModel for View {
    fn signals(&self, filter: &SignalFilter) -> Result<Vec<SignalRow>, ReadError> {
        self.read(|connection| {
            let labels = rarest_first(connection, &filter.labels)?;
            let (sql, values) = list_query(filter, &labels);
            let mut list = connection.prepare_cached(&sql)?;
            list.query_map(params_from_iter(values), signal_row)?
                .collect()
        })
    }

    fn signal(&self, signal_id: &str) -> Result<Option<SignalDetail>, ReadError> {
        self.read(|connection| {
            let found = connection
                .prepare_cached(
                    "SELECT id, series_id, portfolio FROM signals WHERE signal_id = ?1",
                )?
                .query_row([signal_id], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()?;
            let Some((id, series_id, portfolio)) = found else {
                return Ok(None);
            };
            detail(connection, signal_id, id, series_id, portfolio)
        })
    }

    fn safety_candidates(
        &self,
        open_only: bool,
        limit: u32,
    ) -> Result<Vec<CandidateRow>, ReadError> {
        self.read(|connection| desks::candidates(connection, open_only, limit))
    }

    fn safety_candidate(&self, candidate_id: &str) -> Result<Option<CandidateRow>, ReadError> {
        self.read(|connection| desks::candidate(connection, candidate_id))
    }

    fn reconciliation(
        &self,
        filter: &ReconciliationFilter,
    ) -> Result<Vec<ReconciledDay>, ReadError> {
        self.read(|connection| desks::reconciliation(connection, filter))
    }

    fn medical_requests(&self, filter: &RequestFilter) -> Result<Vec<RequestRow>, ReadError> {
        self.read(|connection| desks::requests(connection, filter))
    }

    fn medical_request(&self, request_id: &str) -> Result<Option<RequestRow>, ReadError> {
        self.read(|connection| desks::request(connection, request_id))
    }

    fn actions(&self, filter: &ActionFilter) -> Result<Vec<ActionRow>, ReadError> {
        self.read(|connection| actions::actions(connection, filter))
    }

    fn action(&self, action_id: &str) -> Result<Option<ActionDetail>, ReadError> {
        self.read(|connection| actions::action(connection, action_id))
    }

    fn points_beside(
        &self,
        portfolio: &str,
        series_id: &str,
        limit: u32,
    ) -> Result<Vec<String>, ReadError> {
        self.read(|connection| actions::points_beside(connection, portfolio, series_id, limit))
    }

    fn dead_letters(
        &self,
        code: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DeadLetterRow>, ReadError> {
        let of_code = if code.is_some() {
            "WHERE l.code = ?2"
        } else {
            "WHERE ?2 IS NULL"
        };
        let sql = format!(
            "SELECT l.id, l.code, l.at, l.data, coalesce((SELECT count FROM replays WHERE id = l.id), 0)
             FROM dead_letters l {of_code} ORDER BY l.at DESC, l.id LIMIT ?1"
        );
        self.read(|connection| {
            let mut list = connection.prepare_cached(&sql)?;
            let rows = list.query_map(params![limit.min(LIST_ROWS_MAX), code], |row| {
                Ok(DeadLetterRow {
                    id: row.get(0)?,
                    code: row.get(1)?,
                    at: Timestamp(row.get(2)?),
                    data: row.get(3)?,
                    replays: row.get(4)?,
                })
            })?;
            rows.collect()
        })
    }

    fn overview(&self, now: Timestamp) -> Result<Overview, ReadError> {
        self.read(|connection| overview::overview(connection, now))
    }
}

fn signal_row(row: &Row<'_>) -> rusqlite::Result<SignalRow> {
    Ok(SignalRow {
        signal_id: row.get(0)?,
        revision: row.get(1)?,
        status: row.get(2)?,
        rank: row.get(3)?,
        suppressed: row.get(4)?,
        as_of: Timestamp(row.get(5)?),
        data: row.get(6)?,
        disposition: row.get(7)?,
    })
}

/// Counting signals of a label stops here: beyond it, it no longer matters which label is rarer.
const LABEL_COUNT_MAX: u32 = 20_000;

/// The labels, the one that fewest signals have first.
fn rarest_first(
    connection: &Connection,
    labels: &[(String, String)],
) -> rusqlite::Result<Vec<(String, String)>> {
    if labels.len() < 2 {
        return Ok(labels.to_vec());
    }
    let mut count = connection.prepare_cached(&format!(
        "SELECT count(*) FROM (SELECT 1 FROM labels WHERE key = ?1 AND value = ?2 LIMIT {LABEL_COUNT_MAX})"
    ))?;
    let counted = labels.iter().map(|label| {
        Ok((
            count.query_row(params![label.0, label.1], |row| row.get::<_, u32>(0))?,
            label,
        ))
    });
    let mut counted = counted.collect::<rusqlite::Result<Vec<_>>>()?;
    counted.sort_by_key(|(count, _)| *count);
    Ok(counted
        .into_iter()
        .map(|(_, label)| label.clone())
        .collect())
}

/// The list query and its values. Without labels the covering index `signals_by_rank` is walked; with labels the
/// rarest one's own list, already in rank order, and the others are looked up at the same rank.
fn list_query(filter: &SignalFilter, labels: &[(String, String)]) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = Vec::new();
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut value = |value: Value| {
        values.push(value);
        format!("?{}", values.len())
    };
    let (from, order) = match labels.split_first() {
        None => (
            "signals l INDEXED BY signals_by_rank".to_owned(),
            "l.rank DESC, l.as_of DESC, l.signal_id",
        ),
        Some(((key, label), rest)) => {
            conditions.push(format!(
                "f.key = {} AND f.value = {}",
                value(key.clone().into()),
                value(label.clone().into())
            ));
            for (key, label) in rest {
                let (key, label) = (value(key.clone().into()), value(label.clone().into()));
                conditions.push(format!(
                    "EXISTS (SELECT 1 FROM labels o WHERE o.key = {key} AND o.value = {label}
                             AND o.rank = f.rank AND o.as_of = f.as_of AND o.signal = f.signal)"
                ));
            }
            (
                "labels f CROSS JOIN signals l ON l.id = f.signal".to_owned(),
                "f.rank DESC, f.as_of DESC, l.signal_id",
            )
        }
    };
    if let Some(status) = &filter.status {
        conditions.push(format!("l.status = {}", value(status.clone().into())));
    }
    if let Some(portfolio) = &filter.portfolio {
        conditions.push(format!("l.portfolio = {}", value(portfolio.clone().into())));
    }
    if !filter.include_suppressed {
        conditions.push("l.suppressed = 0".to_owned());
    }
    let limit = value(i64::from(filter.limit.min(LIST_ROWS_MAX)).into());
    let offset = value(i64::from(filter.offset).into());
    // The page is chosen over narrow rows first; only its own documents are read.
    let sql = format!(
        "SELECT {ROW} FROM (
             SELECT l.signal_id AS page_id FROM {from} WHERE {} ORDER BY {order} LIMIT {limit} OFFSET {offset}
         ) CROSS JOIN signals s ON s.signal_id = page_id
         JOIN revisions r ON r.signal = s.id AND r.revision = s.revision
         ORDER BY s.rank DESC, s.as_of DESC, s.signal_id",
        conditions.join(" AND ")
    );
    (sql, values)
}

fn detail(
    connection: &Connection,
    signal_id: &str,
    id: i64,
    series_id: String,
    portfolio: String,
) -> rusqlite::Result<Option<SignalDetail>> {
    let mut revisions: Vec<SignalRow> = connection
        .prepare_cached(&format!(
            "SELECT {ROW} FROM signals s JOIN revisions r ON r.signal = s.id WHERE s.id = ?1
             ORDER BY r.revision DESC LIMIT {LIST_ROWS_MAX}"
        ))?
        .query_map([id], signal_row)?
        .collect::<rusqlite::Result<_>>()?;
    let Some(current) = revisions.first().cloned() else {
        return Ok(None);
    };
    revisions.reverse();
    let mut points: Vec<String> = connection
        .prepare_cached(&format!(
            "SELECT p.data FROM series c
             CROSS JOIN buckets b ON b.width = c.width
             CROSS JOIN points p ON p.width = b.width AND p.start = b.start AND p.series = c.id
             WHERE c.series_id = ?1 AND c.portfolio = ?2 ORDER BY b.start DESC LIMIT {POINTS_MAX}"
        ))?
        .query_map([&series_id, &portfolio], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    points.reverse();
    let mut dispositions: Vec<String> = connection
        .prepare_cached(&format!(
            "SELECT data FROM dispositions WHERE signal_id = ?1 ORDER BY decided_at DESC, disposition_id DESC
             LIMIT {LIST_ROWS_MAX}"
        ))?
        .query_map([signal_id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    dispositions.reverse();
    Ok(Some(SignalDetail {
        portfolio,
        current,
        revisions,
        points,
        dispositions,
    }))
}
