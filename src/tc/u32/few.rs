use std::fmt::{self, Debug, Formatter};
use std::ops::{Deref, DerefMut};
use std::slice;

/// A list that takes no memory of its own for one item: of thousands of filters, nearly all have one key.
///
/// Reads like a slice; made from a `Vec`, or by collecting.
#[derive(Clone)]
pub struct Few<T>(Items<T>);

#[derive(Clone)]
enum Items<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> Few<T> {
    /// An empty list.
    #[inline]
    pub const fn new() -> Self {
        Few(Items::Many(Vec::new()))
    }

    /// A list of one item.
    #[inline]
    pub const fn one(item: T) -> Self {
        Few(Items::One(item))
    }

    /// Appends an item.
    #[inline]
    pub fn push(&mut self, item: T) {
        self.0 = match std::mem::replace(&mut self.0, Items::Many(Vec::new())) {
            Items::Many(items) if items.is_empty() => Items::One(item),
            Items::Many(mut items) => {
                items.push(item);
                Items::Many(items)
            }
            Items::One(first) => Items::Many(vec![first, item]),
        };
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &self.0 {
            Items::One(item) => slice::from_ref(item),
            Items::Many(items) => items,
        }
    }
}

impl<T> DerefMut for Few<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Items::One(item) => slice::from_mut(item),
            Items::Many(items) => items,
        }
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(items: Vec<T>) -> Self {
        Few(Items::Many(items))
    }
}

impl<T> FromIterator<T> for Few<T> {
    #[inline]
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items = items.into_iter();
        match (items.next(), items.next()) {
            (Some(one), None) => Self::one(one),
            (first, second) => Few(Items::Many(first.into_iter().chain(second).chain(items).collect())),
        }
    }
}

impl<T> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, std::vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        let (one, many) = match self.0 {
            Items::One(item) => (Some(item), Vec::new()),
            Items::Many(items) => (None, items),
        };
        one.into_iter().chain(many)
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Few<T> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Few<T> {}

impl<T: PartialEq, const N: usize> PartialEq<[T; N]> for Few<T> {
    fn eq(&self, other: &[T; N]) -> bool {
        **self == *other
    }
}

impl<T: Debug> Debug for Few<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_the_same_list_however_they_were_put_together() {
        for count in 0..4u32 {
            let wanted: Vec<u32> = (0..count).collect();
            let mut pushed = Few::new();
            wanted.iter().for_each(|item| pushed.push(*item));
            let mut extended = Few::default();
            extended.extend(wanted.clone());
            let collected: Few<u32> = wanted.iter().copied().collect();
            for few in [pushed, extended, collected, wanted.clone().into()] {
                assert_eq!((&*few, few.len()), (&*wanted, wanted.len()));
                assert_eq!(few, Few::from(wanted.clone()));
                assert_eq!(format!("{few:?}"), format!("{wanted:?}"));
                assert_eq!(few.into_iter().collect::<Vec<_>>(), wanted);
            }
        }
        // An item that fits beside the pointer takes the room of the list.
        assert_eq!(size_of::<Few<[usize; 2]>>(), size_of::<Vec<u32>>());
    }
}
