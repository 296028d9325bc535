//! Where targets stand in other settings. They are called by their place in the list; what is known of them is kept by
//! their name.

use crate::Name;

/// For each present target, where it stood before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved(Vec<Option<usize>>);

impl Moved {
    /// `None` where every target stands where it stood.
    pub(crate) fn between(before: &[Name], now: &[Name]) -> Option<Self> {
        let stood = |target: &Name| before.iter().position(|known| known == target);
        (before != now).then(|| Self(now.iter().map(stood).collect()))
    }

    /// What is known of each target, in the present order; `T::default()` of a new one.
    pub(crate) fn rearrange<T: Default>(&self, known: &mut Vec<T>) {
        let mut before: Vec<T> = std::mem::take(known);
        let mut take = |from: &Option<usize>| {
            from.and_then(|from| before.get_mut(from)).map(std::mem::take).unwrap_or_default()
        };
        *known = self.0.iter().map(&mut take).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_follows_its_target() {
        let names = |names: &[&str]| names.iter().map(|name| Name::from(*name)).collect::<Vec<Name>>();
        let before = names(&["a", "b", "c"]);
        assert_eq!(Moved::between(&before, &before), None);
        let moved = Moved::between(&before, &names(&["c", "new", "a"])).unwrap();
        let mut known = vec![1, 2, 3];
        moved.rearrange(&mut known);
        assert_eq!(known, [3, 0, 1]);
    }
}
