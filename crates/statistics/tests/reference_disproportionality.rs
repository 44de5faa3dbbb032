//! Disproportionality on a quarter of FAERS reports, with label-listed pairs and negative controls.
//!
//! `cargo test -p auscult-statistics --test reference_disproportionality -- --nocapture` prints the table that
//! `docs/detectors/disproportionality.md` shows.

mod reference_support;

use std::collections::{BTreeMap, BTreeSet};

use auscult_statistics::disproportionality::{
    FourFold, GammaPoissonMixture, InformationComponent, ObservedExpected, ZeroCells, squash,
};
use reference_support::{data_file, gunzip};

/// Cases by drug and by event, and how many cases there are.
struct Reports {
    drugs: BTreeMap<String, BTreeSet<u64>>,
    events: BTreeMap<String, BTreeSet<u64>>,
    pairs: BTreeMap<(String, String), u64>,
    cases: u64,
}

impl Reports {
    fn read(text: &str) -> Self {
        let (mut drugs, mut events) = (BTreeMap::new(), BTreeMap::new());
        let (mut pairs, mut cases, mut seen) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.unwrap();
            let case: u64 = record[0].parse().unwrap();
            let (drug, event) = (record[1].to_lowercase(), record[2].to_owned());
            drugs
                .entry(drug.clone())
                .or_insert_with(BTreeSet::new)
                .insert(case);
            events
                .entry(event.clone())
                .or_insert_with(BTreeSet::new)
                .insert(case);
            cases.insert(case);
            if seen.insert((case, drug.clone(), event.clone())) {
                *pairs.entry((drug, event)).or_insert(0) += 1;
            }
        }
        Self {
            drugs,
            events,
            pairs,
            cases: cases.len() as u64,
        }
    }

    /// The four-fold table of drugs whose name matches one of the alternatives, and a set of events.
    fn four_fold(&self, pattern: &str, terms: &[String]) -> FourFold {
        let alternatives: Vec<&str> = pattern.trim_start_matches("(?i)").split('|').collect();
        let matches = |drug: &str| {
            alternatives
                .iter()
                .any(|alternative| match alternative.strip_prefix('^') {
                    Some(start) => drug.starts_with(start),
                    None => drug.contains(alternative),
                })
        };
        let union = |sets: Vec<&BTreeSet<u64>>| {
            sets.into_iter()
                .flatten()
                .copied()
                .collect::<BTreeSet<u64>>()
        };
        let exposed = union(
            self.drugs
                .iter()
                .filter(|(drug, _)| matches(drug))
                .map(|(_, cases)| cases)
                .collect(),
        );
        let affected = union(
            terms
                .iter()
                .filter_map(|term| self.events.get(term))
                .collect(),
        );
        let both = exposed.intersection(&affected).count() as u64;
        FourFold::from_margins(
            both,
            exposed.len() as u64,
            affected.len() as u64,
            self.cases,
        )
        .unwrap()
    }

    /// Every cell of the table drug × event, also the empty ones.
    fn rows(&self) -> impl Iterator<Item = ObservedExpected> {
        let cells = self
            .drugs
            .iter()
            .flat_map(|drug| self.events.iter().map(move |event| (drug, event)));
        cells.map(|((drug, exposed), (event, affected))| ObservedExpected {
            observed: self
                .pairs
                .get(&(drug.clone(), event.clone()))
                .copied()
                .unwrap_or(0),
            expected: exposed.len() as f64 * affected.len() as f64 / self.cases as f64,
            weight: 1.0,
        })
    }
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the table is what the method card shows"
)]
fn known_pairs_stand_out_and_controls_do_not() {
    let files = (
        data_file("faers_2022q3_pairs_dev.csv.gz"),
        data_file("faers_known_pairs_dev.json"),
    );
    let (Some(pairs_file), Some(known_file)) = files else {
        println!("SKIPPED: no FAERS files; set AUSCULT_DATA to the data folder");
        return;
    };
    let reports = Reports::read(&gunzip(&pairs_file));
    let known: serde_json::Value =
        serde_json::from_reader(std::fs::File::open(known_file).unwrap()).unwrap();
    let squashed = squash(reports.rows(), 20);
    let mixture = GammaPoissonMixture::fit(&squashed, ZeroCells::Included).unwrap();
    println!(
        "{} cases, {} pairs, {} rows after squashing",
        reports.cases,
        reports.pairs.len(),
        squashed.len()
    );
    println!("{mixture:?}");
    println!("pair | n | expected | PRR | ROR (95 %) | chi-square | IC (IC025) | EBGM (EB05–EB95)");
    for pair in known.as_array().unwrap() {
        let terms: Vec<String> = pair["ae_terms"]
            .as_array()
            .unwrap()
            .iter()
            .map(|term| term.as_str().unwrap().to_owned())
            .collect();
        let table = reports.four_fold(pair["drug_pattern"].as_str().unwrap(), &terms);
        let name = pair["pair"].as_str().unwrap();
        assert_eq!(Some(table.both), pair["a"].as_u64(), "{name}");
        let ratio = table.proportional_reporting_ratio(0.95);
        let odds = table.reporting_odds_ratio(0.95);
        let component = InformationComponent::new(table.both, table.expected());
        let shrunk = mixture.posterior(table.both, table.expected());
        let value = ratio.map_or(f64::NAN, |ratio| ratio.value);
        println!(
            "{name} | {} | {:.2} | {value:.1} | {} | {:.1} | {:.2} ({:.2}) | {:.2} ({:.2}–{:.2})",
            table.both,
            table.expected(),
            odds.map_or("–".to_owned(), |odds| format!(
                "{:.1} ({:.1}–{:.1})",
                odds.value, odds.lower, odds.upper
            )),
            table.chi_square_yates(),
            component.value,
            component.lower,
            shrunk.geometric_mean,
            shrunk.lower,
            shrunk.upper,
        );
        // The file rounds to one decimal.
        if let Some(expected) = pair["prr"].as_f64() {
            assert!(
                (value - expected).abs() <= 0.051,
                "{name}: PRR {value}, file {expected}"
            );
        }
        if let Some(expected) = pair["chi2_yates"].as_f64() {
            assert!(
                (table.chi_square_yates() - expected).abs() <= 0.051,
                "{name}: {}",
                table.chi_square_yates()
            );
        }
        // One report cannot carry a signal: shrinkage must say so even of a true pair.
        let listed = pair["expected"].as_str() == Some("+") && table.both >= 3;
        assert_eq!(component.lower > 0.0, listed, "{name}: {component:?}");
        assert_eq!(shrunk.lower > 2.0, listed, "{name}: {shrunk:?}");
    }
}
