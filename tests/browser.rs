//! The pages in a real browser, driven through the WebDriver protocol (Debian: `chromium chromium-driver`).
//!
//! WebDriver rather than the DevTools protocol: it is plain HTTP with JSON, which the tests speak already, and it waits
//! for a click's page to load by itself. Where no browser is installed the test says so and passes: a person without one
//! must be able to run the tests. `AUSCULT_CHROMIUM` and `AUSCULT_CHROMEDRIVER` name others.

use crate::scratch::{Scratch, text};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything: the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

fn installed(variable: &str, usual: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map_or_else(|| PathBuf::from(usual), PathBuf::from);
    path.exists().then_some(path)
}

/// A browser with one window.
struct Browser {
    session: String,
    _profile: tempfile::TempDir,
    _driver: Running,
}

impl Browser {
    /// `None` where no browser is installed.
    fn start(scripts: bool) -> Option<Browser> {
        let chromium = installed("AUSCULT_CHROMIUM", "/usr/bin/chromium")?;
        let driver = installed("AUSCULT_CHROMEDRIVER", "/usr/bin/chromedriver")?;
        let mut child = std::process::Command::new(driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the driver starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let driver = Running(child);
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| {
                let port = line.strip_prefix("ChromeDriver was started successfully on port ")?;
                Some(port.trim_end_matches('.').to_owned())
            })
            .expect("the driver says its port");
        let profile = tempfile::tempdir().expect("a temporary folder");
        let profile_folder = format!("--user-data-dir={}", profile.path().display());
        let options = json!({
            "binary": chromium,
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", profile_folder,
            ],
            // 2 blocks, 1 allows.
            "prefs": { "profile.managed_default_content_settings.javascript": if scripts { 1 } else { 2 } },
        });
        let asked = json!({"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}});
        let base = format!("http://127.0.0.1:{port}/session");
        let started = post(&base, &asked);
        let id = started["sessionId"].as_str().expect("a session").to_owned();
        Some(Browser {
            session: format!("{base}/{id}"),
            _profile: profile,
            _driver: driver,
        })
    }

    fn open(&self, address: &str) {
        post(&format!("{}/url", self.session), &json!({"url": address}));
    }

    fn address(&self) -> String {
        let answer = get(&format!("{}/url", self.session));
        answer.as_str().expect("an address").to_owned()
    }

    /// The element, once it is there.
    fn element(&self, selector: &str) -> String {
        wait_for(selector, || self.look(selector))
    }

    fn look(&self, selector: &str) -> Option<String> {
        let asked = json!({"using": "css selector", "value": selector});
        let found = post(&format!("{}/element", self.session), &asked);
        found
            .as_object()?
            .values()
            .next()?
            .as_str()
            .filter(|_| found.get("error").is_none())
            .map(str::to_owned)
    }

    fn click(&self, selector: &str) {
        let element = self.element(selector);
        let answer = post(
            &format!("{}/element/{element}/click", self.session),
            &json!({}),
        );
        assert!(answer.is_null(), "{selector}: {answer}");
    }

    /// Its words; none while it is being replaced.
    fn words(&self, selector: &str) -> String {
        self.look(selector)
            .map(|element| get(&format!("{}/element/{element}/text", self.session)))
            .and_then(|words| words.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    fn run(&self, script: &str) -> Value {
        post(
            &format!("{}/execute/sync", self.session),
            &json!({"script": script, "args": []}),
        )
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser, which the driver's end alone would leave behind.
        let _ = ureq::delete(&self.session).call();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .into()
}

fn get(address: &str) -> Value {
    let mut answer = agent().get(address).call().expect("an answer");
    let mut body: Value = answer.body_mut().read_json().expect("JSON");
    body["value"].take()
}

fn post(address: &str, body: &Value) -> Value {
    let mut answer = agent().post(address).send_json(body).expect("an answer");
    let mut body: Value = answer.body_mut().read_json().expect("JSON");
    body["value"].take()
}

/// The service with a feed that holds one planted surge, and the signal found in it.
fn service(scratch: &Scratch) -> (Running, String, String) {
    let made = scratch.run(&[
        "simulate",
        "--scenario",
        "small",
        "--seed",
        "11",
        "--out",
        "feed.jsonl",
    ]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let bind = free.local_addr().expect("an address").to_string();
    drop(free);
    scratch.write("key", "k".repeat(64));
    scratch.write(
        "settings.toml",
        format!(
            "[web]\nbind = '{bind}'\n[engine.listen]\npseudonym_key_file = 'key'\n[engine.listen.dead_letter_cap]\nshare = 1.0\n"
        ),
    );
    let feed = std::fs::File::open(scratch.path("feed.jsonl")).expect("the feed");
    let child = scratch
        .command(&["run", "--settings", "settings.toml", "--stdin"])
        .stdin(feed)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the service starts");
    let running = Running(child);
    let base = format!("http://{bind}");
    let signal = wait_for("a signal", || {
        let mut answer = agent().get(format!("{base}/v1/signals")).call().ok()?;
        let found: Value = answer.body_mut().read_json().ok()?;
        Some(found["items"][0]["signal_id"].as_str()?.to_owned())
    });
    (running, base, signal)
}

/// Past the test harness, which keeps what passing tests print to itself.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

#[test]
fn pages_work_in_a_browser_with_scripts_and_without() {
    let Some(browser) = Browser::start(true) else {
        say(
            "NOT RUN: pages in a browser; install chromium and chromium-driver, or name them in AUSCULT_CHROMIUM and AUSCULT_CHROMEDRIVER",
        );
        return;
    };
    let scratch = Scratch::new();
    let (_service, base, signal) = service(&scratch);

    browser.open(&base);
    assert!(!browser.words("h1").is_empty());
    browser.click("nav.menu a[href='/signals']");
    assert!(
        browser
            .words("[data-live='counts']")
            .contains("1 without an answer")
    );
    answers_elsewhere_show_on_the_open_page(&browser, &base, &signal);
    answer_with_a_click(&browser, &signal, "expected", "Expected");
    drop(browser);

    let plain = Browser::start(false).expect("started a moment ago");
    plain.open(&base);
    plain.click("nav.menu a[href='/signals']");
    assert!(
        plain.look("body.scripted").is_none(),
        "scripts were to be off"
    );
    answer_with_a_click(&plain, &signal, "new_trend", "New trend");
}

/// Somebody else answers while the page is open: it says so without being loaded again.
fn answers_elsewhere_show_on_the_open_page(browser: &Browser, base: &str, signal: &str) {
    browser.element("body.scripted");
    browser.run("window.stillThisPage = true");
    let address = format!("{base}/v1/signals/{signal}/dispositions");
    let answer = agent()
        .post(&address)
        .send_json(json!({"decision": "confirmed"}))
        .expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
    wait_for("the live update", || {
        let counts = browser.words("[data-live='counts']");
        (!counts.is_empty() && !counts.contains("1 without an answer")).then_some(())
    });
    assert_eq!(browser.run("return window.stillThisPage"), json!(true));
}

/// From the list to the signal, and a decision by its button.
fn answer_with_a_click(browser: &Browser, signal: &str, decision: &str, shown: &str) {
    browser.click("ol.ranked a.open");
    assert!(browser.words("h1#title").contains("More mentions"));
    assert!(browser.address().contains(signal));
    browser.click(&format!("form.decide button[value='{decision}']"));
    wait_for("the answer's page", || {
        browser
            .address()
            .contains(&format!("recorded={decision}"))
            .then_some(())
    });
    wait_for("the decision in the history", || {
        if browser.words("[data-live='history']").contains(shown) {
            return Some(());
        }
        browser.open(&browser.address());
        None
    });
}
