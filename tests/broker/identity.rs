//! An identity provider for tests: it gives unsigned tokens to one client, over HTTP or HTTPS on the loopback.

use auscult_test_broker::TlsFiles;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use native_tls::{Identity, TlsAcceptor};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest wait for a client that says nothing.
const SAYS_WITHIN: Duration = Duration::from_secs(10);

/// What the provider's thread and its owner share.
#[derive(Debug, Default)]
struct Shared {
    asked: AtomicU32,
    is_away: AtomicBool,
    is_over: AtomicBool,
}

/// Whom it gives tokens to, and what they say.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The client's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The user a token is for.
    pub subject: String,
    /// Seconds a token lives.
    pub life_seconds: u64,
}

/// A provider that runs until it is dropped.
#[derive(Debug)]
pub struct IdentityProvider {
    address: SocketAddr,
    is_encrypted: bool,
    shared: Arc<Shared>,
}

impl IdentityProvider {
    /// Starts it on a free port; over HTTPS with the brokers' certificate when `tls` is given.
    pub fn start(granted: Granted, tls: Option<&TlsFiles>) -> std::io::Result<IdentityProvider> {
        let acceptor = tls.map(acceptor).transpose()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let provider = IdentityProvider {
            address: listener.local_addr()?,
            is_encrypted: acceptor.is_some(),
            shared: Arc::default(),
        };
        let shared = Arc::clone(&provider.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.is_over.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away in the middle is its own affair.
                let _ = take(stream, acceptor.as_ref(), &granted, &shared);
            }
        });
        Ok(provider)
    }

    /// Where tokens are asked for.
    pub fn url(&self) -> String {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        format!("{scheme}://{}/token", self.address)
    }

    /// How many tokens were given.
    pub fn asked(&self) -> u32 {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Lets it answer nothing but 503, or tokens again.
    pub fn be_away(&self, is_away: bool) {
        self.shared.is_away.store(is_away, Ordering::SeqCst);
    }
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread, which is waiting for somebody to come.
        let _ = TcpStream::connect(self.address);
    }
}

fn acceptor(tls: &TlsFiles) -> std::io::Result<TlsAcceptor> {
    let pem = std::fs::read(&tls.brokers_pem)?;
    let identity = Identity::from_pkcs8(&pem, &pem).map_err(std::io::Error::other)?;
    TlsAcceptor::new(identity).map_err(std::io::Error::other)
}

fn take(
    stream: TcpStream,
    acceptor: Option<&TlsAcceptor>,
    granted: &Granted,
    shared: &Shared,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(SAYS_WITHIN))?;
    match acceptor {
        None => answer(stream, granted, shared),
        Some(acceptor) => {
            let stream = acceptor.accept(stream).map_err(std::io::Error::other)?;
            answer(stream, granted, shared)
        }
    }
}

fn answer(stream: impl Read + Write, granted: &Granted, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        head.iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let length = header("content-length").and_then(|text| text.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let login = format!("{}:{}", granted.client_id, granted.client_secret);
    let is_known = header("authorization") == Some(&format!("Basic {}", STANDARD.encode(login)));
    let is_right = head
        .first()
        .is_some_and(|line| line.starts_with("POST /token "))
        && body.contains("grant_type=client_credentials");
    let (status, said) = if shared.is_away.load(Ordering::SeqCst) {
        ("503 Service Unavailable", String::new())
    } else if !is_known {
        (
            "401 Unauthorized",
            r#"{"error":"invalid_client"}"#.to_owned(),
        )
    } else if !is_right {
        (
            "400 Bad Request",
            r#"{"error":"invalid_request"}"#.to_owned(),
        )
    } else {
        shared.asked.fetch_add(1, Ordering::SeqCst);
        ("200 OK", given(granted))
    };
    let mut stream = reader.into_inner();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
        said.len()
    )?;
    stream.flush()
}

/// An answer with a token that nobody signed: the brokers' own check for tests takes it.
fn given(granted: &Granted) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let claims = format!(
        r#"{{"sub":"{}","iat":{now},"exp":{}}}"#,
        granted.subject,
        now + granted.life_seconds
    );
    let token = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        URL_SAFE_NO_PAD.encode(claims)
    );
    format!(
        r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{}}}"#,
        granted.life_seconds
    )
}
