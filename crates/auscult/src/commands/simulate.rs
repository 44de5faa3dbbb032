//! `auscult simulate`: a seeded feed as JSON Lines, and what was planted in it.

use crate::cli::Simulate;
use crate::exit::{Failure, Kind, Marked, Outcome};
use auscult_sim::{GeneratedEvent, Generator, Scenario};
use auscult_wire::{SchemaRegistry, decode_feedback, encode_feedback_structured};
use std::fs::File;
use std::io::{BufWriter, Write};

/// Writes the feed and its ground truth.
pub fn run(simulate: &Simulate) -> Outcome {
    let scenario = scenario(&simulate.scenario)?;
    let mut generator = Generator::new(scenario, simulate.seed);
    let mut out: Box<dyn Write> = if simulate.out.as_os_str() == "-" {
        Box::new(BufWriter::new(std::io::stdout().lock()))
    } else {
        Box::new(BufWriter::new(
            File::create(&simulate.out).map_err(|error| cannot_write(&simulate.out, &error))?,
        ))
    };
    let registry = SchemaRegistry::default();
    for event in generator.by_ref() {
        let mut line = structured(&event, &registry);
        line.push(b'\n');
        if let Err(error) = out.write_all(&line) {
            // `auscult simulate | head`: the reader has had enough.
            return if error.kind() == std::io::ErrorKind::BrokenPipe {
                Ok(())
            } else {
                Err(cannot_write(&simulate.out, &error))
            };
        }
    }
    out.flush()
        .map_err(|error| cannot_write(&simulate.out, &error))?;
    if let Some(path) = &simulate.truth {
        let text = serde_json::to_vec_pretty(generator.truth()).or_fail(Kind::Input)?;
        std::fs::write(path, text).map_err(|error| cannot_write(path, &error))?;
    }
    Ok(())
}

fn cannot_write(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Kind::Input,
        anyhow::anyhow!(
            "cannot write {}: {error}; name a place that can be written",
            path.display()
        ),
    )
}

/// The scenario of that name.
pub fn scenario(name: &str) -> Result<Scenario, Failure> {
    match name {
        "demo" => Ok(Scenario::demo()),
        "small" => Ok(Scenario::small()),
        "null" => Ok(Scenario::null()),
        _ => Err(Failure::new(
            Kind::Input,
            anyhow::anyhow!("there is no scenario {name:?}; choose demo, small or null"),
        )),
    }
}

/// The event as one structured line; one that no reader can read stays as it is, without its line breaks.
fn structured(event: &GeneratedEvent, registry: &SchemaRegistry) -> Vec<u8> {
    match decode_feedback(&event.headers, &event.value, registry) {
        Ok(feedback) => encode_feedback_structured(&feedback),
        Err(_) => event
            .value
            .iter()
            .copied()
            .filter(|byte| *byte != b'\n')
            .collect(),
    }
}
