//! Probes by ICMP echo, over a ping socket where this process may have one (`net.ipv4.ping_group_range`), otherwise over a raw
//! one. One socket asks one target, so that the kernel keeps everybody else's packets from it.
//!
//! A reply counts if it comes from whom was asked, has the socket's id, and repeats eight bytes that nobody else knows: who does not see
//! the request cannot forge it. Messages that say a target cannot be reached are not believed, because they repeat none of that: the probe waits on.
//!
//! RFC 792, RFC 4443; `man 7 icmp`, `man 7 raw`.

use super::socket::{bound, marked, Failure};
use crate::units::Family;
use nix::errno::Errno;
use nix::sys::socket::{SockProtocol, SockType};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::net::{IpAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A socket that asks one target.
#[derive(Debug)]
pub(super) struct Echo {
    /// It is none of UDP, but is sent and received on like one.
    socket: UdpSocket,
    to: IpAddr,
    is_raw: bool,
    id: u16,
    secret: [u8; 8],
}

impl Echo {
    /// Opens a socket for this target. A route to it must be there.
    pub fn open(to: IpAddr, from: IpAddr, mark: u32) -> Result<Echo, Failure> {
        let (fd, is_raw) = open(Family::of(to), mark)?;
        let socket = UdpSocket::from(bound(fd, from)?);
        socket.connect((to, 0)).map_err(|error| Failure::io("send", &error))?;
        let random = random();
        let id = match is_raw {
            true => random as u16,
            // The kernel's, which it also writes into the requests.
            false => socket.local_addr().map_err(|error| Failure::io("learn the id", &error))?.port(),
        };
        Ok(Echo { socket, to, is_raw, id, secret: random.rotate_left(17).to_ne_bytes() })
    }

    /// Asks.
    pub fn send(&self, sequence: u16) -> Result<(), Failure> {
        // What the kernel noted meanwhile, from messages that are not believed, would be this request's error.
        let _ = self.socket.take_error();
        let request = request(Family::of(self.to), self.id, sequence, &self.secret);
        self.socket.send(&request).map_err(|error| Failure::io("send", &error)).map(drop)
    }

    /// The sequence number of a reply that has come; `None` if there is none now.
    pub fn answer(&self) -> Option<u16> {
        // Whoever floods us is heard again in the next call.
        for _ in 0..64 {
            let mut buffer = [0; 128];
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) if from.ip() == self.to => {
                    let packet = buffer.get(..length).unwrap_or_default();
                    let sequence = reply(Family::of(self.to), self.is_raw, packet, self.id, &self.secret);
                    if sequence.is_some() {
                        return sequence;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                // Somebody else's packet, or an error that the kernel noted.
                _ => (),
            }
        }
        None
    }
}

/// Becomes readable when something has come.
impl AsFd for Echo {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

const ALLOWED: &str =
    "open and mark an ICMP socket (it takes CAP_NET_ADMIN, and CAP_NET_RAW or a group in net.ipv4.ping_group_range)";

/// A socket that is connected to nobody yet, and whether it is a raw one.
pub(super) fn open(family: Family, mark: u32) -> Result<(OwnedFd, bool), Failure> {
    let protocol = Some(match family {
        Family::V4 => SockProtocol::Icmp,
        Family::V6 => SockProtocol::IcmpV6,
    });
    match marked(family, SockType::Datagram, protocol, mark) {
        Ok(fd) => Ok((fd, false)),
        // Not for this group, or not in this kernel. All else is so with a raw socket, too.
        Err(failure) if matches!(failure.errno(), Errno::EACCES | Errno::EPROTONOSUPPORT) => {
            match marked(family, SockType::Raw, protocol, mark) {
                Ok(fd) => Ok((fd, true)),
                Err(failure) if failure.errno() == Errno::EPERM => Err(Failure::new(ALLOWED, Errno::EPERM)),
                Err(failure) => Err(failure),
            }
        }
        Err(failure) => Err(failure),
    }
}

/// An echo request. The kernel writes the checksum where it needs addresses (IPv6), and over ours in a ping socket.
fn request(family: Family, id: u16, sequence: u16, secret: &[u8; 8]) -> [u8; 16] {
    let kind = match family {
        Family::V4 => 8,
        Family::V6 => 128,
    };
    let ([i, d], [s, q]) = (id.to_be_bytes(), sequence.to_be_bytes());
    let [a, b, c, e, f, g, h, j] = *secret;
    let [high, low] = checksum(&[kind, 0, 0, 0, i, d, s, q, a, b, c, e, f, g, h, j]).to_be_bytes();
    [kind, 0, high, low, i, d, s, q, a, b, c, e, f, g, h, j]
}

/// The sequence number of this reply, if it is one to a request with this id and these bytes.
pub(in crate::uplink) fn reply(
    family: Family,
    is_raw: bool,
    packet: &[u8],
    id: u16,
    secret: &[u8; 8],
) -> Option<u16> {
    let (kind, header) = match family {
        // A raw socket of IPv4 gives the IP header, too: its length is said in words of 4 bytes.
        Family::V4 if is_raw => (0, usize::from(packet.first()? & 0xf) * 4),
        Family::V4 => (0, 0),
        Family::V6 => (129, 0),
    };
    let [is, 0, _, _, i, d, s, q, repeated @ ..] = packet.get(header..)? else { return None };
    let ours = *is == kind && [*i, *d] == id.to_be_bytes() && repeated.starts_with(secret);
    ours.then(|| u16::from_be_bytes([*s, *q]))
}

/// RFC 1071, of an even number of bytes.
fn checksum(bytes: &[u8; 16]) -> u16 {
    let words =
        bytes.chunks_exact(2).map(|pair| pair.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

/// The standard library's keys for its hash maps come from the system's random numbers.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: [u8; 8] = *b"nobody's";

    /// What a target makes of a request.
    fn answered(family: Family, mut request: [u8; 16]) -> Vec<u8> {
        request[0] = if family == Family::V4 { 0 } else { 129 };
        request.to_vec()
    }

    fn with_ip_header(words: u8, packet: &[u8]) -> Vec<u8> {
        let mut whole = vec![0; usize::from(words) * 4];
        whole[0] = 0x40 | words;
        [&whole, packet].concat()
    }

    #[test]
    fn a_request_of_ipv4_has_a_checksum_that_makes_the_sum_all_ones() {
        let bytes = request(Family::V4, 0x1234, 0xfffe, &SECRET);
        assert_eq!(checksum(&bytes), 0);
        assert_eq!((bytes[0], &bytes[4..8], &bytes[8..]), (8, &[0x12, 0x34, 0xff, 0xfe][..], &SECRET[..]));
    }

    #[test]
    fn a_reply_is_known_by_its_id_and_bytes_in_every_kind_of_socket() {
        let v4 = answered(Family::V4, request(Family::V4, 7, 9, &SECRET));
        assert_eq!(reply(Family::V4, false, &v4, 7, &SECRET), Some(9));
        for words in [5, 15] {
            assert_eq!(reply(Family::V4, true, &with_ip_header(words, &v4), 7, &SECRET), Some(9));
        }
        let v6 = answered(Family::V6, request(Family::V6, 7, 9, &SECRET));
        for is_raw in [false, true] {
            assert_eq!(reply(Family::V6, is_raw, &v6, 7, &SECRET), Some(9));
        }
    }

    #[test]
    fn what_is_not_a_reply_to_us_is_none() {
        let good = answered(Family::V4, request(Family::V4, 7, 9, &SECRET));
        assert_eq!(reply(Family::V4, false, &good, 8, &SECRET), None, "another id");
        assert_eq!(reply(Family::V4, false, &good, 7, b"somebody"), None, "other bytes");
        assert_eq!(reply(Family::V6, false, &good, 7, &SECRET), None, "the other family");
        assert_eq!(reply(Family::V4, false, &good[..15], 7, &SECRET), None, "cut off");
        let request = request(Family::V4, 7, 9, &SECRET);
        assert_eq!(reply(Family::V4, false, &request, 7, &SECRET), None, "our own request");
    }

    #[test]
    fn random_numbers_differ() {
        assert_ne!(random(), random());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(packet in proptest::collection::vec(any::<u8>(), 0..100), is_raw: bool, id: u16) {
            for family in [Family::V4, Family::V6] {
                prop_assert_eq!(reply(family, is_raw, &packet, id, &SECRET), None);
            }
        }

        #[test]
        fn every_request_has_a_good_checksum(id: u16, sequence: u16, secret: [u8; 8]) {
            prop_assert_eq!(checksum(&request(Family::V4, id, sequence, &secret)), 0);
        }
    }
}
