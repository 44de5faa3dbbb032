//! The server on a real socket: live updates arrive, and shutdown ends them.

use crate::common::{Fake, app, demo};
use auscult_web::Update;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn read_until(stream: &mut TcpStream, words: &str) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains(words) {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer))
            .await
            .expect("in time")
            .unwrap();
        assert!(
            read > 0,
            "the stream ended before {words:?}: {}",
            String::from_utf8_lossy(&seen)
        );
        seen.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test]
async fn updates_reach_the_roles_they_are_for_and_shutdown_ends_the_stream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app(&Arc::new(Fake::default()), demo());
    let updates = app.updates.clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(auscult_web::serve(listener, app, async move {
        let _ = stopped.await;
    }));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /events HTTP/1.1\r\nhost: {address}\r\nx-auscult-role: ops\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    read_until(&mut stream, "text/event-stream").await;
    while updates.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    updates
        .send(Update::Safety {
            candidate_id: "ae_1".to_owned(),
        })
        .unwrap();
    updates
        .send(Update::Signal {
            signal_id: "al_1\r\nevent: forged".to_owned(),
        })
        .unwrap();
    updates.send(Update::Operations).unwrap();
    let heard = read_until(&mut stream, "data: operations").await;
    assert!(
        heard.contains("event: signals\ndata: al_1event: forged"),
        "{heard}"
    );
    assert!(
        !heard.contains("ae_1"),
        "safety news are not for operations"
    );
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), server)
        .await
        .expect("open streams do not hold the server up")
        .unwrap()
        .unwrap();
}
