//! Change of mind or change of company: how much of a shift in a share or a mean is within the groups that speak (B13, E12).
//!
//! Decision: standardise directly. The change is taken group by group (stakeholder and feed) and averaged by who speaks
//! *now*; what is left over came from who speaks. A regression would need more answers than a bucket has. A
//! group without a past cannot have changed its mind: it is company.

use std::collections::BTreeMap;

/// Count and sum of one group's values.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    before: (u32, i64),
    inside: (u32, i64),
}

/// The part of the change that happened within groups, in the unit of the values; `None` if nobody spoke now.
#[must_use]
pub fn change_within<G: Ord>(
    before: impl Iterator<Item = (G, i64)>,
    inside: impl Iterator<Item = (G, i64)>,
) -> Option<f64> {
    let mut groups: BTreeMap<G, Group> = BTreeMap::new();
    for (group, value) in before {
        let place = &mut groups.entry(group).or_default().before;
        *place = (place.0 + 1, place.1 + value);
    }
    for (group, value) in inside {
        let place = &mut groups.entry(group).or_default().inside;
        *place = (place.0 + 1, place.1 + value);
    }
    let speakers: u32 = groups.values().map(|group| group.inside.0).sum();
    if speakers == 0 {
        return None;
    }
    let mean = |(count, sum): (u32, i64)| sum as f64 / f64::from(count);
    let change = groups
        .values()
        .filter(|group| group.before.0 > 0 && group.inside.0 > 0)
        .map(|group| f64::from(group.inside.0) * (mean(group.inside) - mean(group.before)))
        .sum::<f64>();
    Some(change / f64::from(speakers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(groups: &[(char, u32, i64)]) -> impl Iterator<Item = (char, i64)> {
        groups
            .iter()
            .flat_map(|&(group, count, value)| (0..count).map(move |_| (group, value)))
    }

    #[test]
    fn other_company_is_no_change_of_mind() {
        let before = answers(&[('a', 80, 900), ('b', 20, 300)]);
        let inside = answers(&[('a', 20, 900), ('b', 80, 300), ('c', 50, 0)]);
        assert_eq!(change_within(before, inside), Some(0.0));
    }

    #[test]
    fn a_change_of_mind_is_counted_by_who_speaks_now() {
        let before = answers(&[('a', 80, 900), ('b', 20, 300)]);
        let inside = answers(&[('a', 25, 500), ('b', 75, 300)]);
        assert_eq!(change_within(before, inside), Some(-100.0));
        assert_eq!(change_within(answers(&[]), answers(&[])), None);
    }
}
