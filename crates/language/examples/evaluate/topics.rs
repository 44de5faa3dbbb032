//! Themes on patient comments: the shipped taxonomy against mapped labels, and learned themes cross-validated.

use crate::data;
use crate::report::Report;
use auscult_language::themes::Taxonomy;
use auscult_language::themes::trained::{Labelled, Scores, Training, cross_validate};
use std::collections::BTreeMap;
use std::path::Path;

/// Labels of the trust's people, and the themes of ours that mean the same.
const MAP: &[(&str, &[&str])] = &[
    (
        "staff_manner_personal_attributes",
        &["service.staff_manner"],
    ),
    ("timeliness_of_care", &["service.waiting"]),
    ("staff_responsiveness", &["service.waiting"]),
    ("transport_to_from_services", &["service.transport"]),
    ("contacting_services", &["service.contact"]),
    (
        "staff_listening_understanding_involving_patients",
        &["service.listening"],
    ),
    (
        "information_directly_from_staff_during_care",
        &["information.explained"],
    ),
    ("information_provision_guidance", &["information.explained"]),
    (
        "being_kept_informed_clarity_consistency_of_information",
        &["information.updates"],
    ),
    ("appointment_arrangements", &["service.appointments"]),
    ("diagnosis_triage", &["service.triage"]),
    ("competence_training", &["service.competence"]),
    ("number_deployment_of_staff", &["service.staffing"]),
    ("referals_continuity_of_care", &["access.referral"]),
    ("organisation_efficiency", &["service.efficiency"]),
    ("impact_of_treatment_care", &["therapy.quality_of_life"]),
    ("equality_diversity_inclusion", &["service.dignity"]),
    (
        "cleanliness_tidiness_infection_control",
        &["service.cleanliness"],
    ),
    ("service_location", &["service.location"]),
    (
        "supplying_understanding_medication",
        &["service.medication"],
    ),
    ("funding_use_of_financial_resources", &["pressure.budget"]),
    ("feeling_safe", &["service.safety_feeling"]),
    ("pain_management", &["therapy.pain"]),
    ("environment_facilities", &["service.facilities"]),
    ("provision_of_medical_equipment", &["service.facilities"]),
    ("patient_records", &["service.records"]),
    ("positive_experience_gratitude", &["experience.gratitude"]),
    (
        "negative_experience_dissatisfaction",
        &["experience.dissatisfaction"],
    ),
];

pub fn run(
    folder: &Path,
    cross_validate_too: bool,
    report: &mut Report,
) -> data::anyhow_lite::Result<()> {
    let taxonomy = Taxonomy::standard();
    for path in data::files(folder, "nhs_feedback_") {
        let rows = data::rows(&path)?;
        if !rows
            .first()
            .is_some_and(|row| row.contains_key("fft_answer") && row.contains_key(MAP[0].0))
        {
            continue;
        }
        let set = data::name_of(&path);
        let mut scores = Scores::new(mapped().keys().copied());
        for row in &rows {
            let found: Vec<&str> = taxonomy
                .tag(data::cell(row, "fft_answer"))
                .iter()
                .map(|hit| hit.theme)
                .map(|theme| taxonomy.theme_id(theme))
                .collect();
            for (score, (theme, labels)) in scores.labels.iter_mut().zip(mapped()) {
                score.add(
                    found.contains(&theme),
                    labels.iter().any(|label| is_set(data::cell(row, label))),
                );
            }
        }
        // A theme nobody of the set ever named cannot be judged.
        scores
            .labels
            .retain(|label| label.right + label.missed >= 10);
        report.add(
            "themes, shipped taxonomy on mapped labels",
            &set,
            "nothing trained",
            format!(
                "macro F1 {:.3}, micro F1 {:.3} ({} themes)",
                scores.macro_f1(),
                scores.micro_f1(),
                scores.labels.len()
            ),
            "",
        );
        detail(&scores);
        if cross_validate_too {
            let labelled = labelled(&rows);
            let scores = cross_validate(&labelled, Some(&taxonomy), &Training::default());
            report.add(
                "themes, learned (`auscult train themes`)",
                &set,
                "5-fold cross-validation by respondent",
                format!(
                    "macro F1 {:.3}, micro F1 {:.3} ({} labels)",
                    scores.macro_f1(),
                    scores.micro_f1(),
                    scores.labels.len()
                ),
                "",
            );
            detail(&scores);
        }
    }
    Ok(())
}

fn detail(scores: &Scores) {
    if std::env::args().any(|argument| argument == "--detail") {
        scores.labels.iter().for_each(|one| {
            eprintln!(
                "  {:50} n {:4} P {:.2} R {:.2} F1 {:.3}",
                one.name,
                one.right + one.missed,
                one.precision(),
                one.recall(),
                one.f1()
            )
        });
    }
}

/// Labels of each theme.
fn mapped() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut map: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    MAP.iter()
        .flat_map(|(label, themes)| themes.iter().map(move |theme| (theme, label)))
        .for_each(|(theme, label)| map.entry(theme).or_default().push(label));
    map
}

/// Every comment with the labels people gave it. The label columns are those with only 1 or nothing in them.
pub fn labelled(rows: &data::Rows) -> Vec<Labelled> {
    const NO_LABEL: &[&str] = &[
        "fft_categorical_answer",
        "person_identifiable_info",
        "comment_sentiment",
    ];
    let columns: Vec<&String> = rows
        .first()
        .map(|row| row.keys().collect())
        .unwrap_or_default();
    let columns: Vec<&String> = columns
        .into_iter()
        .filter(|column| {
            !NO_LABEL.contains(&column.as_str())
                && rows
                    .iter()
                    .all(|row| matches!(data::cell(row, column), "" | "1" | "1.0" | "0" | "0.0"))
        })
        .collect();
    let one = |row: &BTreeMap<String, String>| Labelled {
        text: data::cell(row, "fft_answer").to_owned(),
        labels: columns
            .iter()
            .filter(|column| is_set(data::cell(row, column)))
            .map(|column| (*column).clone())
            .collect(),
        group: data::cell(row, "respondent_id").to_owned(),
    };
    rows.iter()
        .filter(|row| !data::cell(row, "fft_answer").is_empty())
        .map(one)
        .collect()
}

fn is_set(cell: &str) -> bool {
    matches!(cell, "1" | "1.0")
}
