//! Routes and layers put together, and the loop that serves them.

use crate::listener::BoundedListener;
use crate::ports::App;
use crate::problem::Problem;
use crate::settings::{MAX_BODY_BYTES, SHUTDOWN_GRACE_SECONDS};
use crate::state::State;
use crate::{access, api, pages, security};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, Request};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use std::future::{Future, IntoFuture};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Every page and route of `app`.
pub fn router(app: App) -> Router {
    build(Arc::new(State::new(app)))
}

fn build(state: Arc<State>) -> Router {
    let mut router = pages::router();
    for route in api::routes() {
        router = router.route(route.path, route.handler);
    }
    // The layer named last sees the request first.
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(security::limits))
        .layer(from_fn(access::identify))
        .layer(from_fn(pages::problems_as_pages))
        .layer(from_fn(security::headers))
        .layer(Extension(state))
}

async fn nothing_here(request: Request) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_page",
        "There is no such page",
        format!("Nothing is at {:?}", request.uri().path()),
        "path",
        "start from / or see /v1/openapi.json for the API",
    )
}

async fn wrong_method(request: Request) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        "The method is not offered here",
        format!(
            "{} is not offered at {:?}",
            request.method(),
            request.uri().path()
        ),
        "method",
        "see /v1/openapi.json for what is",
    )
}

/// Serves `app` on `listener` until `shutdown` ends; open requests then get
/// [`SHUTDOWN_GRACE_SECONDS`] to finish.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let state = Arc::new(State::new(app));
    let mut closing = state.closing.subscribe();
    let closer = Arc::clone(&state);
    let server = axum::serve(BoundedListener::new(listener), build(state)).with_graceful_shutdown(
        async move {
            shutdown.await;
            closer.closing.send_replace(true);
        },
    );
    let grace = async move {
        // An error means that the state is gone, and the server with it.
        if closing.wait_for(|closing| *closing).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(SHUTDOWN_GRACE_SECONDS)).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = grace => {
            tracing::warn!(seconds = SHUTDOWN_GRACE_SECONDS, "open requests did not finish in time and were dropped");
            Ok(())
        }
    }
}
