//! Hand-written cases for requests, themes with feeling, and languages: written before running them, and kept when they failed.

use auscult_language::requests::{RequestKind, find};
use auscult_language::sentiment::score;
use auscult_language::themes::Taxonomy;

/// Text, whether it asks for anything, whether that is medical.
const REQUESTS: &[(&str, bool, bool)] = &[
    (
        "Could you let me know when the 40 mg pens will be back?",
        true,
        false,
    ),
    ("Is it safe to take this with ibuprofen?", true, true),
    (
        "Please send two starter kits to our clinic in Leeds.",
        true,
        false,
    ),
    ("My copay card was declined twice.", false, false),
    (
        "Dr Meyer asked whether the drug can be used in patients on dialysis.",
        true,
        true,
    ),
    (
        "HCP requested the phase 3 publication on long-term safety.",
        true,
        true,
    ),
    (
        "I would like to speak to someone about my delivery.",
        true,
        false,
    ),
    (
        "The nurse was lovely and explained everything.",
        false,
        false,
    ),
    ("How do I register for the portal?", true, false),
    (
        "What is the maximum daily dose in hepatic impairment?",
        true,
        true,
    ),
    (
        "We need more information on the prior authorisation criteria.",
        true,
        false,
    ),
    ("Great service, keep it up!", false, false),
    ("Can I drink alcohol while on treatment?", true, true),
    ("Are there any data in adolescents?", true, true),
    ("She wondered why nobody called her back.", false, false),
    ("Please stop calling me at work.", true, false),
    ("It took three weeks to get the approval.", false, false),
    ("Does anyone know if it causes weight gain?", true, true),
    (
        "Would it be possible to get the leaflet in Polish?",
        true,
        false,
    ),
    ("I asked for help and they helped me at once.", false, false),
    (
        "The physician inquired about switching from infusion to the pen.",
        true,
        true,
    ),
    ("Who do I contact about an invoice?", true, false),
    ("I have no idea what they were thinking.", false, false),
    ("Where can I get a sharps container?", true, false),
    ("Should I take the missed dose or skip it?", true, true),
    ("The waiting room was cold.", false, false),
    (
        "Kann ich das Medikament in der Schwangerschaft nehmen?",
        true,
        true,
    ),
    ("Bitte senden Sie mir die Broschüre.", true, false),
    ("¿Puedo tomarlo durante el embarazo?", true, true),
    (
        "Est-ce que je peux l'arrêter avant une opération ?",
        true,
        false,
    ),
    ("Das Personal war sehr freundlich.", false, false),
    ("What a nightmare of a website.", false, false),
    (
        "Requesting a call back regarding storage after a power cut.",
        true,
        false,
    ),
    ("any update on the shortage?", true, false),
    ("When I got home the box was open.", false, false),
    (
        "If you are unsure, ring the helpline, they are great.",
        false,
        false,
    ),
    (
        "Patient wants to know if the injection contains latex.",
        true,
        true,
    ),
    ("I think the price is outrageous.", false, false),
    (
        "Do you have evidence comparing it with the standard of care?",
        true,
        true,
    ),
    ("He said he would never use it again.", false, false),
    (
        "Can the tablets be crushed for a patient with a feeding tube?",
        true,
        true,
    ),
    ("Thank you for the quick answer.", false, false),
    ("Please arrange for a rep to visit next month.", true, false),
    (
        "I don't know how to open the cap, can somebody show me?",
        true,
        false,
    ),
    ("We were told to wait and nobody came.", false, false),
    ("Is off-label use in lupus reimbursed anywhere?", true, true),
];

#[test]
fn requests_are_found_with_f1_of_at_least_085() {
    let (mut right, mut extra, mut missed) = (0u32, 0u32, 0u32);
    let (mut medical_right, mut medical_missed, mut medical_extra) = (0u32, 0u32, 0u32);
    let mut wrong = Vec::new();
    for (text, asks, medical) in REQUESTS {
        let found = find(text);
        let found_medical = found.iter().any(|request| request.medical);
        match (found.is_empty(), asks) {
            (false, true) => right += 1,
            (false, false) => extra += 1,
            (true, true) => missed += 1,
            (true, false) => {}
        }
        match (found_medical, medical) {
            (true, true) => medical_right += 1,
            (true, false) => medical_extra += 1,
            (false, true) => medical_missed += 1,
            (false, false) => {}
        }
        if found.is_empty() == *asks || found_medical != *medical {
            wrong.push(*text);
        }
    }
    let f1 = f64::from(2 * right) / f64::from(2 * right + extra + missed);
    assert!(f1 >= 0.85, "F1 {f1:.3}: {wrong:#?}");
    // A missed medical question is the costly error (N19): none may be missed here; a few too many are borne.
    assert!(
        medical_missed == 0 && medical_extra <= 4,
        "medical: right {medical_right}, missed {medical_missed}, extra {medical_extra}: {wrong:#?}"
    );
}

#[test]
fn questions_and_requests_are_told_apart() {
    assert_eq!(
        find("Please send the brochure.")[0].kind,
        RequestKind::Request
    );
    assert_eq!(
        find("Is the pen latex free?")[0].kind,
        RequestKind::Question
    );
}

/// Text, theme, sign of the feeling toward it.
const FEELING: &[(&str, &str, i16)] = &[
    (
        "The drug works, but the portal is awful.",
        "therapy.efficacy",
        1,
    ),
    (
        "The drug works, but the portal is awful.",
        "digital.experience",
        -1,
    ),
    (
        "The nurses were kind although the waiting time was terrible.",
        "service.staff_manner",
        1,
    ),
    (
        "The nurses were kind although the waiting time was terrible.",
        "service.waiting",
        -1,
    ),
    (
        "Prior authorisation is a nightmare and the helpline is very friendly.",
        "access.prior_authorisation",
        -1,
    ),
    (
        "Prior authorisation is a nightmare and the helpline is very friendly.",
        "service.contact",
        1,
    ),
    ("I am not happy with the delivery.", "supply.delivery", -1),
    (
        "The injector is really easy to use.",
        "product.administration",
        1,
    ),
    ("No side effects so far, great.", "therapy.tolerability", 1),
    (
        "The co-pay is far too expensive; I hate it.",
        "access.cost",
        -1,
    ),
];

#[test]
fn feeling_goes_to_the_right_theme() {
    let taxonomy = Taxonomy::standard();
    for (text, theme, sign) in FEELING {
        let hits = taxonomy.tag(text);
        let sentiment = score(text, &hits);
        let at = hits
            .iter()
            .position(|hit| taxonomy.theme_id(hit.theme) == *theme);
        let toward = at.and_then(|at| sentiment.toward[at]);
        assert_eq!(
            toward.map(i16::signum),
            Some(*sign),
            "{text} → {theme}: {toward:?} {sentiment:?}"
        );
    }
}

#[test]
fn themes_are_found_in_seven_languages() {
    let taxonomy = Taxonomy::standard();
    for (text, theme) in [
        (
            "The pharmacy says it is out of stock until March",
            "supply.shortage",
        ),
        (
            "Das Medikament ist seit Wochen nicht lieferbar",
            "supply.shortage",
        ),
        ("Le médicament est en rupture de stock", "supply.shortage"),
        (
            "El medicamento está agotado en todas partes",
            "supply.shortage",
        ),
        ("Il farmaco costa troppo per me", "access.cost"),
        ("O remédio é muito caro", "access.cost"),
        ("De wachttijden zijn te lang", "service.waiting"),
        ("药店缺货", "supply.shortage"),
    ] {
        let found: Vec<&str> = taxonomy
            .tag(text)
            .iter()
            .map(|hit| hit.theme)
            .map(|theme| taxonomy.theme_id(theme))
            .collect();
        assert!(found.contains(&theme), "{text}: {found:?}");
    }
}
