use crate::units::Percent;

/// How an uplink is shaped: HTB a little below what it carries, so that packets wait here, where they have classes, and not in the
/// provider's queue.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Shaping {
    /// The part of its capacity that is used. 95 % unless said; 1 to 100 %.
    pub part: Percent,
    /// The classes of traffic. One takes what fits nowhere else: the last. Unless said: `interactive` (expedited forwarding and CS6: 20 %, first),
    /// `bulk` (CS1, lower effort: 20 %, last) and `normal` (60 %).
    pub shares: Vec<Share>,
    /// Whether what comes in is shaped as well, on a device (ifb) of our own. False unless said.
    pub ingress: bool,
}

/// A class of traffic: what it is guaranteed of the uplink. All may borrow up to the whole, the one with the lowest prio first.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Share {
    /// What people call it.
    pub name: String,
    /// The guaranteed part; all together are no more than 100 %.
    pub part: Percent,
    /// 0 to 7; the lowest borrows first.
    pub prio: u32,
    /// The DSCPs of its packets, 0 to 63.
    pub dscps: Vec<u8>,
}

impl Default for Shaping {
    fn default() -> Self {
        Shaping {
            part: Percent::new(95.0),
            shares: vec![
                Share::new("interactive", Percent::new(20.0), 0).dscps([46, 48]),
                Share::new("bulk", Percent::new(20.0), 2).dscps([8, 1]),
                Share::new("normal", Percent::new(60.0), 1),
            ],
            ingress: false,
        }
    }
}

impl Share {
    /// A class that no packet belongs to yet.
    pub fn new(name: impl Into<String>, part: Percent, prio: u32) -> Self {
        Share { name: name.into(), part, prio, dscps: Vec::new() }
    }

    /// Packets with these DSCPs belong to it.
    #[must_use]
    pub fn dscps(mut self, dscps: impl IntoIterator<Item = u8>) -> Self {
        self.dscps.extend(dscps);
        self
    }
}
