//! Words too common to be a theme, in the languages of our feedback. A language without a list still works: its
//! common words are common in the baseline too.

use crate::stable_hash::hash_bytes;
use rustc_hash::FxHashSet;
use std::sync::LazyLock;

const WORDS: &str = "the a an and or but if then than that this these those there here it its it's is am are was were be been being have has had having do does did doing done will would \
    can could shall should may might must of in on at to from by for with without about into over under out up down off again very so too just not no nor only own same such more most \
    some any all each every both few other another i i'm i've i'd i'll me my mine myself we we're us our ours you you're your yours he him his she her hers they them their theirs who whom which what when where \
    why how as because while until since before after during between through against also even still yet ever never now get gets got getting go goes going went gone come comes came make makes \
    made take takes took taken say says said tell told like one two three four five first last new day days today yesterday tomorrow week weeks month months year years time times please thank thanks \
    yes yeah ok okay much many lot lots really quite well back way thing things something anything nothing everything someone anyone everyone people don't doesn't didn't isn't wasn't can't \
    couldn't won't wouldn't haven't hasn't aren't weren't rt via amp de la le les des du un une et en est que qui dans pour pas sur au aux avec ce se il elle nous vous ils je son sa ses plus par mais ou où \
    el los las del y o una unos al es por con para su sus lo como más pero ya no si se mi me te nos muy ha hay fue era son esta este esto ese eso ser der die das und oder ist sind war nicht ein eine \
    einen einem einer den dem des mit von zu auf für im am an aus bei nach wie auch noch nur aber wenn dass ich du er sie es wir ihr sich mein il lo gli i di da un uno una che è e non per con su sono ho \
    ma anche come più nel della dei delle alla o os as um uma do da dos das em no na nos nas não para por com que se mais mas foi ser está são meu sua de het een en van in op te dat die voor met niet zijn \
    aan er maar om ook als bij nog naar ang ng sa mga na ay at ko mo po lang din rin para kung ito yung";

static STOP_WORDS: LazyLock<FxHashSet<u64>> = LazyLock::new(|| {
    WORDS
        .split_whitespace()
        .map(|word| hash_bytes(word.as_bytes()))
        .collect()
});

#[inline]
pub(super) fn is_stop_word(hash: u64) -> bool {
    STOP_WORDS.contains(&hash)
}
