//! What safety triage and privacy are worth on a folder of labelled files.
//!
//! Judges every `ade_sentences_*`, `phee_*`, `nhs_feedback_*` and `pii_synthetic_*` file. Without cross-validation the
//! shipped models judge (right for a folder they were not trained on); with it five models are trained, each judged on
//! documents and templates it has not seen (right for the development folder).

use std::collections::BTreeMap;
use std::path::Path;

use crate::report::Report;
use crate::support;
use crate::support::privacy_data::{self, TermLoss};
use crate::support::safety_data::{self, Scored};
use auscult_language::privacy::{Finding, PersonalDataClass, Redactor, train as privacy_train};
use auscult_language::safety::{Criterion, Triage};

/// One line of the table.
struct Row {
    task: &'static str,
    set: String,
    split: &'static str,
    figure: String,
    target: &'static str,
}

/// How the texts were split from what the models learned from.
const CROSS_VALIDATED: &str = "5-fold CV by document or template";
const SHIPPED: &str = "shipped models";

/// Safety: recall, load, criteria.
pub fn run_safety(folder: &Path, cross_validate: bool, report: &mut Report) -> Result<(), String> {
    let mut rows = safety(folder, cross_validate).map_err(|error| error.to_string())?;
    rows.extend(criteria(folder).map_err(|error| error.to_string())?);
    tell(rows, report);
    Ok(())
}

/// Privacy: recall by kind, terms and plain words hidden.
pub fn run_privacy(folder: &Path, cross_validate: bool, report: &mut Report) -> Result<(), String> {
    tell(
        privacy(folder, cross_validate).map_err(|error| error.to_string())?,
        report,
    );
    Ok(())
}

fn tell(rows: Vec<Row>, report: &mut Report) {
    for row in rows {
        report.add(row.task, &row.set, row.split, row.figure, row.target);
    }
}

fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        "no such text".to_owned()
    } else {
        format!("{:.4} ({part}/{whole})", part as f64 / whole as f64)
    }
}

fn safety(folder: &Path, cross_validate: bool) -> anyhow::Result<Vec<Row>> {
    let mut corpus = safety_data::Corpus::read(folder)?;
    let split = if cross_validate {
        CROSS_VALIDATED
    } else {
        SHIPPED
    };
    let (scored, sent): (Vec<Scored>, Vec<bool>) = if cross_validate {
        let scored = safety_data::cross_validate(&corpus);
        let sent = safety_data::sent(&scored);
        (scored, sent)
    } else {
        corpus.items.retain(|item| item.set != "patient_language");
        let triage = Triage::standard();
        corpus
            .items
            .iter()
            .map(|item| {
                (
                    safety_data::score(&triage, item),
                    triage.assess(&item.text).is_candidate,
                )
            })
            .unzip()
    };
    let mut rows = Vec::new();
    for (set, target) in [
        ("ade", "recall >= 0.97"),
        ("phee", "recall >= 0.97"),
        ("patient_language", "recall >= 0.97"),
        ("nhs_feedback", "-"),
        ("other", "-"),
    ] {
        let of_set: Vec<(bool, bool)> = scored
            .iter()
            .zip(&sent)
            .filter(|(item, _)| item.set == set)
            .map(|(item, sent)| (item.label, *sent))
            .collect();
        if of_set.is_empty() {
            continue;
        }
        let count = |label: bool| of_set.iter().filter(|(is, _)| *is == label).count();
        let found = |label: bool| {
            of_set
                .iter()
                .filter(|(is, sent)| *is == label && *sent)
                .count()
        };
        if count(true) > 0 {
            rows.push(Row {
                task: "safety recall",
                set: set.to_owned(),
                split,
                figure: share(found(true), count(true)),
                target,
            });
        }
        rows.push(Row {
            task: "safety review load",
            set: set.to_owned(),
            split,
            figure: share(found(true) + found(false), of_set.len()),
            target: "stated",
        });
        rows.push(Row {
            task: "safety sent of negatives",
            set: set.to_owned(),
            split,
            figure: share(found(false), count(false)),
            target: "stated",
        });
    }
    Ok(rows)
}

/// Documents the rules of the patient criterion were written with.
const PATIENT_DEVELOPMENT: &str = include_str!("../support/phee_patient_development.txt");
const NOT_WRITTEN_WITH: &str = "rules, on the documents they were not written with";

/// The four criteria against the annotated arguments of PHEE: a product, a patient, an event. Rules only: nothing is trained.
fn criteria(folder: &Path) -> anyhow::Result<Vec<Row>> {
    let triage = Triage::standard();
    let development: Vec<&str> = PATIENT_DEVELOPMENT.lines().collect();
    let mut counts: BTreeMap<(&str, &'static str), [usize; 3]> = BTreeMap::new();
    for path in support::files(folder, "phee_") {
        for (labelled, terms) in support::phee(&support::contents(&path)?)? {
            if !labelled.label {
                continue;
            }
            let found = triage.assess(&labelled.text).criteria;
            let has = |kind: &str| terms.terms.iter().any(|(is, _, _)| is == kind);
            for (name, said, gold) in [
                (
                    "product",
                    found.product != Criterion::Missing,
                    has("Drug") || has("Treatment"),
                ),
                (
                    "patient",
                    found.patient != Criterion::Missing,
                    has("Subject"),
                ),
                ("event", found.event != Criterion::Missing, has("Effect")),
            ] {
                let is_new = !development.contains(&labelled.document.as_str());
                let splits = [
                    Some("rules, nothing trained"),
                    (is_new && name == "patient").then_some(NOT_WRITTEN_WITH),
                ];
                for split in splits.into_iter().flatten() {
                    let count = counts.entry((name, split)).or_default();
                    count[0] += usize::from(said && gold);
                    count[1] += usize::from(said && !gold);
                    count[2] += usize::from(!said && gold);
                }
            }
        }
    }
    let f1 = |[hit, false_alarm, miss]: [usize; 3]| {
        2.0 * hit as f64 / (2 * hit + false_alarm + miss).max(1) as f64
    };
    Ok(counts
        .into_iter()
        .map(|((name, split), count)| Row {
            task: "safety criterion F1",
            set: format!("phee, {name}"),
            split,
            figure: format!("{:.4}", f1(count)),
            target: "F1 >= 0.9",
        })
        .collect())
}

/// Entity kinds with a fixed form. Full dates are cut out of DATE_TIME below: years and weekdays are allowed to stay.
const STRUCTURED: [&str; 7] = [
    "CREDIT_CARD",
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "US_SSN",
    "US_DRIVER_LICENSE",
    "IP_ADDRESS",
    "DOMAIN_NAME",
];

/// Which of our classes are right for an entity kind.
fn right_class(kind: &str, class: PersonalDataClass) -> bool {
    use PersonalDataClass as P;
    match kind {
        "PERSON" => class == P::Name,
        "CREDIT_CARD" => class == P::PaymentCard,
        "EMAIL_ADDRESS" => class == P::Email,
        "PHONE_NUMBER" => matches!(class, P::Phone | P::Fax),
        "US_SSN" => class == P::SocialSecurityNumber,
        "US_DRIVER_LICENSE" => class == P::LicenceNumber,
        "IP_ADDRESS" => class == P::IpAddress,
        "DOMAIN_NAME" => class == P::Url,
        "full date" => class == P::Date,
        "ADDRESS" | "STREET_ADDRESS" | "ZIP_CODE" | "LOCATION" | "GPE" => {
            matches!(class, P::Address | P::Place | P::PostalCode)
        }
        _ => false,
    }
}

#[derive(Default, Clone, Copy)]
struct Count {
    spans: usize,
    hidden: usize,
    right: usize,
}

fn count_spans(
    text: &support::SpannedText,
    findings: &[Finding],
    counts: &mut BTreeMap<String, Count>,
) {
    for (kind, start, end) in &text.spans {
        let value = &text.text[*start..*end];
        let kind = match kind.as_str() {
            "DATE_TIME" if value.bytes().filter(u8::is_ascii_digit).count() > 4 => "full date",
            "DATE_TIME" => "year or weekday (may stay)",
            "AGE" if value.parse::<u32>().is_ok_and(|age| age <= 89) => {
                "AGE up to 89 (stays, as the safe harbor allows)"
            }
            "AGE" => "AGE over 89 or in words",
            "NRP" => "NRP: nationality, religion, politics (stays)",
            "ORGANIZATION" => "ORGANIZATION (stays)",
            other => other,
        };
        let hidden = privacy_data::hidden(&text.text, *start, *end, findings);
        let right = findings.iter().any(|finding| {
            (finding.start as usize) < *end
                && *start < finding.end as usize
                && right_class(kind, finding.class)
        });
        let count = counts.entry(kind.to_owned()).or_default();
        count.spans += 1;
        count.hidden += usize::from(hidden);
        count.right += usize::from(hidden && right);
    }
}

fn privacy(folder: &Path, cross_validate: bool) -> anyhow::Result<Vec<Row>> {
    let corpus = privacy_data::Corpus::read(folder)?;
    let split = if cross_validate {
        CROSS_VALIDATED
    } else {
        SHIPPED
    };
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let mut losses: BTreeMap<&str, TermLoss> = BTreeMap::new();
    let (mut plain_words, mut plain_hidden) = (0, 0);
    let folds = if cross_validate {
        privacy_data::FOLDS
    } else {
        1
    };
    for fold in 0..folds {
        let in_fold =
            |key: &str| !cross_validate || support::fold(key, privacy_data::FOLDS) == fold;
        let base = Redactor::standard();
        let redactor = if cross_validate {
            Redactor::standard().with_tagger(corpus.model_without(
                &base,
                fold,
                privacy_train::Settings::default(),
            ))
        } else {
            base
        };
        for text in corpus.pii.iter().filter(|text| in_fold(&text.template)) {
            let findings = redactor.find(&text.text);
            count_spans(text, &findings, &mut counts);
            let (words, hidden) = plain(text, &findings);
            plain_words += words;
            plain_hidden += hidden;
        }
        for (set, term) in corpus
            .terms
            .iter()
            .filter(|(_, term)| in_fold(&term.document))
        {
            privacy_data::term_loss(term, &redactor, losses.entry(set).or_default());
        }
    }
    Ok(privacy_rows(
        &counts,
        &losses,
        (plain_hidden, plain_words),
        split,
    ))
}

/// Words outside every span, and how many of them were hidden.
fn plain(text: &support::SpannedText, findings: &[Finding]) -> (usize, usize) {
    let (mut words, mut hidden, mut at) = (0, 0, 0);
    for piece in text.text.split_inclusive(char::is_whitespace) {
        let start = at;
        at += piece.len();
        let end = start + piece.trim().len();
        let inside = |from: usize, to: usize| from < end && start < to;
        if start == end || text.spans.iter().any(|(_, from, to)| inside(*from, *to)) {
            continue;
        }
        words += 1;
        hidden += usize::from(
            findings
                .iter()
                .any(|finding| inside(finding.start as usize, finding.end as usize)),
        );
    }
    (words, hidden)
}

fn privacy_rows(
    counts: &BTreeMap<String, Count>,
    losses: &BTreeMap<&str, TermLoss>,
    plain: (usize, usize),
    split: &'static str,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let structured = |kind: &str| STRUCTURED.contains(&kind) || kind == "full date";
    let total = counts.iter().filter(|(kind, _)| structured(kind)).fold(
        Count::default(),
        |sum, (_, count)| Count {
            spans: sum.spans + count.spans,
            hidden: sum.hidden + count.hidden,
            right: sum.right + count.right,
        },
    );
    if total.spans > 0 {
        rows.push(Row {
            task: "privacy recall",
            set: "pii_synthetic, structured together".to_owned(),
            split,
            figure: share(total.hidden, total.spans),
            target: ">= 0.98",
        });
    }
    for (kind, count) in counts {
        let target = match kind.as_str() {
            "PERSON" => ">= 0.95",
            kind if structured(kind) => ">= 0.98",
            _ => "-",
        };
        rows.push(Row {
            task: "privacy recall",
            set: format!("pii_synthetic, {kind}"),
            split,
            figure: share(count.hidden, count.spans),
            target,
        });
        if target != "-" {
            rows.push(Row {
                task: "privacy recall, right class",
                set: format!("pii_synthetic, {kind}"),
                split,
                figure: share(count.right, count.spans),
                target: "-",
            });
        }
    }
    if plain.1 > 0 {
        rows.push(Row {
            task: "privacy words hidden needlessly",
            set: "pii_synthetic".to_owned(),
            split,
            figure: share(plain.0, plain.1),
            target: "-",
        });
    }
    for (set, loss) in losses {
        rows.push(Row {
            task: "privacy term words hidden",
            set: (*set).to_owned(),
            split,
            figure: share(loss.hidden, loss.words),
            target: "<= 0.005",
        });
    }
    rows
}
