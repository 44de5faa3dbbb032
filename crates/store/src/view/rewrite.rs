//! Documents of the read model changed where they lie, as [`crate::log::EmbeddedLog::rewrite_records`] changes the topics they
//! were read from: deleting the view would do as well, and would lose what the topics no longer hold.

use rusqlite::{Connection, params};
use std::sync::PoisonError;

use super::View;
use crate::log::Rewritten;
use crate::sqlite::Trouble;

/// Documents looked at in one transaction.
const DOCUMENTS_A_BATCH: i64 = 500;

impl View {
    /// Hands the document of every revision of every signal to `change` and keeps what it gives in its place.
    ///
    /// # Errors
    /// See [`Trouble`]; what was changed before stays changed.
    pub fn rewrite_documents(
        &self,
        change: &mut dyn FnMut(&str) -> Option<String>,
    ) -> Result<Rewritten, Trouble> {
        let mut rewritten = Rewritten::default();
        let mut after = i64::MIN;
        self.on_writer("rewrite", crate::sqlite::overwrite_what_is_replaced)?;
        loop {
            let (looked_at, changed) = self.write(|connection| {
                let mut select = connection.prepare_cached(
                    "SELECT id, data FROM revisions WHERE id > ?1 ORDER BY id LIMIT ?2",
                )?;
                let batch: Vec<(i64, String)> = select
                    .query_map(params![after, DOCUMENTS_A_BATCH], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })?
                    .collect::<rusqlite::Result<_>>()?;
                let mut changed = 0;
                for (id, data) in &batch {
                    after = *id;
                    if let Some(data) = change(data) {
                        connection
                            .prepare_cached("UPDATE revisions SET data = ?2 WHERE id = ?1")?
                            .execute(params![id, data])?;
                        changed += 1;
                    }
                }
                Ok((batch.len() as u64, changed))
            })?;
            if looked_at == 0 {
                self.on_writer("write anew", crate::sqlite::write_anew)?;
                return Ok(rewritten);
            }
            rewritten.looked_at += looked_at;
            rewritten.changed += changed;
        }
    }

    /// Runs `action` outside any transaction.
    fn on_writer(
        &self,
        name: &str,
        action: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), Trouble> {
        let writer = self
            .inner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        action(&writer).map_err(|error| self.inner.place.explain(name, &error))
    }
}
