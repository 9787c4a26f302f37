use super::{RawAttr, Writer};
use std::fmt::{self, Debug, Formatter};
use std::ops::{Deref, DerefMut};
use std::slice;

/// Attributes that the crate does not know, as they came. Objects have one such list or more, of which nearly all are empty: an
/// empty one is a single word.
///
/// Reads like a slice; made from a `Vec`, or by collecting.
#[derive(Clone, Default)]
#[allow(clippy::box_collection, reason = "that an empty list is a single word is what this is for")]
pub struct Unknown(Option<Box<Vec<RawAttr>>>);

impl Unknown {
    /// An empty list.
    #[inline]
    pub const fn new() -> Self {
        Unknown(None)
    }

    /// Puts an attribute behind the others.
    pub fn push(&mut self, attr: RawAttr) {
        self.0.get_or_insert_default().push(attr);
    }

    /// Forgets them all.
    #[inline]
    pub fn clear(&mut self) {
        self.0 = None;
    }

    /// Appends them as they came.
    #[inline]
    pub fn encode(&self, w: &mut Writer) {
        if let Some(attrs) = &self.0 {
            attrs.iter().for_each(|attr| w.raw(attr));
        }
    }
}

/// Objects are dropped by the thousand, and there is nothing to do here for nearly all of them.
impl Drop for Unknown {
    #[inline]
    fn drop(&mut self) {
        #[cold]
        #[inline(never)]
        #[allow(clippy::box_collection, reason = "as it is held")]
        fn end(attrs: Box<Vec<RawAttr>>) {
            drop(attrs);
        }
        if let Some(attrs) = self.0.take() {
            end(attrs);
        }
    }
}

impl Deref for Unknown {
    type Target = [RawAttr];

    #[inline]
    fn deref(&self) -> &[RawAttr] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl DerefMut for Unknown {
    fn deref_mut(&mut self) -> &mut [RawAttr] {
        self.0.as_deref_mut().map_or(&mut [], Vec::as_mut_slice)
    }
}

impl From<Vec<RawAttr>> for Unknown {
    fn from(attrs: Vec<RawAttr>) -> Self {
        Unknown((!attrs.is_empty()).then(|| Box::new(attrs)))
    }
}

impl FromIterator<RawAttr> for Unknown {
    fn from_iter<I: IntoIterator<Item = RawAttr>>(attrs: I) -> Self {
        Vec::from_iter(attrs).into()
    }
}

impl Extend<RawAttr> for Unknown {
    fn extend<I: IntoIterator<Item = RawAttr>>(&mut self, attrs: I) {
        attrs.into_iter().for_each(|attr| self.push(attr));
    }
}

impl<'a> IntoIterator for &'a Unknown {
    type Item = &'a RawAttr;
    type IntoIter = slice::Iter<'a, RawAttr>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Unknown {
    type Item = &'a mut RawAttr;
    type IntoIter = slice::IterMut<'a, RawAttr>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl PartialEq for Unknown {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Unknown {}

impl Debug for Unknown {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_list_however_it_was_put_together_and_one_word_if_it_is_empty() {
        let attr = |ty| RawAttr { ty, flags: 0, payload: vec![1, 2, 3] };
        for count in 0..3 {
            let wanted: Vec<RawAttr> = (0..count).map(attr).collect();
            let mut pushed = Unknown::new();
            wanted.iter().for_each(|attr| pushed.push(attr.clone()));
            let mut extended = Unknown::default();
            extended.extend(wanted.clone());
            for list in [pushed, extended, wanted.iter().cloned().collect(), wanted.clone().into()] {
                assert_eq!((&*list, format!("{list:?}")), (&*wanted, format!("{wanted:?}")));
                let mut cleared = list.clone();
                cleared.clear();
                assert_eq!((cleared == list, cleared), (count == 0, Unknown::new()));
            }
        }
        assert_eq!(size_of::<Unknown>(), size_of::<usize>());
    }
}
