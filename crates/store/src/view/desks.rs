//! The two desks: safety candidates with what came after them, the daily reconciliation, medical requests.

use auscult_core::time::{DAY, Timestamp};
use auscult_engine::read_model::{
    CandidateRow, OpenRequests, Outstanding, ReconciledDay, ReconciliationFilter, RequestFilter,
    RequestRow, ViewChange,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;

use super::LIST_ROWS_MAX;
use super::write::run;

/// Writes a change of one of the desks; others are not its business.
///
/// Of acknowledgements and answers the last by time counts; of two at one moment the later read, which is the same in
/// every run because one candidate's (request's) answers lie in one partition.
pub(super) fn write(connection: &Connection, change: &ViewChange) -> rusqlite::Result<()> {
    match change {
        ViewChange::SafetyCandidate { tenant, candidate_id, revision, awareness, intake_due, data } => run(
            connection,
            "INSERT INTO candidates(candidate_id, tenant, revision, awareness, intake_due, open, data) VALUES (?1, ?2, ?3, ?4, ?5,
                 NOT EXISTS (SELECT 1 FROM acknowledgements WHERE candidate_id = ?1 AND closes), ?6)
             ON CONFLICT(candidate_id) DO UPDATE SET tenant = excluded.tenant, revision = excluded.revision,
                 awareness = excluded.awareness, intake_due = excluded.intake_due, data = excluded.data
                 WHERE excluded.revision >= candidates.revision",
            params![candidate_id, tenant, revision, awareness.0, intake_due.0, data],
        ),
        ViewChange::SafetyAck { candidate_id, at, decision, closes, data } => {
            run(
                connection,
                "INSERT INTO acknowledgements(candidate_id, at, decision, closes, data) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT(candidate_id) DO UPDATE SET at = excluded.at, decision = excluded.decision,
                     closes = excluded.closes, data = excluded.data WHERE excluded.at >= acknowledgements.at",
                params![candidate_id, at.0, decision, closes, data],
            )?;
            run(
                connection,
                "UPDATE candidates SET open = NOT EXISTS (SELECT 1 FROM acknowledgements WHERE candidate_id = ?1 AND closes)
                 WHERE candidate_id = ?1",
                params![candidate_id],
            )
        }
        ViewChange::SafetyEscalation { candidate_id, at, data } => run(
            connection,
            "INSERT INTO escalations VALUES (?1, ?2, ?3) ON CONFLICT(candidate_id) DO NOTHING",
            params![candidate_id, at.0, data],
        ),
        ViewChange::MedicalRequest { tenant, request_id, received_at, data } => run(
            connection,
            "INSERT INTO requests(request_id, tenant, received_at, open, data) VALUES (?1, ?2, ?3,
                 NOT EXISTS (SELECT 1 FROM answers WHERE request_id = ?1 AND closes), ?4)
             ON CONFLICT(request_id) DO UPDATE
                 SET tenant = excluded.tenant, received_at = excluded.received_at, data = excluded.data",
            params![request_id, tenant, received_at.0, data],
        ),
        ViewChange::MedicalAnswer { request_id, at, closes, data } => {
            run(
                connection,
                "INSERT INTO answers VALUES (?1, ?2, ?3, ?4) ON CONFLICT(request_id) DO UPDATE
                     SET at = excluded.at, closes = excluded.closes, data = excluded.data WHERE excluded.at >= answers.at",
                params![request_id, at.0, closes, data],
            )?;
            run(
                connection,
                "UPDATE requests SET open = NOT EXISTS (SELECT 1 FROM answers WHERE request_id = ?1 AND closes)
                 WHERE request_id = ?1",
                params![request_id],
            )
        }
        _ => Ok(()),
    }
}

const CANDIDATE: &str = "SELECT c.tenant, c.data, a.data, e.data FROM candidates c
    LEFT JOIN acknowledgements a ON a.candidate_id = c.candidate_id
    LEFT JOIN escalations e ON e.candidate_id = c.candidate_id";

fn candidate_row(row: &Row<'_>) -> rusqlite::Result<CandidateRow> {
    Ok(CandidateRow {
        tenant: row.get(0)?,
        candidate: row.get(1)?,
        acknowledgement: row.get(2)?,
        escalation: row.get(3)?,
    })
}

/// Escalated and unacknowledged first, then by due time.
pub(super) fn candidates(
    connection: &Connection,
    open_only: bool,
    limit: u32,
) -> rusqlite::Result<Vec<CandidateRow>> {
    let open = if open_only { "WHERE c.open = 1" } else { "" };
    let sql = format!(
        "{CANDIDATE} {open}
         ORDER BY e.candidate_id IS NOT NULL AND a.candidate_id IS NULL DESC, c.intake_due, c.candidate_id LIMIT ?1"
    );
    connection
        .prepare_cached(&sql)?
        .query_map([limit.min(LIST_ROWS_MAX)], candidate_row)?
        .collect()
}

pub(super) fn candidate(
    connection: &Connection,
    candidate_id: &str,
) -> rusqlite::Result<Option<CandidateRow>> {
    connection
        .prepare_cached(&format!("{CANDIDATE} WHERE c.candidate_id = ?1"))?
        .query_row([candidate_id], candidate_row)
        .optional()
}

/// Unacknowledged candidates: how many, and how many of them were escalated.
pub(super) fn unacknowledged(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    connection
        .prepare_cached(
            "SELECT count(*), count(e.candidate_id) FROM candidates c
             LEFT JOIN escalations e ON e.candidate_id = c.candidate_id
             WHERE c.open = 1 AND NOT EXISTS (SELECT 1 FROM acknowledgements a WHERE a.candidate_id = c.candidate_id)",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Which candidates a reconciliation is about: those of its days, and, if wanted, all that nobody acknowledged.
const RECONCILED: &str = "FROM candidates c
    LEFT JOIN acknowledgements a ON a.candidate_id = c.candidate_id
    LEFT JOIN escalations e ON e.candidate_id = c.candidate_id
    WHERE (c.awareness >= ?1 AND c.awareness < ?2)
       OR (?3 AND c.awareness / ?4 IN (
              SELECT o.awareness / ?4 FROM candidates o WHERE o.open = 1
              AND NOT EXISTS (SELECT 1 FROM acknowledgements w WHERE w.candidate_id = o.candidate_id)))";

/// By tenant and day, newest day first; a whole day is shown whenever anything of it is.
pub(super) fn reconciliation(
    connection: &Connection,
    filter: &ReconciliationFilter,
) -> rusqlite::Result<Vec<ReconciledDay>> {
    let ReconciliationFilter {
        from,
        until,
        and_outstanding,
        now,
    } = *filter;
    let sql = format!(
        "SELECT c.tenant, c.awareness / ?4 AS day, count(*), count(a.candidate_id),
             sum(a.decision IS 'accepted'), sum(a.decision IS 'not_a_case'), sum(a.decision IS 'duplicate'),
             sum(a.decision IS 'needs_information'), count(e.candidate_id),
             sum(a.candidate_id IS NULL AND (e.candidate_id IS NOT NULL OR c.intake_due < ?5))
         {RECONCILED} GROUP BY day, c.tenant ORDER BY day DESC, c.tenant"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(
        params![from.0, until.0, and_outstanding, DAY, now.0],
        |row| {
            let (sent, acknowledged): (u64, u64) = (row.get(2)?, row.get(3)?);
            Ok(ReconciledDay {
                tenant: row.get(0)?,
                day: Timestamp(row.get::<_, i64>(1)? * DAY),
                sent,
                acknowledged,
                accepted: row.get(4)?,
                not_a_case: row.get(5)?,
                duplicate: row.get(6)?,
                needs_information: row.get(7)?,
                escalated: row.get(8)?,
                outstanding: sent - acknowledged,
                past_due: row.get(9)?,
                missing: Vec::new(),
            })
        },
    )?;
    let mut days = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut missing = missing(connection, filter)?;
    for day in &mut days {
        let key = (day.tenant.clone(), day.day.0 / DAY);
        day.missing = missing.remove(&key).unwrap_or_default();
    }
    Ok(days)
}

type ByTenantAndDay = BTreeMap<(String, i64), Vec<Outstanding>>;

fn missing(
    connection: &Connection,
    filter: &ReconciliationFilter,
) -> rusqlite::Result<ByTenantAndDay> {
    let sql = format!(
        "SELECT c.tenant, c.awareness / ?4, c.candidate_id, c.intake_due, e.at FROM
             (SELECT c.candidate_id {RECONCILED}) r JOIN candidates c ON c.candidate_id = r.candidate_id
             LEFT JOIN escalations e ON e.candidate_id = c.candidate_id
         WHERE NOT EXISTS (SELECT 1 FROM acknowledgements a WHERE a.candidate_id = c.candidate_id)
         ORDER BY c.intake_due, c.candidate_id LIMIT {LIST_ROWS_MAX}"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![
        filter.from.0,
        filter.until.0,
        filter.and_outstanding,
        DAY
    ])?;
    let mut missing = ByTenantAndDay::new();
    while let Some(row) = rows.next()? {
        let outstanding = Outstanding {
            candidate_id: row.get(2)?,
            intake_due: Timestamp(row.get(3)?),
            escalated_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
        };
        let day = (row.get(0)?, row.get(1)?);
        missing.entry(day).or_default().push(outstanding);
    }
    Ok(missing)
}

const REQUEST: &str = "SELECT r.tenant, r.data, a.data, r.open FROM requests r
    LEFT JOIN answers a ON a.request_id = r.request_id";

fn request_row(row: &Row<'_>) -> rusqlite::Result<RequestRow> {
    Ok(RequestRow {
        tenant: row.get(0)?,
        request: row.get(1)?,
        answer: row.get(2)?,
        open: row.get(3)?,
    })
}

/// The oldest first.
pub(super) fn requests(
    connection: &Connection,
    filter: &RequestFilter,
) -> rusqlite::Result<Vec<RequestRow>> {
    let open = match filter.open {
        Some(true) => "WHERE r.open = 1",
        Some(false) => "WHERE r.open = 0",
        None => "",
    };
    connection
        .prepare_cached(&format!(
            "{REQUEST} {open} ORDER BY r.received_at, r.request_id LIMIT ?1"
        ))?
        .query_map([filter.limit.min(LIST_ROWS_MAX)], request_row)?
        .collect()
}

pub(super) fn request(
    connection: &Connection,
    request_id: &str,
) -> rusqlite::Result<Option<RequestRow>> {
    connection
        .prepare_cached(&format!("{REQUEST} WHERE r.request_id = ?1"))?
        .query_row([request_id], request_row)
        .optional()
}

pub(super) fn open_requests(connection: &Connection) -> rusqlite::Result<OpenRequests> {
    connection
        .prepare_cached("SELECT count(*), min(received_at) FROM requests WHERE open = 1")?
        .query_row([], |row| {
            Ok(OpenRequests {
                count: row.get(0)?,
                oldest: row.get::<_, Option<i64>>(1)?.map(Timestamp),
            })
        })
}
