//! The pages in a real browser: Debian's Chromium, driven over W3C WebDriver through chromedriver.
//!
//! WebDriver beat Chrome's own debugging protocol because it is a standard with a small client; a screenshot of
//! each page stays in `target/browser` for people to look at. Without chromedriver the test says so and passes
//! as skipped; with `CI=true` it fails instead, because CI installs it (`.ci/run`).

use crate::process::{fill, settings_of};
use crate::scratch::{Scratch, project};
use anyhow::{Context, Result, ensure};
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SETTINGS: &str = "[engine.listen]\npseudonym_key_file = 'key'\n[engine.listen.dead_letter_cap]\nshare = 1.0\n[web]\nbind = '127.0.0.1:0'\n";
/// How long anything may take to appear; a slow machine needs a part of it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A child process that ends with the test, however the test ends.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The rest of the first line that holds `before`; the stream is read on, so that its writer never blocks.
pub fn told(stream: impl Read + Send + 'static, before: &'static str) -> Result<String> {
    let (tell, hear) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Some((_, after)) = line.split_once(before) {
                let _ = tell.send(after.to_owned());
            }
        }
    });
    hear.recv_timeout(PATIENCE)
        .with_context(|| format!("nothing said {before:?}"))
}

/// The service over a feed with signals; its address.
fn service(scratch: &Scratch) -> Result<(Running, String)> {
    let settings = settings_of(scratch);
    fill(scratch, &settings);
    scratch.write("settings.toml", SETTINGS);
    let mut child = Running(
        scratch
            .command(&["run", "--settings", "settings.toml"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?,
    );
    let stderr = child.0.stderr.take().context("standard error is piped")?;
    let address = told(stderr, "pages and API on ")?;
    Ok((child, address.trim().to_owned()))
}

/// chromedriver on a port of its choice; its address.
fn driver() -> Result<(Running, String)> {
    let mut child = Running(
        Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("chromedriver does not start")?,
    );
    let stdout = child.0.stdout.take().context("standard output is piped")?;
    let port = told(stdout, "started successfully on port ")?;
    let port = port.trim_end_matches(['.', '\n']).to_owned();
    Ok((child, format!("http://127.0.0.1:{port}")))
}

async fn browser(driver: &str, profile: &Path, with_scripts: bool) -> Result<Client> {
    let folder = format!("--user-data-dir={}", profile.display());
    let mut options = json!({
        "args": ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--window-size=1280,1600", folder],
    });
    if !with_scripts {
        options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
    }
    let mut capabilities = serde_json::Map::new();
    capabilities.insert("goog:chromeOptions".to_owned(), options);
    ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
        .capabilities(capabilities)
        .connect(driver)
        .await
        .context("the browser does not start")
}

async fn screenshot(client: &Client, name: &str) -> Result<()> {
    let folder = project().join("target/browser");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(
        folder.join(format!("{name}.png")),
        client.screenshot().await?,
    )?;
    Ok(())
}

/// Waits until the element is there, and gives its text.
async fn text_of(client: &Client, css: &str) -> Result<String> {
    let element = client
        .wait()
        .at_most(PATIENCE)
        .for_element(Locator::Css(css))
        .await
        .with_context(|| format!("{css} never came"))?;
    Ok(element.text().await?)
}

/// Waits until the page's text at `css` holds `words`, without loading the page anew.
async fn comes_to_hold(client: &Client, css: &str, words: &str) -> Result<()> {
    let script = "const part = document.querySelector(arguments[0]); return part !== null && part.innerText.includes(arguments[1]);";
    let deadline = std::time::Instant::now() + PATIENCE;
    while client
        .execute(script, vec![json!(css), json!(words)])
        .await?
        != json!(true)
    {
        ensure!(
            std::time::Instant::now() < deadline,
            "{css} never came to hold {words:?}"
        );
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Loads `address` until a signal is listed: the service is still working through the feed.
async fn open_first_signal(client: &Client, address: &str) -> Result<String> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        client.goto(&format!("{address}/signals")).await?;
        if let Ok(link) = client.find(Locator::Css("ol.ranked a.open")).await {
            let name = link.text().await?;
            link.click().await?;
            return Ok(name);
        }
        ensure!(
            std::time::Instant::now() < deadline,
            "no signal was ever listed"
        );
    }
}

/// A person reads, opens a signal and answers; somebody else's answer shows without a reload.
async fn with_scripts(client: &Client, address: &str) -> Result<()> {
    let name = open_first_signal(client, address).await?;
    client.goto(&format!("{address}/")).await?;
    ensure!(!text_of(client, "h1").await?.is_empty());
    text_of(client, "dl.figures").await?;
    screenshot(client, "home").await?;
    open_first_signal(client, address).await?;
    ensure!(text_of(client, "h1#title").await? == name);
    text_of(client, "figure.chart svg").await?;
    screenshot(client, "signal").await?;
    client
        .find(Locator::Css("form.decide button[value=confirmed]"))
        .await?
        .click()
        .await?;
    ensure!(text_of(client, ".notice").await?.contains("Recorded"));
    comes_to_hold(client, "[data-live=history]", "onfirmed").await?;
    screenshot(client, "answered").await?;

    client.execute("window.sameLoad = true;", vec![]).await?;
    let url = client.current_url().await?;
    let id = url.path().trim_start_matches("/signals/").to_owned();
    let route = format!("{address}/v1/signals/{id}/dispositions");
    let answered = tokio::task::spawn_blocking(move || {
        ureq::post(&route).send_json(json!({ "decision": "expected", "cause": "campaign" }))
    })
    .await?;
    ensure!(answered?.status().is_success());
    comes_to_hold(client, "[data-live=history]", "xpected").await?;
    ensure!(
        client
            .execute("return window.sameLoad === true;", vec![])
            .await?
            == json!(true),
        "the page was loaded anew: that was no live update"
    );
    for (role, landmark) in [
        ("safety", "[data-live=figures]"),
        ("ops", "[data-live=feeds]"),
        ("medical", "[data-live=figures]"),
    ] {
        let choice = format!("form.who option[value={role}]");
        client.find(Locator::Css(&choice)).await?.click().await?;
        let switch = Locator::Css("form.who button");
        client.find(switch).await?.click().await?;
        comes_to_hold(client, &format!("{choice}[selected]"), "").await?;
        let page = if role == "medical" { "requests" } else { role };
        client.goto(&format!("{address}/{page}")).await?;
        text_of(client, landmark).await?;
        screenshot(client, role).await?;
    }
    Ok(())
}

/// The same answer with scripts off: plain links and a plain form do.
async fn without_scripts(client: &Client, address: &str) -> Result<()> {
    open_first_signal(client, address).await?;
    ensure!(
        client.find(Locator::Css("body.scripted")).await.is_err(),
        "scripts ran: this proves nothing"
    );
    client
        .find(Locator::Css("form.decide button[value=confirmed]"))
        .await?
        .click()
        .await?;
    ensure!(text_of(client, ".notice").await?.contains("Recorded"));
    screenshot(client, "without-scripts").await
}

#[test]
fn a_person_reads_answers_and_sees_it_live_and_without_scripts_too() -> Result<()> {
    let version = Command::new("chromedriver").arg("--version").output();
    if version.is_err() {
        ensure!(
            std::env::var("CI").as_deref() != Ok("true"),
            "CI=true and there is no chromedriver: .ci/run installs Debian's chromium-driver"
        );
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!(
                "SKIPPED: no chromedriver here (Debian: apt-get install chromium chromium-driver)"
            );
        }
        return Ok(());
    }
    let scratch = Scratch::new();
    let (_service, address) = service(&scratch)?;
    let (_driver, driver) = driver()?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let client = browser(&driver, &scratch.path("profile"), true).await?;
            let seen = with_scripts(&client, &address).await;
            client.close().await?;
            seen?;
            let client = browser(&driver, &scratch.path("plain-profile"), false).await?;
            let seen = without_scripts(&client, &address).await;
            client.close().await?;
            seen
        })
}
