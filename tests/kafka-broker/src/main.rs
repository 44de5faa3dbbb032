//! `auscult-test-broker up [PORT] | down [--wipe]`: what `make kafka-up` and `make kafka-down` call.

#![expect(clippy::print_stdout, reason = "a command for people")]

use anyhow::{Context as _, bail};

const PORT: u16 = 9092;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["up"] => up(PORT),
        ["up", port] => up(port
            .parse()
            .with_context(|| format!("{port:?} is no port"))?),
        ["down"] => down(false),
        ["down", "--wipe"] => down(true),
        _ => bail!("say `up [PORT]` or `down [--wipe]`"),
    }
}

fn up(port: u16) -> anyhow::Result<()> {
    let standing = auscult_test_broker::up(port)?;
    let what = if standing.ran_already {
        "runs already"
    } else {
        "is ready"
    };
    println!(
        "Kafka {what} at {} (data and log in {})",
        standing.bootstrap,
        standing.folder.display()
    );
    Ok(())
}

fn down(wipe: bool) -> anyhow::Result<()> {
    println!(
        "{}{}",
        if auscult_test_broker::down(wipe)? {
            "Kafka stopped."
        } else {
            "No Kafka ran."
        },
        if wipe { " Its data are gone." } else { "" }
    );
    Ok(())
}
