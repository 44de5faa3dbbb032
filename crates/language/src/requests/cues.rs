//! Phrases by which questions and requests are known.

use crate::words::{PhraseTable, Words};
use std::sync::LazyLock;

/// What a cue says of its sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cue {
    /// A question when it opens the sentence.
    OpensQuestion,
    /// A question wherever it stands.
    OpensAnywhere,
    /// Somebody is asked to do something.
    AsksFor,
    /// Somebody would like something.
    Wishes,
    /// Looks like a question or request, is none.
    Rhetorical,
    /// A medicine or its use is spoken of.
    Medicine,
    /// A matter for medical information.
    MedicalMatter,
    /// Somebody takes, is given or keeps a medicine: a matter for medical information unless the office is meant.
    Use,
    /// A matter of the office: orders, money, visits, pages.
    Office,
    /// Somebody is asked to do something when it opens the sentence.
    OpensRequest,
    /// Refers to what was said before.
    Leans,
    /// Words before the real opening.
    Filler,
}

const TABLE: &[(Cue, &str)] = &[
    (
        Cue::OpensQuestion,
        "what is|what are|what was|what do|what does|what did|what should|what can|what would|what about|what dose|what data|what time|what happens|which|who can|who do|who is|who should|whom|whose|when will|when can|when do|when does|when is|when are|when should|when would|where is|where are|where can|where do|where does|where should|why is|why are|why do|why does|why did|why can't|why isn't|why was|why were|why should|how do|how does|how can|how should|how long does|how long do|how long will|how long should|how long can|how much is|how much does|how much should|how many|how often|how is|how are|how soon|how would|how will|is it|is there|is this|is that|is the|is my|is your|are there|are these|are the|are you|are we|can i|can you|can we|can it|can the|can this|can patients|can my|can someone|can anyone|could i|could it|could we|could this|could you|would it|would you|do you|do i|do we|do the|do they|does it|does the|does this|does anyone|does anybody|did you|did anyone|did the|has anyone|has anybody|has there|has the|have you|have there|will it|will there|will you|will the|will this|should i|should we|should patients|should it|should my|may i|may we|am i|any idea|any update|any news|any data|any experience|any chance|anyone know|anyone else|anybody know|wondering|curious|gibt es|kann ich|kann man|können sie|wie lange|wie oft|wann|warum|was ist|wo kann|darf ich|est ce que|puis je|pouvez vous|peut on|quand|combien|pourquoi|comment|quelle est|quel est|où puis|puedo|pueden|se puede|cuándo|cuánto|cómo|por qué|qué dosis|hay datos|existe|posso|può|si può|quando|quanto|come posso|perché|ci sono|è possibile|podem|como posso|por que|qual é|há dados|kan ik|kunt u|mag ik|hoe lang|hoe vaak|wanneer|waarom",
    ),
    (
        Cue::OpensAnywhere,
        "i wonder if|i wonder whether|i was wondering|we were wondering|wondering if|wondering whether|can i have surgery|can i have an operation|can i have children|can i have a drink|can i have alcohol|can i have a baby|i would like to know|i'd like to know|would like to know|like to know whether|i want to know|we want to know|need to know if|need to know whether|wants to know|wanted to know|asked whether|asked if it|asked about|asks whether|asks if|asks about|asking whether|asking about|asking if|enquired about|inquired about|enquiring about|inquiring about|enquiry about|inquiry about|does anyone know|anybody know|do you know|do you have any|my question is|question about|questions about|i have a question|we have a question|has a question|could you tell me|can you tell me|could you tell us|can you tell us|could you advise|can you advise|please advise|please clarify|please confirm|can you confirm|could you confirm|could you clarify|can you clarify|let me know if|let me know whether|let us know if|let us know whether|let me know how|let me know when|let us know how|let us know when|not sure whether|not sure if i|unsure whether|don't know whether|do not know whether|don't know if i|ich frage mich|ich möchte wissen|je voudrais savoir|j'aimerais savoir|quisiera saber|me gustaría saber|vorrei sapere|gostaria de saber|ik wil graag weten",
    ),
    (
        Cue::AsksFor,
        "can you tell the|can you tell your|could you tell the|could you tell your|can you ask|could you ask|can you remind|could you remind|can you make sure|could you make sure|please send|please call|please contact|please provide|please give|please remove|please stop|please arrange|please forward|please email|please mail|please get back|please help|please fix|please update|please share|please let|please ship|please add|please change|please make|please have|please check|please resend|please ask|please tell|please explain|please include|please return|please replace|please refund|please cancel|please reply|please respond|please supply|please consider|please bring|please take me|please increase|please improve|please do|pls send|plz send|pls call|pls help|could you send|could you please|could you call|could you provide|could you share|could you arrange|could you help|could you forward|could someone|could somebody|could we get|could we have|could i get|could i have|can you send|can you please|can you call|can you share|can you provide|can you help|can you arrange|can someone|can somebody|can we get|can we have|can i get|can i have|would you send|would you please|would you mind|send me|send us|call me back|ring me back|get back to me|contact me|contact us|email me|mail me|take me off|remove me|stop sending|stop calling|stop emailing|unsubscribe me|i request|we request|requesting|i am requesting|requested a|requested the|requested more|requested information|requested to|requests a|requests the|requests more|requests information|requested that|has requested|would appreciate|i'd appreciate|we'd appreciate|kindly|bitte senden|bitte schicken|bitte rufen|schicken sie|rufen sie mich|veuillez|merci de m'envoyer|envoyez moi|rappelez moi|por favor envíen|por favor|envíenme|llámenme|per favore|vi prego|inviatemi|mandatemi|richiamatemi|enviem|me liguem|stuur mij|graag ontvangen|wilt u",
    ),
    (
        Cue::Wishes,
        "i would like|i'd like|we would like|we'd like|would love to|i need a|i need more|we need a|we need more|i need help|need help with|i want a|i want my|we want a|looking for|it would be helpful|it would help|would be good to|would be great if|would be nice if|would be useful|i want to speak|i want to talk|we want to speak|want someone to|i wish you|i wish there|i wish they|you should offer|there should be|asked for|ask for|asking for|asks for|wants a|would like a|would like more|would like to receive|would like to have|in need of|ich brauche|wir brauchen|ich hätte gern|je voudrais|j'aimerais|nous aimerions|necesito|necesitamos|quisiera|me gustaría|vorrei|avrei bisogno|ho bisogno|preciso de|gostaria de|ik wil graag|ik heb nodig",
    ),
    (
        Cue::Rhetorical,
        "what a|what an|how kind|how lovely|how nice|how wonderful|how dare|how rude|who knows|who cares|why bother|what more can|what else can i say|need i say more|guess what|you know what|what's not to|would like to thank|would like to say|i'd like to thank|i'd like to say|like to thank|i would like to congratulate|would like to express|we would like to thank|would like to praise|please thank|please pass on my|please pass my thanks|please keep up|please carry on|please don't change|please note|please be aware|please see|please find|please god|please remember|please accept|please be assured|do you want to thank|asked for help|asked for my|asked for an ambulance",
    ),
    (
        Cue::Medicine,
        "drug|drugs|medicine|medicines|medication|medications|tablet|tablets|pill|pills|capsule|capsules|dose|doses|dosage|injection|injections|inject|therapy|treatment|patient|patients|infusion|vaccine|inhaler|insulin|prescribed|prescription|medikament|médicament|medicamento|farmaco|geneesmiddel|biologic|biosimilar|antibody|inhibitor|agonist|mg|infusions|chemo",
    ),
    (
        Cue::MedicalMatter,
        "blood thinner|blood thinners|antibiotic|antibiotics|painkiller|painkillers|antidepressant|paracetamol|aspirin|contraceptive|the pill and|supplements|herbal|surgery|anaesthetic|anesthetic|dentist|transplant|chemotherapy|radiotherapy|immune system|itch|itchy|itches|dizzy|dizziness|fatigue|swelling|swollen|bruise|bruising|vomit|vomits|vomiting|diarrhoea|diarrhea|constipation|hair fall|losing hair|lose hair|migraine|asthma|psoriasis|eczema|arthritis|colitis|lupus|epilepsy|tumour|tumor|stage four|metastatic|relapse|survival|trial|trials|reprint|reprints|literature|publications|head to head|how does it compare|it compare|compare with|compared with|compared to|comparing it|infants|cardiovascular outcomes|survival|drug holiday|comparing|real life data|guideline|guidelines|prescribing information|product information|smpc|package insert|medical opinion|medical information|approved for|licensed for|indicated|authorised for|authorized for|antidote|placenta|breast milk|levels in|drug level|blood level|blood levels|skin test|test before|loading|weight dependent|body weight|bmi|through a port|injection site|which arm|which part of the body|infant|infants|newborn|teenage|teenager|adolescent|over 65|over 75|older people|resistant|dose|doses|dosage|dosing|mg|titrate|titration|off label|unlicensed|unapproved|indication|contraindication|contraindicated|contraindications|interact|interacts|interaction|interactions|side effect|side effects|adverse|safe|safety|unsafe|toxicity|overdose|missed dose|pregnant|pregnancy|breastfeeding|breast feeding|breastfeed|lactation|trying to conceive|fertility|children|paediatric|pediatric|child|adolescents|teenagers|elderly patients|older patients|in the elderly|geriatric|renal|kidney|kidneys|dialysis|hepatic|liver|cirrhosis|comorbid|comorbidity|diabetic|diabetics|with diabetes|heart failure|cancer patients|efficacy|effective|effectiveness|efficacious|work for|work in|works for|works in|respond to|response rate|clinical trial|clinical trials|trial data|study|studies|evidence|any data|there data|data on|published|publication|real world|mechanism of action|half life|pharmacokinetic|pharmacokinetics|monotherapy|combination with|combined with|combine|concomitant|together with|switch from|switching from|switch to|switching to|wash out|washout|alcohol|grapefruit|take it with|taking it with|take with|used with|use with|used in|use in|use it in|used for|use it for|using it for|prescribe it for|given to|given with|first line|second line|long term|how long should|how often should|stop taking|start taking|before surgery|after surgery|vaccinated|vaccination|vaccine|allergic|allergy|latex|gluten|lactose|excipient|excipients|monitor|monitoring|blood test|lab test|lab values|biomarker|overlap|tapering|taper|withdrawal|dependence|addictive|rash|nausea|headache|bleeding|causes|cause weight|weight gain|weight loss|crushed|crush|chewed|feeding tube|overweight|hair loss|drowsy|sleepy|drive while|symptom|symptoms|schwanger|schwangerschaft|stillzeit|dosierung|dosis|nebenwirkung|nebenwirkungen|wechselwirkung|wechselwirkungen|kinder|sicher|niere|leber|grossesse|enceinte|allaitement|posologie|effets secondaires|effets indésirables|interactions médicamenteuses|enfants|sans danger|embarazo|embarazada|lactancia|dosis máxima|efectos secundarios|interacciones|niños|seguro tomar|es seguro|gravidanza|incinta|allattamento|dosaggio|effetti collaterali|interazioni|bambini|è sicuro|gravidez|grávida|amamentação|efeitos colaterais|interações|crianças|seguro|zwanger|borstvoeding|bijwerkingen|wisselwerking|kinderen|veilig",
    ),
    (
        Cue::Use,
        "take it|take this|take that with|take them with|i take the|i take my|we take the|i take one|i take two|takes it|takes this|taking it|taking this|taking them|it be taken|it taken|be taken with|be taken at|be taken in the|use it|use this|used it|used after|used while|be used|do i inject|to inject|inject it|injecting it|be given|given through|administer it|be administered|swallow|dissolve|dissolved|mixed with|mix it|split the|split it|halve|be opened|on this drug|on this medicine|on treatment|while i am on|while on|stop it|stop when|stop taking|stop treatment|pause treatment|pause it|restart|skip a|skip it|skipped a|missed dose|missed a|missed my|forgot my|forgot to take|forgot to inject|double it|twice a day|once a day|once a week|between two|between doses|hours between|morning or|or at night|empty stomach|with food|without food|with meals|before meals|after meals|yoghurt|yogurt|juice|wine|beer|fridge|refrigerator|refrigerated|room temperature|frozen|storage|store it|shelf life|stability|past its date|it work|it works|start to work|starts to work|start working|work for|works for|kick in|take effect|an effect|the effect|it help|it help with|help against|benefit most|patients benefit|useful in|it useful|good for|is it normal|normal to|it contain|contain|contains|ingredient|ingredients",
    ),
    (
        Cue::Office,
        "order|orders|ordered|ordering|delivery|deliver|delivered|deliveries|courier|driver|parcel|package arrive|shipment|shipments|shipping|ship|shipped|stock|shortage|supply|available|availability|back order|wholesaler|price|prices|cost|costs|pay|payment|payments|instalments|invoice|invoices|bill|billing|refund|refunds|copay|co pay|insurance|insurer|reimbursed|reimbursement|coverage|covered|claim|claims|voucher|rebate|discount|free of charge|authorisation|authorization|portal|login|log in|log me|logged|password|account|app|website|web site|web page|online|register|registration|sign up|enrol|enroll|application|form|forms|certificate|contract|representative|representatives|rep|reps|sales|visit|visits|appointment|appointments|reschedule|parking|opening hours|office|open on|phone number|telephone|address|mailing list|newsletter|unsubscribe|brochure|brochures|poster|posters|diaries|diary|display|samples|sample|starter kit|starter kits|sharps|sharps bin|webinar|webinars|recorded|recording|slides|congress|meeting|meetings|event|invitation|course|training|train|trained|job|jobs|career|complaint|manager|nurse come|nurse coming|helpline|hotline|support line|who do i contact|whom do i contact|empty pens|return the|send back|recycle|recycling",
    ),
    (
        Cue::OpensRequest,
        "please|pls|plz|kindly|bitte|veuillez|por favor|per favore",
    ),
    (
        Cue::Leans,
        "that|this|it|them|these|those|so|then|also|too|he|she|they",
    ),
    (
        Cue::Filler,
        "hi|hello|dear|hey|so|and|but|also|ok|okay|well|just|please|thanks|thank|good|morning|afternoon|team|sir|madam|btw|then|or|because|now|hallo|bonjour|hola|ciao|olá",
    ),
];

static CUES: LazyLock<PhraseTable<Cue>> = LazyLock::new(|| {
    PhraseTable::new(
        TABLE
            .iter()
            .flat_map(|(cue, phrases)| phrases.split('|').map(|phrase| (phrase, *cue))),
    )
});

/// The cue table, borrowed once a text.
#[derive(Clone, Copy)]
pub(super) struct Cues(&'static PhraseTable<Cue>);

impl Cues {
    pub(super) fn shipped() -> Cues {
        Cues(&CUES)
    }

    /// Whether a word may stand before the real opening of a sentence.
    pub(super) fn is_filler(self, hash: u64) -> bool {
        self.0.word(hash).contains(&Cue::Filler)
    }

    /// Calls `each` for every cue that begins at word `at` and ends before word `end`.
    #[inline]
    pub(super) fn each_at(self, words: &Words, at: usize, end: usize, mut each: impl FnMut(Cue)) {
        self.0.each_at(words, at, end, |cue, _, _| each(cue));
    }
}
