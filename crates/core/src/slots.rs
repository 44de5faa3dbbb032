//! Numbered places that never move: what is held stays where it is however many more come.
//!
//! Decision: pages of a fixed size instead of one list. A list of a million contributions that doubles copies them all,
//! and holds them twice while it does; that was a tenth of what filing a mention cost.

/// Places in a page.
const PAGE: usize = 1 << PAGE_BITS;
const PAGE_BITS: u32 = 10;

/// Things by number; numbers of those taken out are given out again.
#[derive(Debug, Clone)]
pub(crate) struct Slots<T> {
    pages: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
    held: usize,
}

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots {
            pages: Vec::new(),
            free: Vec::new(),
            held: 0,
        }
    }
}

impl<T> Slots<T> {
    pub(crate) fn len(&self) -> usize {
        self.held
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&T> {
        let page = self.pages.get((slot >> PAGE_BITS) as usize)?;
        page.get(slot as usize % PAGE)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        let page = self.pages.get_mut((slot >> PAGE_BITS) as usize)?;
        page.get_mut(slot as usize % PAGE)?.as_mut()
    }

    /// Puts it into a free place, whose number is given back.
    pub(crate) fn insert(&mut self, thing: T) -> u32 {
        self.held += 1;
        if let Some(slot) = self.free.pop() {
            self.pages[(slot >> PAGE_BITS) as usize][slot as usize % PAGE] = Some(thing);
            return slot;
        }
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        let before = (self.pages.len() - 1) << PAGE_BITS;
        // There is a last page: it was pushed if there was none with room.
        let page = self.pages.last_mut().map_or(0, |page| {
            page.push(Some(thing));
            page.len() - 1
        });
        (before + page) as u32
    }

    pub(crate) fn take(&mut self, slot: u32) -> Option<T> {
        let page = self.pages.get_mut((slot >> PAGE_BITS) as usize)?;
        let taken = page.get_mut(slot as usize % PAGE)?.take()?;
        self.free.push(slot);
        self.held -= 1;
        Some(taken)
    }

    /// Everything held, with its number, in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let things = self.pages.iter().flatten().enumerate();
        things.filter_map(|(slot, thing)| Some((slot as u32, thing.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_and_are_given_out_again() {
        let mut slots = Slots::default();
        let numbers: Vec<u32> = (0..3_000).map(|thing| slots.insert(thing)).collect();
        assert_eq!(numbers, (0..3_000).collect::<Vec<u32>>());
        assert_eq!(slots.take(1_024), Some(1_024));
        assert_eq!((slots.take(1_024), slots.get(1_024)), (None, None));
        assert_eq!(slots.len(), 2_999);
        assert_eq!(slots.insert(7), 1_024);
        assert_eq!(slots.get_mut(1_024).copied(), Some(7));
        assert_eq!(slots.iter().count(), 3_000);
        assert_eq!(slots.get(3_000), None);
    }
}
