use super::{align, DecodeError, Reason, Unknown};

/// Takes values from the front of a byte slice. It cannot overrun.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    /// The bytes not taken yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes `len` bytes.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        self.take_if_there(len).ok_or_else(|| DecodeError::short(self.rest.len(), len))
    }

    #[inline]
    fn take_if_there(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    /// Takes an array of `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => Err(DecodeError::short(self.rest.len(), N)),
        }
    }

    /// Takes an array of `N` bytes where they are known to be there; zeros if they are not.
    #[inline]
    pub(crate) fn array_or_zeros<const N: usize>(&mut self) -> [u8; N] {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                *taken
            }
            None => [0; N],
        }
    }

    /// Takes a byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_ne_bytes)
    }

    /// Takes a 16-bit number in the machine's byte order.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_ne_bytes)
    }

    /// Takes a 32-bit number in the machine's byte order.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_ne_bytes)
    }

    /// The attributes in what is left.
    #[inline]
    pub fn attrs(self) -> Attrs<'a> {
        Attrs { rest: self.rest }
    }
}

/// One attribute as it stands in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attr<'a> {
    /// The attribute's number, without the flag bits.
    pub ty: u16,
    /// The NLA_F_NESTED and NLA_F_NET_BYTEORDER bits as they were sent.
    pub flags: u16,
    /// The payload without header and padding.
    pub payload: &'a [u8],
}

/// The NLA_F_NESTED and NLA_F_NET_BYTEORDER bits of an attribute's type (`include/uapi/linux/netlink.h`).
const NLA_FLAGS: u16 = 0xc000;

/// Walks attributes one after the other. After an error it ends.
#[derive(Clone, Debug)]
pub struct Attrs<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attrs<'a> {
    type Item = Result<Attr<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let whole = std::mem::take(&mut self.rest);
        let Some((header, behind)) = whole.split_first_chunk() else {
            return (!whole.is_empty()).then(|| Err(DecodeError::short(whole.len(), 4)));
        };
        // One load of four bytes, not four of one.
        let header = u32::from_ne_bytes(*header);
        let (len, ty) = match cfg!(target_endian = "little") {
            true => (header as u16, (header >> 16) as u16),
            false => ((header >> 16) as u16, header as u16),
        };
        let len = usize::from(len);
        // A length below the header's is beyond every end here: one comparison finds what is too short and what is too long.
        let size = len.wrapping_sub(4);
        let Some(payload) = behind.get(..size) else {
            return Some(Err(Reason::Length { len, available: whole.len() }.into()));
        };
        match whole.get(align(len)..) {
            Some(rest) => self.rest = rest,
            None => unpadded(),
        }
        Some(Ok(Attr { ty: ty & !NLA_FLAGS, flags: ty & NLA_FLAGS, payload }))
    }
}

/// The last attribute lacks its padding, and nothing is behind it. It is rare: where the next attribute is must not wait for it.
#[cold]
#[inline(never)]
fn unpadded() {}

/// An attribute that the crate does not know, kept as it came and sent back unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RawAttr {
    /// The attribute's number, without the flag bits.
    pub ty: u16,
    /// The NLA_F_NESTED and NLA_F_NET_BYTEORDER bits.
    pub flags: u16,
    /// The payload without header and padding.
    pub payload: Vec<u8>,
}

impl Attr<'_> {
    /// Puts an attribute that nobody knows among such. It is rare, and what it needs is not to be got ready for all others.
    #[inline(always)]
    pub(crate) fn keep(self, unknown: &mut Unknown) {
        #[cold]
        #[inline(never)]
        fn keep(ty: u16, flags: u16, payload: &[u8], unknown: &mut Unknown) {
            unknown.push(Attr { ty, flags, payload }.into());
        }
        keep(self.ty, self.flags, self.payload, unknown);
    }
}

impl From<Attr<'_>> for RawAttr {
    fn from(attr: Attr<'_>) -> Self {
        RawAttr { ty: attr.ty, flags: attr.flags, payload: attr.payload.to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An attribute's header with more behind it.
    fn header(len: u16, ty: u16, rest: &[u8]) -> Vec<u8> {
        [&len.to_ne_bytes(), &ty.to_ne_bytes(), rest].concat()
    }

    #[test]
    fn a_length_into_the_header_is_an_error_and_ends_the_walk() {
        let bytes = header(3, 1, &[0; 4]);
        let mut attrs = Reader::new(&bytes).attrs();
        assert_eq!(attrs.next(), Some(Err(Reason::Length { len: 3, available: 8 }.into())));
        assert_eq!(attrs.next(), None);
    }

    #[test]
    fn the_last_attribute_may_lack_its_padding() {
        let bytes = header(5, 0x8001, &[7]);
        let mut attrs = Reader::new(&bytes).attrs();
        assert_eq!(attrs.next(), Some(Ok(Attr { ty: 1, flags: 0x8000, payload: &[7] })));
        assert_eq!(attrs.next(), None);
    }

    #[test]
    fn trailing_bytes_too_short_for_a_header_are_an_error() {
        let bytes = header(4, 1, &[9, 9]);
        let mut attrs = Reader::new(&bytes).attrs();
        assert!(attrs.next().unwrap().is_ok());
        assert_eq!(attrs.next(), Some(Err(DecodeError::short(2, 4))));
    }
}
