use super::{align, EncodeError, Fixed, Reader, Reason, Table, Writer};
use crate::wire::DecodeError;

/// Length of a `struct nlmsghdr`.
pub const HEADER_LEN: usize = 16;

/// A netlink message's header, `struct nlmsghdr` of `include/uapi/linux/netlink.h` without the length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The type, such as RTM_NEWQDISC.
    pub ty: u16,
    /// The NLM_F_ flags.
    pub flags: u16,
    /// The sequence number that ties a reply to its request.
    pub seq: u32,
    /// The port of the socket that asked; 0 in requests.
    pub port: u32,
}

impl Writer {
    /// Appends one message: the header, and the body that `fill` writes.
    ///
    /// If writing the body fails, nothing of the message stays in the buffer and what stood there before is untouched.
    #[inline]
    pub fn message(&mut self, header: Header, fill: impl FnOnce(&mut Writer)) -> Result<(), EncodeError> {
        let start = self.len();
        self.fixed(&Whole { len: 0, ty: header.ty, flags: header.flags, seq: header.seq, port: header.port });
        fill(self);
        let len = self.len() - start;
        match u32::try_from(len) {
            Ok(len) => self.patch(start, len.to_ne_bytes()),
            Err(_) => self.fail(EncodeError::TooLong { attribute: 0, len, max: u32::MAX as usize }),
        }
        if !len.is_multiple_of(4) {
            self.put(&[0; 3][..align(len) - len]);
        }
        self.finish().inspect_err(|_| self.truncate(start))
    }

    /// Adds flags to the message at `start`, and sets its sequence number.
    #[inline]
    pub(crate) fn stamp(&mut self, start: usize, flags: u16, seq: u32) {
        let Some(header) = self.bytes().get(start..).and_then(|rest| rest.first_chunk::<HEADER_LEN>()) else {
            return;
        };
        if flags != 0 {
            let [.., t0, t1, f0, f1, _, _, _, _, _, _, _, _] = *header;
            let [g0, g1] = flags.to_ne_bytes();
            self.patch(start + 4, [t0, t1, f0 | g0, f1 | g1]);
        }
        self.patch(start + 8, seq.to_ne_bytes());
    }
}

/// The structs of this layer, for the header checks.
#[doc(hidden)]
pub fn tables() -> Vec<Table> {
    vec![Table::layout::<Whole>()]
}

layout! {
    struct Whole = "nlmsghdr" {
        len: u32,
        ty: u16,
        flags: u16,
        seq: u32,
        port: u32,
    }
}

/// Walks the messages of one datagram: headers with bodies. After an error it ends.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    /// The messages in `datagram`.
    pub fn new(datagram: &'a [u8]) -> Self {
        Messages { rest: datagram }
    }

    /// The first message, if all of it is there.
    #[inline(always)]
    pub(crate) fn first(datagram: &'a [u8]) -> Option<(Header, &'a [u8])> {
        let Whole { len, ty, flags, seq, port } = Whole::load(&mut Reader::new(datagram.get(..HEADER_LEN)?));
        Some((Header { ty, flags, seq, port }, datagram.get(HEADER_LEN..len as usize)?))
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<(Header, &'a [u8]), DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let whole = std::mem::take(&mut self.rest);
        if whole.is_empty() {
            return None;
        }
        let Some((header, body)) = Self::first(whole) else { return Some(Err(cut_short(whole))) };
        self.rest = whole.get(align(HEADER_LEN + body.len())..).unwrap_or_default();
        Some(Ok((header, body)))
    }
}

/// Why there is no whole message.
#[cold]
fn cut_short(datagram: &[u8]) -> DecodeError {
    let reason = match datagram.get(..HEADER_LEN).map(|header| Whole::load(&mut Reader::new(header))) {
        Some(Whole { len, .. }) => Reason::Length { len: len as usize, available: datagram.len() }.into(),
        None => DecodeError::short(datagram.len(), HEADER_LEN),
    };
    reason.inside("nlmsghdr")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_fails_leaves_the_ones_before_it() {
        let mut w = Writer::default();
        let header = Header { ty: 36, flags: 5, seq: 1, port: 0 };
        w.message(header, |w| w.put(&[1, 2, 3, 4])).unwrap();
        let before = w.bytes().to_vec();
        let error = EncodeError::Missing("kind");
        assert_eq!(w.message(header, |w| w.fail(error.clone())), Err(error));
        assert_eq!(w.bytes(), before);
        let read: Vec<_> = Messages::new(w.bytes()).collect();
        assert_eq!(read, [Ok((header, &[1u8, 2, 3, 4][..]))]);
    }

    #[test]
    fn a_length_beyond_the_datagram_is_an_error() {
        let mut bytes = vec![0u8; 16];
        bytes[..4].copy_from_slice(&17u32.to_ne_bytes());
        assert!(Messages::new(&bytes).next().unwrap().is_err());
        bytes[..4].copy_from_slice(&15u32.to_ne_bytes());
        assert!(Messages::new(&bytes).next().unwrap().is_err());
    }
}
