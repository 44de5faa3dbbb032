//! `auscult run`: the service, until it is told to stop.

use crate::cli::Run;
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::service::Service;
use crate::settings::{self, Overrides, Settings};
use crate::stopping::StopLimit;
use auscult_engine::clock::{Clock, SystemClock};
use auscult_engine::settings::{Role, Secret};
use auscult_web::ports::{Bytes, Submit};
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Lines of standard input appended in one transaction.
const LINES_PER_APPEND: usize = 2_000;
/// Longest line of standard input.
const MAX_LINE_BYTES: usize = 2 << 20;
/// Where the pseudonym key is kept when the settings do not say.
const DEFAULT_KEY_FILE: &str = "auscult.key";
/// How often the drain looks whether everything was worked off.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs until Ctrl-C, a stage that stops, or, with `--drain`, the end of standard input.
pub fn run(run: &Run) -> Outcome {
    let settings = settings_for(run)?;
    let taxonomy = super::themes(
        settings.taxonomy.as_deref(),
        settings.theme_model.as_deref(),
    )?;
    // Dropped last: what a client of the brokers does when it is dropped falls under the limit too.
    let limit = StopLimit::default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)?;
    runtime.block_on(serve(run, &settings, taxonomy, &limit))
}

fn settings_for(run: &Run) -> Result<Settings, Failure> {
    let mut overrides = Overrides::default();
    if let Some(roles) = &run.roles {
        let known = |text: &String| {
            Role::parse(text.trim()).ok_or_else(|| {
                Failure::new(
                    Kind::Settings,
                    anyhow::anyhow!(
                        "--roles: {text:?} is not a role; choose from listen, detect, serve"
                    ),
                )
            })
        };
        overrides.roles = Some(roles.iter().map(known).collect::<Result<_, _>>()?);
    }
    if std::env::var_os("AUSCULT_PSEUDONYM_KEY").is_none() && !names_a_key(run.settings.as_deref())
    {
        let (key, is_new) = settings::pseudonym_key(Path::new(DEFAULT_KEY_FILE)).map_err(|error| {
            Failure::new(Kind::Settings, anyhow::anyhow!("cannot use key file {DEFAULT_KEY_FILE}: {error}; set engine.listen.pseudonym_key_file"))
        })?;
        if is_new {
            tracing::warn!(
                "made {DEFAULT_KEY_FILE}: keep it, without it people cannot be recognised as the same"
            );
        }
        overrides.pseudonym_key = Some(key);
    }
    settings::load(run.settings.as_deref(), &overrides).or_fail(Kind::Settings)
}

fn names_a_key(path: Option<&Path>) -> bool {
    let text = path
        .and_then(|path| std::fs::read_to_string(path).ok())
        .unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    table
        .get("engine")
        .and_then(|engine| engine.get("listen"))
        .and_then(|listen| listen.get("pseudonym_key_file"))
        .is_some()
}

async fn serve(
    run: &Run,
    settings: &Settings,
    taxonomy: auscult_language::themes::Taxonomy,
    limit: &StopLimit,
) -> Outcome {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let listener = listener(settings).await?;
    let mut service = Service::start(settings, taxonomy, clock).or_fail(Kind::Store)?;
    let app = service.app(settings).or_fail(Kind::Store)?;
    let stop = service.stop_flag();
    let submit = Arc::clone(&app.submit);
    let pages = listener.map(|listener| {
        // Asked of the socket, because port 0 in the settings means any free one.
        let address = listener.local_addr().unwrap_or(settings.web.bind());
        tracing::info!("pages and API on http://{address}");
        tokio::spawn(auscult_web::serve(
            listener,
            app,
            stopped(Arc::clone(&stop)),
        ))
    });
    let input = run.stdin.then(|| {
        let stop = Arc::clone(&stop);
        tokio::task::spawn_blocking(move || read_lines(submit.as_ref(), &stop))
    });
    let mut failure = None;
    match input {
        Some(input) => {
            if let Err(error) = input.await.map_err(anyhow::Error::from)? {
                failure = Some(error);
            }
            if run.drain {
                while !stop.load(Ordering::SeqCst)
                    && !service.is_drained(settings).or_fail(Kind::Store)?
                {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            } else {
                asked_to_stop(&stop).await;
            }
        }
        None => asked_to_stop(&stop).await,
    }
    stop.store(true, Ordering::SeqCst);
    let metrics = Arc::clone(&service.metrics);
    limit
        .begin(&settings.engine, service.running(), metrics)
        .map_err(anyhow::Error::from)?;
    if let Some(pages) = pages {
        pages
            .await
            .map_err(anyhow::Error::from)?
            .map_err(anyhow::Error::from)?;
    }
    service
        .shut_down()
        .map_err(|complaints| Failure::new(Kind::Store, anyhow::anyhow!(complaints)))?;
    failure.map_or(Ok(()), Err)
}

/// The listening socket, when this process serves pages.
pub async fn listener(settings: &Settings) -> Result<Option<tokio::net::TcpListener>, Failure> {
    if !settings.engine.roles.contains(&Role::Serve) {
        return Ok(None);
    }
    let bind = settings.web.bind();
    tokio::net::TcpListener::bind(bind).await.map(Some).map_err(|error| {
        Failure::new(Kind::Address, anyhow::anyhow!("cannot listen on {bind}: {error}; stop what uses it, or set web.bind (demo: --bind) to another port"))
    })
}

/// Ends when the flag is up.
pub async fn stopped(stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Ends at Ctrl-C, at SIGTERM, or when a stage stopped by itself.
pub async fn asked_to_stop(stop: &Arc<AtomicBool>) {
    let mut terminate =
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(terminate) => terminate,
            Err(error) => {
                tracing::error!(%error, "cannot wait for SIGTERM; stopping");
                return;
            }
        };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        () = stopped(Arc::clone(stop)) => {}
    }
}

/// Appends standard input as it comes: each batch is durable before the next is read.
fn read_lines(submit: &dyn Submit, stop: &AtomicBool) -> Result<(), Failure> {
    let mut input = std::io::stdin().lock();
    let mut batch = Vec::new();
    let mut lines = 0;
    let mut line_number = 0u64;
    loop {
        let mut line = Vec::new();
        let read = input.read_until(b'\n', &mut line).map_err(|error| {
            Failure::new(
                Kind::Input,
                anyhow::anyhow!("cannot read standard input: {error}"),
            )
        })?;
        let ended = read == 0 || stop.load(Ordering::SeqCst);
        if !ended {
            line_number += 1;
            if line.len() > MAX_LINE_BYTES {
                tracing::warn!(
                    line = line_number,
                    bytes = line.len(),
                    "line is too long; it is kept as a dead letter, cut"
                );
                line.truncate(MAX_LINE_BYTES);
                line.push(b'\n');
            }
            batch.extend_from_slice(&line);
            lines += 1;
        }
        if lines > 0 && (ended || lines >= LINES_PER_APPEND || batch.len() > MAX_LINE_BYTES) {
            let accepted = submit
                .feedback(
                    "application/x-ndjson",
                    &Vec::new(),
                    Bytes::from(std::mem::take(&mut batch)),
                )
                .map_err(|error| {
                    Failure::new(
                        Kind::Store,
                        anyhow::anyhow!("standard input up to line {line_number}: {error}"),
                    )
                })?;
            for item in &accepted.rejected {
                let line = line_number - lines as u64 + item.index as u64 + 1;
                tracing::warn!(line, code = %item.code, place = %item.place, reason = %item.reason, "refused; kept as a dead letter");
            }
            lines = 0;
        }
        if ended {
            return Ok(());
        }
    }
}

/// A key for runs whose pseudonyms nobody needs to recognise later.
pub fn throwaway_key(purpose: &str) -> Secret {
    Secret::new(purpose.repeat(64 / purpose.len() + 1))
}
