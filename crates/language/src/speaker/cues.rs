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

/// Who treats, as people name them.
const DOCTOR: &str = "doctor,doctors,physician,gp,nurse,practice nurse,specialist nurse,clinician,consultant,specialist,surgeon,prescriber,cardiologist,oncologist,neurologist,rheumatologist,dermatologist,endocrinologist,nephrologist,haematologist,hematologist,gastroenterologist,pulmonologist,psychiatrist,paediatrician,pediatrician,urologist,ophthalmologist,diabetologist,allergist,hepatologist,midwife,physiotherapist,family doctor,nurse practitioner";

/// Kind, weight, phrases. Weight 2 decides by itself; 1 is enough alone; 0.5 needs company. `{a,b}` stands for either word, and
/// `{DOCTOR}` for any of those.
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
        0,
        2.0,
        "{as,speaking as,i am,i'm,i've been} {a,an,the} {DOCTOR}|{as,i am,i'm} {a,an} {young,senior,retired,rural,hospital,community,practising,treating} {DOCTOR}|{DOCTOR} here|treating {DOCTOR}|als {hausarzt,hausärztin,arzt,ärztin,internist,internistin,onkologe,neurologin}|in {my,our} {practice,clinic,unit,ward,hands,department,outpatients}|on {my,our} ward|my {last,first,next,older,younger,elderly,female,male,newly diagnosed} patients|my last {two,three,four,five} patients|of my {older,younger,elderly,diabetic,renal} patients|{one,two,three,some,most,many,half,none} of {my,our} patients|i {examined,titrate,switch,switched,started,put,treated,admitted,referred} {him,her,them,a patient,patients,people,two,three,four,five,ten,eleven,twelve}|we {titrate,switched,admitted,referred,treated} {him,her,them,a patient,patients}",
    ),
    (
        0,
        1.2,
        "these patients|i {prescribe,would prescribe,would not prescribe,do not prescribe}|i would not {give,prescribe,start} {it,them,this}|tumour board|tumor board|second line after|it second line|it first line|i use it {first,second,third} line|patient on|a patient {last,this}|my colleagues|our {nurses,consultants,registrars,residents,junior doctors}|egfr|hba1c",
    ),
    (
        0,
        0.6,
        "we {started,start,tried,see} {it,them,patients,on,two,three,four,five,ten}|titration|loading dose|off label|year old with",
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
        1,
        2.0,
        "my {DOCTOR}|my own {DOCTOR,condition,health}|my {first,second,third,fourth,last,next,weekly,monthly,daily,morning,evening} {dose,injection,infusion,shot,jab,tablet,pill,tablets,pills,pen,cycle,appointment,scan,treatment}|{i,i've,i have} {missed,skipped,forgot} {a,my,the} {dose,injection,tablet,pill}|{i,i've} {stopped,started,quit,began} {taking,using,injecting}|{put,switched,started,kept} me on|been on {it,the,this,them}|i was diagnosed|i was {told,put,started,switched,prescribed,given}|was diagnosed in|i can't afford|my copay|my {insurance,insurer} {stopped,refused,denied,will,won't}",
    ),
    (
        1,
        1.5,
        "my {hair,skin,hands,legs,arms,arm,stomach,head,back,joints,eyes,feet,knees,face,sleep,weight,blood sugar,sugar,mood,levels,pain,symptoms,flare,flares,cancer,diabetes,asthma,psoriasis,arthritis,migraine,migraines,ms,colitis,lupus,epilepsy,depression,eczema}|{i,i've} {got,had,have,developed,get} {a rash,hives,nausea,headaches,a headache,bruises,cramps,diarrhoea,psoriasis,lupus,ms,epilepsy,asthma,colitis,a stroke}|i {live,lived} with|i wake up|i feel {better,worse,tired,sick,dizzy,great,so}|seit ich|ich schlafe|having {ms,lupus,psoriasis,cancer,asthma,diabetes}|{took,taken,taking} my",
    ),
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
        2,
        2.4,
        "{as,i'm,i am} {his,her,their,the,a,my mother's,my father's} {carer,caregiver,mother,father,daughter,son,wife,husband,parent}|{i,we} {look after,care for,looked after}|{i,we} {give,fill,collect,pick up} {him,her,his,my son,my daughter,my mother,my father,my mum,my dad,my husband,my wife,granny,grandma}|give {him,her} the",
    ),
    (
        2,
        1.8,
        "{my,our} {little boy,little girl,boy,girl,toddler,teenager,baby,kid,kids,son,daughter,child,grandmother,grandfather,grandmother's,grandma,grandpa,granny,gran,nan,neighbour,aunt,uncle,mother in law,father in law,fiancé,fiancée,girlfriend,boyfriend}",
    ),
    (
        2,
        1.6,
        "{mum,mom,dad,granny,grandma,grandpa,nana} {was,is,has,had,takes,took,gets,got,forgets,cannot,can't,needs,hates,won't,sleeps}",
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
        3,
        2.5,
        "{as,i am,i'm} {a,an,the} {pharmacist,hospital pharmacist,community pharmacist,clinical pharmacist,retail pharmacist,locum pharmacist,pharmacy technician,dispenser}|as the pharmacist|{pharmacist,pharmacy technician,pharmacy,dispenser} here|{i,we} {dispense,dispensed}|our dispensary|our till|{in,at} my pharmacy|we run {a,an} {pharmacy,independent pharmacy,community pharmacy}|{at,behind} the counter|{i,we} counsel|{i,we} {refused to fill,could not fill,cannot fill}|the {script,prescription} {was,said,says,is} for|{rang,called,call,phoned} the prescriber|in our apotheke|our apotheke|repeat scripts|our pharmacy system",
    ),
    (
        3,
        1.2,
        "{the,our} wholesaler {is,has,was,cannot}|the script|the scripts|compounding|reconstitute|in our pharmacy|pharmacy system",
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
        4,
        2.5,
        "our {formulary,members',insured,beneficiaries,claims,plan,health plan,medical policy,actuaries,utilization management,utilisation management,pharmacy benefit,scheme,insured population}|as {a,an,the} {payer,insurer,health plan,health insurer,sick fund,sickness fund,insurance company}|{we,we would,we will,we can,we cannot} {cover,reimburse,insure,require step therapy,require prior authorization,require prior authorisation}|{sick,sickness} fund|{from,in} {a,the} payer's|we {denied,deny,approved} {the,a,about} {claim,claims,request,requests,one}|p t committee|{add,added} it to the formulary|pharmacy benefit",
    ),
    (
        4,
        1.6,
        "step therapy|formulary committee|{tier,tier is} {one,two,three,four,2,3,4}|cost per qaly|qaly|budget impact|net price|outcomes based|after rebates|before we {cover,add}",
    ),
    (
        5,
        2.5,
        "our hospital|our trust|hospital trust|our health system|our clinics|our infusion unit|our facility|our organisation cannot|on behalf of the hospital|our purchasing department|our procurement|our hospital pharmacy|our network of clinics|our centre|our center|our wards|unser krankenhaus|unsere klinik|notre hôpital|nuestro hospital|il nostro ospedale|nosso hospital|ons ziekenhuis",
    ),
    (
        5,
        2.2,
        "our {hospital,hospitals,trust,surgery,medical centre,medical center,health system,health system's,nursing home,care home,infusion suite,infusion centre,infusion center,infusion unit,outpatient clinics,clinic network,network of clinics,facility,hospital administration,hospital pharmacy,wards,department of}|as {practice manager,the procurement lead,head of purchasing,head of procurement,hospital manager,the hospital manager,chief executive}|{practice manager,procurement lead,head of purchasing,head of procurement}|we {run,operate,are opening,are} {two,three,four,five,twelve,a network of,a group of} {clinics,outpatient clinics,hospitals,infusion centres,infusion centers,twelve clinics,four clinics}|infusion chairs|framework contract|drug and therapeutics committee|for the hospital|needs training for its staff|for its staff",
    ),
    (5, 1.5, "our {clinic,department,ward,centre,center,unit}"),
    (
        6,
        2.5,
        "we manufacture|we supply|our production line|our factory|our plant|our raw material|lead time|as a supplier|as your supplier|your purchase order|our quality agreement|we produce the|our api|as a manufacturer of|contract manufacturer|certificate of analysis",
    ),
    (
        6,
        2.5,
        "we {manufacture,supply,produce,make} {the,your,you,caps,vials,needles,bottles,stoppers}|our {plant,factory,production,production line,filling line,raw material,raw materials,lead time,lead times,sterilisation site}|{as,we are} {your,a,the} {supplier,contract manufacturer,manufacturer of,sterilisation provider}|your {purchase order,order for,batch,forecast,site with}|certificate of analysis|contract manufacturer|start production|meet the forecast|excipient|your purchase order",
    ),
    (6, 0.8, "the api"),
    (
        7,
        2.5,
        "our warehouse|our depot|our distribution centre|our distribution center|we distribute|as a wholesaler|as a distributor|pallet|pallets|onward shipping|our trucks|our logistics|our delivery routes|customs clearance|third party logistics|our drivers deliver",
    ),
    (
        7,
        2.6,
        "our {warehouse,depot,truck,trucks,drivers,fleet,couriers,distribution centre,distribution center,distribution,logistics,logistics team,delivery routes,pharmacy customers}|as {a,an,your,the} {wholesaler,pre wholesaler,distributor,specialty distributor,logistics provider,full line wholesaler}|we {deliver,distribute,wholesale} {to,twice,the,daily,it,your,every}|{ration,allocate} {deliveries,stock}|our stock of|pallet|pallets|temperature {excursion,logger,loggers}|consignment|pharmacy customers",
    ),
    (
        7,
        1.3,
        "cold chain|customs|shipment|at the border|cartons of|weeks of stock",
    ),
    (
        8,
        2.5,
        "on behalf of our patient|patient organisation|patient organization|patient association|patient group|patient advocacy|advocacy group|our community of patients|our charity|our foundation|as an advocate|as a patient advocate|we represent patients|our support group|patientenorganisation|association de patients|asociación de pacientes|associazione pazienti|associação de doentes|patiëntenvereniging",
    ),
    (
        8,
        2.5,
        "{as,i am,i'm} {a,an,the} {patient advocate,advocate,patient representative,patient organisation,patient organization,patient association,chair of the patient group}|our {patient association,patient organisation,patient organization,patient group,charity,foundation,society,support group,association of,advocacy,helpline,community has}|we {represent,campaign,campaign for,speak for,are a charity,advocate}|{i,we} speak for|i chair|as chair of|{the,our} {patient society,patient group,patient association}|on behalf of {families,people,patients,the patients,our members,the society}|of our support group|our members {tell,report,ask,want,say,need,are,have,wait}|members with|advocate for|people living with|families living with|patients must be heard",
    ),
    (
        8,
        1.4,
        "charity|foundation|helpline|on behalf of the|association of people|support group|society",
    ),
    (
        9,
        2.5,
        "marketing authorisation holder|marketing authorization holder|the agency requests|the authority requests|competent authority|our inspectors|inspection findings|we hereby request|pursuant to article|in accordance with article|in accordance with regulation|under section|warning letter|assessment report|rapporteur|conditions of the licence|as a regulator|the committee for medicinal",
    ),
    (
        9,
        2.5,
        "the {agency,authority,competent authority,health authority,commission,regulator} {requests,request,asks,has,will,requires,may,issues,expects}|the committee {recommends,adopted,for medicinal,has,asks}|our {inspectors,assessors,inspection,assessment}|{during,after} our inspection|{you are required to,you must} {submit,notify,update,provide,respond,inform}|please {submit,respond to,provide} {the,this,a,us with} {risk,periodic,further,data}|marketing authorisation holder|marketing authorization holder|we hereby|good manufacturing practice|summary of product characteristics|periodic safety update|risk management plan|dear doctor letter|variation application|your variation|major objection|as {a,the} {regulator,national health authority,health authority,competent authority}|by section|suspend the licence|as required by",
    ),
];

static CUES: LazyLock<PhraseTable<(usize, f32)>> = LazyLock::new(|| {
    let mut phrases: Vec<(String, (usize, f32))> = Vec::new();
    for (kind, weight, patterns) in TABLE {
        for pattern in patterns.split('|') {
            let mut written = Vec::new();
            expand(&pattern.replace("DOCTOR", DOCTOR), &mut written);
            phrases.extend(written.into_iter().map(|phrase| (phrase, (*kind, *weight))));
        }
    }
    PhraseTable::new(phrases.iter().map(|(phrase, cue)| (phrase.as_str(), *cue)))
});

/// Every phrase a pattern stands for.
fn expand(pattern: &str, into: &mut Vec<String>) {
    let parts = pattern
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    match parts {
        None => into.push(pattern.to_owned()),
        Some((before, (choices, after))) => {
            for choice in choices.split(',') {
                expand(&format!("{before}{choice}{after}"), into);
            }
        }
    }
}

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
