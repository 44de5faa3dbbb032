//! Profiles: the distinct lists of values that contributions have, each kept once.
//!
//! Decision: who speaks about what repeats itself. A portfolio hears thousands of mentions a day, but in a few hundred
//! combinations of product, theme, region and so on. Which series a contribution belongs to depends on its profile
//! alone, so that is worked out once a profile instead of once a contribution; that beat an index from values to
//! contributions, which helps narrow series only, and costs memory for each contribution.
//!
//! Numbers are given out in order of arrival and again when free, so nothing visible may be ordered by them.

use crate::journal::give_back;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Distinct lists of values ([`crate::lattice::Lattice::values`]) by number, as long as somebody holds them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profiles {
    numbers: FxHashMap<Arc<[u32]>, u32>,
    /// With how many hold it.
    profiles: Vec<(Arc<[u32]>, u32)>,
    free: Vec<u32>,
}

impl Profiles {
    /// Holds a profile once more; `values` becomes the shared list.
    pub(crate) fn hold(&mut self, values: &mut Arc<[u32]>) -> u32 {
        if let Some(&number) = self.numbers.get(values) {
            let (shared, holders) = &mut self.profiles[number as usize];
            *holders += 1;
            *values = Arc::clone(shared);
            return number;
        }
        let held = (Arc::clone(values), 1);
        let number = match self.free.pop() {
            Some(number) => {
                self.profiles[number as usize] = held;
                number
            }
            None => {
                self.profiles.push(held);
                (self.profiles.len() - 1) as u32
            }
        };
        self.numbers.insert(Arc::clone(values), number);
        number
    }

    /// Lets a profile go once.
    pub(crate) fn release(&mut self, number: u32) {
        let (values, holders) = &mut self.profiles[number as usize];
        *holders -= 1;
        if *holders == 0 {
            self.numbers.remove(values);
            *values = Arc::default();
            self.free.push(number);
        }
    }

    /// Lets go of the room of profiles that nobody holds.
    pub(crate) fn give_back(&mut self) {
        give_back(&mut self.numbers);
    }

    /// The values of profile `number`.
    pub(crate) fn values(&self, number: u32) -> &[u32] {
        &self.profiles[number as usize].0
    }

    /// All numbers given out are below this.
    pub(crate) fn bound(&self) -> usize {
        self.profiles.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_kept_once_and_its_number_given_out_again() {
        let mut profiles = Profiles::default();
        let mut same: Arc<[u32]> = Arc::from([1, 7]);
        let first = profiles.hold(&mut Arc::from([1, 7]));
        assert_eq!(profiles.hold(&mut same), first);
        let other = profiles.hold(&mut Arc::from([1, 8]));
        assert_ne!(other, first);
        profiles.release(first);
        assert_eq!(profiles.hold(&mut Arc::from([1, 7])), first, "still held");
        profiles.release(first);
        profiles.release(first);
        assert_eq!(profiles.hold(&mut Arc::from([2, 1, 2])), first);
        assert_eq!(profiles.bound(), 2);
    }
}
