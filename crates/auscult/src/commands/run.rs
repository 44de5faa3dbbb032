//! `auscult run`: the service, until it is told to stop.

use crate::cli::Run;
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::service::Service;
use crate::settings::{self, Overrides, Settings};
use crate::stopping::{StopLimit, StopSignals};
use auscult_engine::clock::{Clock, SystemClock};
use auscult_engine::settings::{Role, Secret};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Where the pseudonym key is kept when the settings do not say.
const DEFAULT_KEY_FILE: &str = "auscult.key";
/// How often is looked whether everything was worked off, or `stop` is up.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs until Ctrl-C, a stage that stops, or, with `--drain`, the end of standard input.
pub fn run(run: &Run) -> Outcome {
    let settings = settings_for(run)?;
    let taxonomy = super::themes(
        settings.taxonomy.as_deref(),
        settings.theme_model.as_deref(),
    )?;
    // Dropped last: what a client of the brokers does when it is dropped falls under the limit too.
    let limit = Arc::new(StopLimit::new(settings.engine.stop_within_seconds));
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
    limit: &Arc<StopLimit>,
) -> Outcome {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let listener = listener(settings).await?;
    let stop = Arc::new(AtomicBool::new(false));
    stop_when_asked(&stop, Some(limit)).await?;
    let mut service =
        Service::start(settings, taxonomy, clock, Arc::clone(&stop)).or_fail(Kind::Store)?;
    limit.watch(service.running(), Arc::clone(&service.metrics));
    let app = service.app(settings).or_fail(Kind::Store)?;
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
        tokio::task::spawn_blocking(move || super::stdin::append_lines(submit.as_ref(), &stop))
    });
    let mut failure = None;
    if let Some(input) = input
        && let Err(error) = input.await.map_err(anyhow::Error::from)?
    {
        failure = Some(error);
    }
    if run.drain {
        while !stop.load(Ordering::SeqCst) && !service.is_drained(settings).or_fail(Kind::Store)? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    } else {
        stopped(Arc::clone(&stop)).await;
    }
    stop.store(true, Ordering::SeqCst);
    limit.begin().map_err(anyhow::Error::from)?;
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

/// Raises `stop` at Ctrl-C and at SIGTERM, and begins `limit` then.
pub async fn stop_when_asked(
    stop: &Arc<AtomicBool>,
    limit: Option<&Arc<StopLimit>>,
) -> Result<(), Failure> {
    let mut signals = StopSignals::new().map_err(|error| {
        Failure::from(anyhow::anyhow!(
            "cannot wait for Ctrl-C and SIGTERM: {error}"
        ))
    })?;
    let (stop, limit) = (Arc::clone(stop), limit.map(Arc::clone));
    tokio::spawn(async move {
        signals.any().await;
        stop.store(true, Ordering::SeqCst);
        if let Some(Err(error)) = limit.map(|limit| limit.begin()) {
            tracing::error!(%error, "stopping has no limit: no thread could be started for it");
        }
    });
    Ok(())
}

/// A key for runs whose pseudonyms nobody needs to recognise later.
pub fn throwaway_key(purpose: &str) -> Secret {
    Secret::new(purpose.repeat(64 / purpose.len() + 1))
}
