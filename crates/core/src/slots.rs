//! Numbered places that never move: what is held stays where it is however many more come.
//!
//! Decision: pages of a fixed size instead of one list. A list of a million contributions that doubles copies them all,
//! and holds them twice while it does; that was a tenth of what filing a mention cost. A page that nothing is left in
//! gives its memory back: after a busy first day, empty places were a seventh of what 200,000 series weigh.

/// Places in a page.
const PAGE: usize = 1 << PAGE_BITS;
const PAGE_BITS: u32 = 10;

/// Things by number; numbers of those taken out are given out again.
#[derive(Debug, Clone)]
pub(crate) struct Slots<T> {
    pages: Vec<Page<T>>,
    /// Pages with a free place, once each; the last one is filled first.
    roomy: Vec<u32>,
    held: usize,
}

#[derive(Debug, Clone)]
struct Page<T> {
    places: Vec<Option<T>>,
    /// Places something was taken out of.
    free: Vec<u16>,
}

impl<T> Page<T> {
    fn is_full(&self) -> bool {
        self.free.is_empty() && self.places.len() == PAGE
    }

    fn is_empty(&self) -> bool {
        self.free.len() == self.places.len()
    }

    /// Puts it into a free place; there must be one.
    fn put(&mut self, thing: T) -> usize {
        if let Some(place) = self.free.pop() {
            self.places[usize::from(place)] = Some(thing);
            return usize::from(place);
        }
        if self.places.capacity() == 0 {
            self.places.reserve_exact(PAGE);
        }
        self.places.push(Some(thing));
        self.places.len() - 1
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots {
            pages: Vec::new(),
            roomy: Vec::new(),
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
        page.places.get(slot as usize % PAGE)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        let page = self.pages.get_mut((slot >> PAGE_BITS) as usize)?;
        page.places.get_mut(slot as usize % PAGE)?.as_mut()
    }

    /// Puts it into a free place, whose number is given back.
    pub(crate) fn insert(&mut self, thing: T) -> u32 {
        self.held += 1;
        let number = match self.roomy.last() {
            Some(&number) => number,
            None => {
                let number = self.pages.len() as u32;
                self.pages.push(Page {
                    places: Vec::new(),
                    free: Vec::new(),
                });
                self.roomy.push(number);
                number
            }
        };
        let page = &mut self.pages[number as usize];
        let place = page.put(thing);
        if page.is_full() {
            self.roomy.pop();
        }
        (number << PAGE_BITS) + place as u32
    }

    pub(crate) fn take(&mut self, slot: u32) -> Option<T> {
        let number = slot >> PAGE_BITS;
        let page = self.pages.get_mut(number as usize)?;
        let was_full = page.is_full();
        let place = slot as usize % PAGE;
        let taken = page.places.get_mut(place)?.take()?;
        page.free.push(place as u16);
        self.held -= 1;
        if was_full {
            self.roomy.push(number);
        }
        if page.is_empty() {
            page.places = Vec::new();
            page.free = Vec::new();
        }
        Some(taken)
    }

    /// Everything held, with its number, in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.pages.iter().enumerate().flat_map(|(number, page)| {
            let first = (number as u32) << PAGE_BITS;
            let things = page.places.iter().enumerate();
            things.filter_map(move |(place, thing)| Some((first + place as u32, thing.as_ref()?)))
        })
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

    #[test]
    fn a_page_nothing_is_left_in_gives_its_memory_back_and_is_filled_again() {
        let mut slots = Slots::default();
        for thing in 0..5_000 {
            slots.insert(thing);
        }
        for slot in 1_024..3_072 {
            assert_eq!(slots.take(slot), Some(slot));
        }
        let weights = |slots: &Slots<u32>| -> Vec<usize> {
            let pages = slots.pages.iter();
            pages.map(|page| page.places.capacity()).collect()
        };
        assert_eq!(weights(&slots), [1_024, 0, 0, 1_024, 1_024]);
        assert_eq!(slots.iter().map(|(slot, _)| slot).max(), Some(4_999));
        let again: Vec<u32> = (0..2_049).map(|thing| slots.insert(thing)).collect();
        assert!(
            again[..2_048]
                .iter()
                .all(|&slot| slot < 5_000 && slots.get(slot).is_some())
        );
        assert_eq!(slots.pages.len(), 5);
        assert_eq!((slots.len(), slots.iter().count()), (5_001, 5_001));
    }
}
