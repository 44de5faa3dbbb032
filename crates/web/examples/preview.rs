//! Serves the pages over made-up data, to look at them: `cargo run -p auscult-web --example preview -- 8099`.
//!
//! The first argument is the port, the second (`empty`) shows the pages before any feedback came.

#![recursion_limit = "256"]

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::Arc;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().unwrap_or_else(|| "8099".to_owned());
    let fake = Arc::new(common::Fake {
        empty: arguments.next().as_deref() == Some("empty"),
        ..common::Fake::default()
    });
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let app = common::app(&fake, common::demo());
    let updates = app.updates.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            // Nobody listening is fine: pages come and go.
            let _ = updates.send(auscult_web::Update::Operations);
        }
    });
    auscult_web::serve(listener, app, async {
        // Without a handler for interrupts the process ends by itself, which is all a preview needs.
        let _ = tokio::signal::ctrl_c().await;
    })
    .await
}
