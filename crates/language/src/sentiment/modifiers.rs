//! Words that change the feeling of others: negators, intensifiers, dampeners, contrast, relief.

use crate::stable_hash::hash_bytes;
use crate::words::{Filter, Words};
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// What a word does to the feeling words near it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Modifier {
    /// Turns what follows in the clause.
    Negates,
    /// `no`: turns the next word or two only.
    NegatesNext,
    /// Multiplies the next feeling word.
    Scales(f32),
    /// `less`, `relieved`: turns a bad thing that follows into a good one.
    Relieves,
    /// `gone`: turns a bad thing just before it.
    Ended,
    /// `but`: what follows counts more, what came before less.
    Contrasts,
    /// `although`: its own clause counts less.
    Concedes,
    /// `wish`, `would`: what follows is not so (yet).
    Supposes,
}

const TABLE: &[(Modifier, &str)] = &[
    (
        Modifier::Negates,
        "not never cannot cant can't don't dont doesn't doesnt didn't didnt isn't isnt wasn't wasnt aren't arent weren't werent won't wont wouldn't wouldnt couldn't couldnt shouldn't shouldnt haven't havent hasn't hasnt hadn't hadnt ain't aint neither nor hardly barely scarcely rarely seldom without nothing nobody none nowhere",
    ),
    (Modifier::NegatesNext, "no zero"),
    (
        Modifier::Scales(1.5),
        "extremely incredibly absolutely amazingly exceptionally extraordinarily insanely ridiculously unbelievably hugely massively fucking freaking effing",
    ),
    (
        Modifier::Scales(1.3),
        "very really so totally completely utterly truly deeply highly super thoroughly entirely especially particularly remarkably greatly immensely such most fully awfully terribly bloody damn hella mega ultra genuinely seriously strongly severely badly perfectly",
    ),
    (
        Modifier::Scales(1.15),
        "quite much pretty too more definitely certainly clearly obviously always ever just",
    ),
    (
        Modifier::Scales(0.65),
        "slightly somewhat little bit kinda sorta partly partially mildly marginally fairly rather moderately mostly occasionally sometimes almost nearly relatively kind sort less_so",
    ),
    (
        Modifier::Relieves,
        "less fewer reduce reduced reduces reducing relieve relieved relieves relieving relief ease eased eases easing lessen lessened lessens lowered stop stopped stops prevent prevented prevents avoid avoided avoids cure cured end ended minimal minimise minimised minimize minimized alleviate alleviated controls controlled treat treated treats treatment forget overcome overcame against beat beats rid",
    ),
    (
        Modifier::Ended,
        "gone vanished disappeared subsided faded stopped resolved cleared disappears improved lifted eased lessened",
    ),
    (
        Modifier::Contrasts,
        "but however nevertheless nonetheless yet except still",
    ),
    (
        Modifier::Concedes,
        "although though despite while whilst whereas even_though notwithstanding",
    ),
    (
        Modifier::Supposes,
        "wish wished if would could should might hope hoping unless",
    ),
];

struct Table {
    filter: Filter,
    modifiers: FxHashMap<u64, Modifier>,
}

static MODIFIERS: LazyLock<Table> = LazyLock::new(|| {
    let rows: Vec<(u64, Modifier)> = TABLE
        .iter()
        .flat_map(|(modifier, words)| {
            words
                .split_whitespace()
                .map(|word| (hash_bytes(word.as_bytes()), *modifier))
        })
        .collect();
    let mut modifiers = FxHashMap::default();
    for (hash, modifier) in &rows {
        // The first meaning in the table wins: `stopped` relieves before it ends.
        modifiers.entry(*hash).or_insert(*modifier);
    }
    Table {
        filter: Filter::of(rows.len(), rows.iter().map(|(hash, _)| *hash)),
        modifiers,
    }
});

/// The modifiers of one text, looked up where they are asked for: beside words that carry feeling, which are few.
pub(super) struct Modifiers<'w> {
    table: &'static Table,
    words: &'w Words,
}

impl<'w> Modifiers<'w> {
    pub(super) fn of(words: &'w Words) -> Modifiers<'w> {
        Modifiers {
            table: &MODIFIERS,
            words,
        }
    }

    /// What word `at` does to others.
    #[inline]
    pub(super) fn at(&self, at: usize) -> Option<Modifier> {
        let hash = self.words.words()[at].hash;
        if self.table.filter.may_hold(hash) {
            self.table.modifiers.get(&hash).copied()
        } else {
            None
        }
    }
}
