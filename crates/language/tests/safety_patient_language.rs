//! Patient and clinic language the model was never trained on: slang, negation, history, hypotheticals, what a product
//! is for against what it did, product complaints and special situations. One sentence a case, written for this test.
//!
//! Safety errs towards sending: every case that must be sent is asserted; of the cases that need not be sent a small
//! named share may be.

use auscult_language::safety::{Criterion, SafetyClass, SeriousnessCue, Triage};

/// Must reach the desk.
const MUST_SEND: &[&str] = &[
    // Slang and lay words.
    "honestly these new tabs have floored me, can barely get off the sofa",
    "OMG the jab knocked me for six, shivering and sweating all night",
    "been chucking my guts up since the first pill",
    "Proper spaced out on this stuff, feels like my head's full of cotton wool",
    "Zombie mode since upping the dose, slept 14 hours",
    "this inhaler makes me jittery as hell",
    "my skin's gone mental since the cream, red raw and peeling",
    "Had the trots for a week on metformin",
    "Came up in massive welts an hour after the injection.",
    "pins and needles in both hands since I began the infusions",
    "I blacked out at work two days after they doubled my tablets.",
    "Ozempic has me glued to the toilet",
    "I feel like death warmed up every time I take my methotrexate",
    "My gums bleed constantly now I'm on the thinners",
    "His moods have been all over the place with that new drug, he even talked about ending it.",
    // Plain and clinical.
    "Since moving to the generic I've had constant ringing in my ears.",
    "My son broke out in hives after the amoxicillin.",
    "Mum fell and broke her hip; the doctor blames the sleeping tablets.",
    "Pt developed severe hyponatraemia 10 days after starting sertraline, drug stopped, recovering.",
    "A 62-year-old man was found to have agranulocytosis while receiving clozapine.",
    "We report acute pancreatitis following exenatide in a diabetic woman.",
    "I had to come off Eliquis, nosebleeds every day.",
    "The itching stopped once I quit the statin.",
    "It does help my migraines but I've lost half my hair.",
    "Works well, however my ankles have swollen up badly since I take it.",
    "I never had panic attacks before starting this medication.",
    "My father passed away three days after the infusion.",
    "She was rushed to intensive care with anaphylaxis after the contrast injection.",
    "Baby was born with a cleft palate, I took the drug throughout.",
    // Other languages.
    "Seit der Spritze habe ich starke Kopfschmerzen und Schwindel.",
    "J'ai eu une éruption cutanée après avoir pris ce médicament.",
    "Después de la vacuna tuve fiebre y vómitos toda la noche.",
];

/// Need not reach the desk.
const NEED_NOT_SEND: &[&str] = &[
    "No side effects whatsoever, very pleased.",
    "I've not had any nausea or headaches with it.",
    "So far without problems, and no rash this time.",
    "Never felt dizzy or sick on these.",
    "What are the usual side effects?",
    "Could it make my skin itch?",
    "I'm scared it might give me palpitations.",
    "If I get a rash, who should I call?",
    "I take it for my migraines and it works a treat.",
    "My psoriasis has cleared completely.",
    "Asthma much better controlled since the new inhaler.",
    "Prescribed for high blood pressure.",
    "I had depression years ago, before any of this.",
    "The physiotherapist eased my back pain.",
    "The driver was rude and drove too fast.",
    "I waited three hours on a hard chair.",
    "The ward was noisy and I hardly slept.",
    "Nobody explained my medication to me on discharge.",
    "The pharmacy was out of stock again.",
    "My insurer refused to pay for the injections.",
    "Paramedics were calm and gentle with my mother.",
    "Please send the summary of product characteristics.",
    "The rep was helpful and brought the trial data.",
    "Could you tell me the half-life of the drug?",
    "The app crashes when I log my dose.",
    "Delivery came a day late but the box was fine.",
    "Great webinar on diabetes care.",
    "Thank you for everything, lovely staff.",
    "The transport was late so I missed my chemotherapy slot.",
    "It is easy to use and painless.",
];

/// Of [`NEED_NOT_SEND`], how many may be sent.
const MAY_BE_SENT: usize = 5;

#[test]
fn everything_that_must_be_sent_is_sent() {
    let triage = Triage::standard();
    let missed: Vec<&&str> = MUST_SEND
        .iter()
        .filter(|text| !triage.assess(text).is_candidate)
        .collect();
    assert!(
        missed.is_empty(),
        "{} of {} not sent: {missed:#?}",
        missed.len(),
        MUST_SEND.len()
    );
}

#[test]
fn what_need_not_be_sent_mostly_is_not() {
    let triage = Triage::standard();
    let sent: Vec<(&str, Vec<&str>, f32)> = NEED_NOT_SEND
        .iter()
        .map(|text| (*text, triage.assess(text)))
        .filter(|(_, found)| found.is_candidate)
        .map(|(text, found)| (text, found.rules_hit, found.score))
        .collect();
    assert!(
        sent.len() <= MAY_BE_SENT,
        "{} of {} sent: {sent:#?}",
        sent.len(),
        NEED_NOT_SEND.len()
    );
}

#[test]
fn each_special_situation_gets_its_class() {
    use SafetyClass as S;
    let triage = Triage::standard();
    for (text, class) in [
        ("My tablets have made me itch all over.", S::AdverseEvent),
        (
            "The autoinjector jammed and half the dose ran down my leg.",
            S::ProductComplaint,
        ),
        (
            "Two of the tablets in the blister were broken and discoloured.",
            S::ProductComplaint,
        ),
        (
            "There were black particles in the vial.",
            S::ProductComplaint,
        ),
        (
            "The inhaler doesn't spray any more although it is new.",
            S::ProductComplaint,
        ),
        (
            "Six weeks on the injections and they did nothing for me.",
            S::LackOfEffect,
        ),
        ("The painkillers don't work any longer.", S::LackOfEffect),
        ("We use it off-label for chronic cough.", S::OffLabelUse),
        (
            "It is not licensed for children but we gave it.",
            S::OffLabelUse,
        ),
        (
            "I crush the slow-release tablets because they are too big.",
            S::Misuse,
        ),
        ("I've been sharing my wife's tablets.", S::Misuse),
        ("He snorts his ritalin at parties.", S::Abuse),
        ("She took too many pills last night.", S::Overdose),
        (
            "My toddler swallowed the whole bottle of syrup.",
            S::Overdose,
        ),
        (
            "The chemist dispensed the wrong strength.",
            S::MedicationError,
        ),
        (
            "I forgot to take my tablets for a week.",
            S::MedicationError,
        ),
        (
            "The nurse had a needlestick injury with the used pen.",
            S::OccupationalExposure,
        ),
        (
            "I found out I'm pregnant and I am still on the tablets.",
            S::PregnancyOrLactation,
        ),
        (
            "Is breastfeeding fine? I had the infusion yesterday.",
            S::PregnancyOrLactation,
        ),
        (
            "Three patients caught hepatitis from a contaminated batch.",
            S::Transmission,
        ),
        (
            "The pens I got online look fake, the label is misprinted.",
            S::FalsifiedProduct,
        ),
    ] {
        let found = triage.assess(text);
        assert!(
            found.is_candidate && found.classes.contains(&class),
            "{text:?}: {:?}, rules {:?}",
            found.classes,
            found.rules_hit
        );
    }
}

#[test]
fn seriousness_is_cued_and_negation_takes_it_back() {
    use SeriousnessCue as S;
    let triage = Triage::standard();
    for (text, cue) in [
        ("He died a week after the infusion.", S::Death),
        (
            "It was life-threatening, she was ventilated.",
            S::LifeThreatening,
        ),
        (
            "I ended up in hospital because of these tablets.",
            S::Hospitalisation,
        ),
        ("The injection left me permanently disabled.", S::Disability),
        (
            "Our baby has spina bifida, I took valproate.",
            S::CongenitalAnomaly,
        ),
        (
            "I had a seizure after the second tablet.",
            S::MedicallyImportant,
        ),
    ] {
        assert!(
            triage.assess(text).seriousness.contains(&cue),
            "{text:?}: {:?}",
            triage.assess(text).seriousness
        );
    }
    assert!(
        !triage
            .assess("Rash after the tablet, but it was not life-threatening.")
            .seriousness
            .contains(&S::LifeThreatening)
    );
}

#[test]
fn the_four_criteria_are_found_or_missing() {
    let triage = Triage::standard();
    let full = triage
        .assess("My wife had a seizure after taking Humira.")
        .criteria;
    assert_eq!(
        (full.reporter, full.patient, full.product, full.event),
        (
            Criterion::Found,
            Criterion::Found,
            Criterion::Found,
            Criterion::Found
        )
    );
    let vague = triage
        .assess("Some people get headaches after the tablets.")
        .criteria;
    assert_eq!(
        (vague.reporter, vague.patient, vague.product, vague.event),
        (
            Criterion::Missing,
            Criterion::Partial,
            Criterion::Partial,
            Criterion::Found
        )
    );
    let denied = triage.assess("No side effects with Humira.").criteria;
    assert_eq!(
        (denied.product, denied.event),
        (Criterion::Found, Criterion::Partial)
    );
}

#[test]
fn spans_point_at_the_words() {
    let text = "Après Humira: j'ai eu des vertiges. I felt dizzy after it.";
    let found = Triage::standard().assess(text);
    let cut = |(start, end): (u32, u32)| &text[start as usize..end as usize];
    assert_eq!(found.product_as_reported.map(cut), Some("Humira"));
    assert_eq!(
        found
            .event_spans
            .iter()
            .map(|span| cut(*span))
            .collect::<Vec<_>>(),
        ["vertiges", "dizzy"]
    );
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    fn shared() -> &'static Triage {
        static TRIAGE: std::sync::OnceLock<Triage> = std::sync::OnceLock::new();
        TRIAGE.get_or_init(Triage::standard)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        /// Any text at all: an answer, the same twice, with spans on character boundaries and classes exactly for candidates.
        #[test]
        fn assessments_are_well_formed(text in "\\PC{0,160}|([a-zA-Z’'.,?!é ]|rash|Humira|no |after ){0,60}") {
            let found = shared().assess(&text);
            prop_assert_eq!(&found, &shared().assess(&text));
            prop_assert!((0.0..=1.0).contains(&found.score));
            prop_assert_eq!(found.is_candidate, found.score >= found.threshold);
            prop_assert_eq!(found.is_candidate, !found.classes.is_empty());
            for (start, end) in found.event_spans.iter().chain(&found.product_as_reported) {
                prop_assert!(text.get(*start as usize..*end as usize).is_some_and(|piece| !piece.is_empty()));
            }
        }

        /// Nothing said around a plain report mutes it (N18): kind words before and after leave it a candidate.
        #[test]
        fn friendly_words_around_a_report_do_not_mute_it(before in 0..4_usize, after in 0..4_usize) {
            let kind = ["", "Lovely staff, thank you. ", "The driver was late but friendly. ", "Nothing to improve. Everything was fine. "];
            let text = format!("{}I had an allergic reaction to the tablets. {}", kind[before], kind[after]);
            prop_assert!(shared().assess(&text).is_candidate, "{}", text);
        }
    }
}
