//! Phrases by which speakers are known, with weights.

use crate::words::{PhraseTable, Words};
use std::sync::LazyLock;

/// The contract's words, in the order of the weights.
pub(super) const KINDS: [&str; 10] = [
    "hcp",
    "patient",
    "caregiver",
    "pharmacist",
    "payer",
    "provider_org",
    "supplier",
    "distributor",
    "advocate",
    "regulator",
];

/// Kind, weight, phrases. Weight 2 decides by itself; 1 is enough alone; 0.5 needs company.
const TABLE: &[(usize, f32, &str)] = &[
    (
        0,
        2.0,
        "my patients|our patients|my patient|one of my patients|in my practice|in our practice|in my clinic|in our clinic|i prescribe|i prescribed|we prescribe|i would prescribe|i see patients|i treat patients|as a physician|as a doctor|as a nurse|as a clinician|as a cardiologist|as an oncologist|as a gp|as a neurologist|as a dermatologist|as a rheumatologist|as an endocrinologist|as a specialist|as a prescriber|i am a physician|i am a doctor|i am a nurse|i'm a doctor|i'm a nurse|i am a gp|i'm a gp|meine patienten|unsere patienten|meinen patienten|mes patients|mis pacientes|i miei pazienti|meus pacientes|mijn patiënten",
    ),
    (
        0,
        1.5,
        "patients on|patients with|patients who|patients are|patients have|patient on|a patient with|a patient on|we have a patient|i have a patient|three patients|two patients|several patients|some patients|many patients|patient of mine|prescribing|titrate|titrated|we start at|we start patients|colleague|colleagues|my department|our department|rounds|on call|consultant in|resident|registrar",
    ),
    (
        0,
        0.5,
        "monotherapy|comorbidities|first line|second line|guideline|guidelines|contraindicated|off label|renal impairment|efficacy data|mechanism of action|subgroup",
    ),
    (
        1,
        2.0,
        "my doctor|my gp|my oncologist|my cardiologist|my neurologist|my rheumatologist|my dermatologist|my endocrinologist|my specialist|my consultant|my nurse|i was diagnosed|i've been diagnosed|diagnosed me|my diagnosis|as a patient|i'm a patient|i am a patient|my own condition|my prescription|my treatment|my symptoms|my illness|my disease|my dose|my injection|my medication|my medicine|my meds|my tablets|my pills|mein arzt|meine ärztin|mon médecin|mi médico|mi doctor|il mio medico|meu médico|mijn arts|mijn huisarts",
    ),
    (
        1,
        1.2,
        "i take|i took|i've taken|i have been taking|i've been taking|i have been on|i've been on|i was prescribed|prescribed me|i was given|i inject|i injected|i suffer|i feel|i felt|made me|makes me|gave me|helped me|helps me|my pain|my life|my body|my stomach|my skin|my blood pressure|my insurance|my copay|my co pay|my appointment|my pharmacy|my pharmacist|my ambulance|my condition|my health|i have diabetes|i have asthma|i have cancer|living with|taking it|treated me|looked after me|took me|my operation|my surgery|ich nehme|je prends|tomo|prendo|eu tomo|ik neem",
    ),
    (1, 0.3, "i|me|my"),
    (
        2,
        2.2,
        "my mother takes|my father takes|my son takes|my daughter takes|my wife takes|my husband takes|i care for|caring for my|as a carer|as a caregiver|i am a carer|i'm a carer|carer for|caregiver for|we give it to|i give it to|i give him|i give her|my child has|our child",
    ),
    (
        2,
        1.8,
        "my mother|my mum|my mom|my father|my dad|my son|my daughter|my wife|my husband|my partner|my child|my children|my baby|my grandmother|my grandfather|my brother|my sister|my parents|our son|our daughter|my elderly|my kid|my girl|my boy|my nan|my gran|my grandson|my granddaughter|meine mutter|mein vater|mein sohn|meine tochter|mein mann|meine frau|ma mère|mon père|mon fils|ma fille|mon mari|ma femme|mi madre|mi padre|mi hijo|mi hija|mi esposo|mi esposa|mia madre|mio padre|mio figlio|mia figlia|minha mãe|meu pai|meu filho|minha filha|mijn moeder|mijn vader|mijn zoon|mijn dochter",
    ),
    (
        3,
        2.5,
        "as a pharmacist|i am a pharmacist|i'm a pharmacist|our pharmacy|in our pharmacy|i dispense|we dispense|we dispensed|dispensed to|my pharmacy team|pharmacy staff here|our wholesaler|behind the counter|we cannot order|as an apotheker|in meiner apotheke|en mi farmacia|nella mia farmacia|dans ma pharmacie|na minha farmácia|in mijn apotheek",
    ),
    (
        3,
        0.6,
        "dispensing|dispense|patients at the counter|prescriptions we|stock level",
    ),
    (
        4,
        2.5,
        "our formulary|formulary committee|formulary review|covered lives|our plan|our beneficiaries|p t committee|pharmacy and therapeutics|we reimburse|our budget impact|as a payer|as a health plan|our health plan|medical policy|utilization management|utilisation management|our pbm|unsere versicherten|nos assurés|nuestros afiliados|payer perspective|budget impact model",
    ),
    (4, 1.2, "our members"),
    (
        4,
        0.8,
        "rebate|rebates|net price|net cost|budget impact|cost effectiveness|icer|qaly|per member per month|step edit|contracting",
    ),
    (
        5,
        2.5,
        "our hospital|our trust|hospital trust|our health system|our clinics|our infusion unit|our facility|our organisation cannot|on behalf of the hospital|our purchasing department|our procurement|our hospital pharmacy|our network of clinics|our centre|our center|our wards|unser krankenhaus|unsere klinik|notre hôpital|nuestro hospital|il nostro ospedale|nosso hospital|ons ziekenhuis",
    ),
    (
        6,
        2.5,
        "we manufacture|we supply|our production line|our factory|our plant|our raw material|lead time|as a supplier|as your supplier|your purchase order|our quality agreement|we produce the|our api|as a manufacturer of|contract manufacturer|certificate of analysis",
    ),
    (
        7,
        2.5,
        "our warehouse|our depot|our distribution centre|our distribution center|we distribute|as a wholesaler|as a distributor|pallet|pallets|onward shipping|our trucks|our logistics|our delivery routes|customs clearance|third party logistics|our drivers deliver",
    ),
    (
        8,
        2.5,
        "on behalf of our patient|patient organisation|patient organization|patient association|patient group|patient advocacy|advocacy group|our community of patients|our charity|our foundation|as an advocate|as a patient advocate|we represent patients|our support group|patientenorganisation|association de patients|asociación de pacientes|associazione pazienti|associação de doentes|patiëntenvereniging",
    ),
    (
        9,
        2.5,
        "marketing authorisation holder|marketing authorization holder|the agency requests|the authority requests|competent authority|our inspectors|inspection findings|we hereby request|pursuant to article|in accordance with article|in accordance with regulation|under section|warning letter|assessment report|rapporteur|conditions of the licence|as a regulator|the committee for medicinal",
    ),
];

static CUES: LazyLock<PhraseTable<(usize, f32)>> = LazyLock::new(|| {
    PhraseTable::new(TABLE.iter().flat_map(|(kind, weight, phrases)| {
        phrases.split('|').map(|phrase| (phrase, (*kind, *weight)))
    }))
});

/// Sum of cue weights per kind; each cue counts once, however often it is said.
pub(super) fn weights(words: &Words) -> [f32; KINDS.len()] {
    let table = &*CUES;
    let count = words.words().len();
    let mut seen: Vec<(u64, usize)> = Vec::new();
    let mut sums = [0.0; KINDS.len()];
    for at in 0..count {
        table.each_at(words, at, count, |(kind, weight), hash, _| {
            if !seen.contains(&(hash, kind)) {
                seen.push((hash, kind));
                sums[kind] += weight;
            }
        });
    }
    sums
}
