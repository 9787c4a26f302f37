use std::fmt::{self, Display, Formatter};

bitflags::bitflags! {
    /// The flags of a link. `IFF_` in `include/uapi/linux/if.h`; unknown bits are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct LinkFlags: u32 {
        /// Administratively up.
        const UP = 1;
        /// Has a broadcast address.
        const BROADCAST = 1 << 1;
        /// Debugging is on.
        const DEBUG = 1 << 2;
        /// The loopback.
        const LOOPBACK = 1 << 3;
        /// Has one peer, no neighbours.
        const POINTOPOINT = 1 << 4;
        /// Avoids trailers.
        const NOTRAILERS = 1 << 5;
        /// Ready to carry packets (RFC 2863 OPER_UP).
        const RUNNING = 1 << 6;
        /// Resolves no addresses.
        const NOARP = 1 << 7;
        /// Receives all packets.
        const PROMISC = 1 << 8;
        /// Receives all multicast packets.
        const ALLMULTI = 1 << 9;
        /// Balances load over others.
        const MASTER = 1 << 10;
        /// Is one of those a load balancer uses.
        const SLAVE = 1 << 11;
        /// Supports multicast.
        const MULTICAST = 1 << 12;
        /// Can select its medium.
        const PORTSEL = 1 << 13;
        /// Selects its medium by itself.
        const AUTOMEDIA = 1 << 14;
        /// Loses its addresses when it goes down.
        const DYNAMIC = 1 << 15;
        /// Has a carrier.
        const LOWER_UP = 1 << 16;
        /// Waits for an event, such as an authentication.
        const DORMANT = 1 << 17;
        /// Echoes what it sends.
        const ECHO = 1 << 18;
        const _ = !0;
    }
}

/// The operational state of a link (RFC 2863). `IF_OPER_` in `include/uapi/linux/if.h`
///
/// Prints as `ip` does: `UP`, `LOWERLAYERDOWN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OperState {
    /// The driver does not say.
    Unknown,
    /// Something is missing.
    NotPresent,
    /// Down.
    Down,
    /// Down because the link below is.
    LowerLayerDown,
    /// In a test.
    Testing,
    /// Waits for an event, such as an authentication.
    Dormant,
    /// Carries packets.
    Up,
    /// A state that the crate does not know.
    Other(u8),
}

const STATES: [(OperState, &str); 7] = [
    (OperState::Unknown, "UNKNOWN"),
    (OperState::NotPresent, "NOTPRESENT"),
    (OperState::Down, "DOWN"),
    (OperState::LowerLayerDown, "LOWERLAYERDOWN"),
    (OperState::Testing, "TESTING"),
    (OperState::Dormant, "DORMANT"),
    (OperState::Up, "UP"),
];

impl From<u8> for OperState {
    fn from(number: u8) -> Self {
        STATES.get(usize::from(number)).map_or(OperState::Other(number), |(state, _)| *state)
    }
}

impl From<OperState> for u8 {
    fn from(state: OperState) -> u8 {
        match state {
            OperState::Other(number) => number,
            known => {
                (0..).zip(STATES).find(|(_, (state, _))| *state == known).map_or(0, |(number, _)| number)
            }
        }
    }
}

impl Display for OperState {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match STATES.iter().find(|(state, _)| state == self) {
            Some((_, name)) => f.pad(name),
            None => write!(f, "{:#x}", u8::from(*self)),
        }
    }
}

/// Declares a number of one byte that prints as its name, where it has one.
macro_rules! modes {
    ($($(#[$meta:meta])* $name:ident { $($(#[$m:meta])* $constant:ident = $number:literal $word:literal,)* })*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(pub u8);

        impl $name {
            $($(#[$m])* pub const $constant: $name = $name($number);)*

            /// Its name, if it has one.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($word),)*
                    _ => None,
                }
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => self.0.fmt(f),
                }
            }
        }
    )* };
}

modes! {
    /// What the operational state of a link follows. `IF_LINK_MODE_` in `include/uapi/linux/if.h`
    ///
    /// Prints as `ip` does: `DEFAULT`.
    LinkMode {
        /// The carrier.
        DEFAULT = 0 "DEFAULT",
        /// The carrier, and a program that takes the link out of the state `DORMANT`.
        DORMANT = 1 "DORMANT",
        /// The carrier, and a program that takes the link out of the state `TESTING`.
        TESTING = 2 "TESTING",
    }
    /// How a link makes its own IPv6 addresses. `IN6_ADDR_GEN_MODE_` in `include/uapi/linux/if_link.h`
    ///
    /// Prints as `ip` does: `eui64`.
    AddrGenMode {
        /// From the link-layer address.
        EUI64 = 0 "eui64",
        /// Not at all.
        NONE = 1 "none",
        /// From a secret, the same at every start (RFC 7217).
        STABLE_SECRET = 2 "stable_secret",
        /// The same, from a secret that the kernel makes up.
        RANDOM = 3 "random",
    }
}

layout! {
    /// What a link has sent and received since it was made.
    pub struct LinkStats = "rtnl_link_stats64" {
        /// Packets received.
        pub rx_packets: u64,
        /// Packets sent.
        pub tx_packets: u64,
        /// Bytes received.
        pub rx_bytes: u64,
        /// Bytes sent.
        pub tx_bytes: u64,
        /// Bad packets received.
        pub rx_errors: u64,
        /// Packets that could not be sent.
        pub tx_errors: u64,
        /// Packets received and dropped, for lack of room for example.
        pub rx_dropped: u64,
        /// Packets dropped before they were sent.
        pub tx_dropped: u64,
        /// Multicast packets received.
        pub multicast: u64,
        /// Collisions.
        pub collisions: u64,
        /// Packets received with a wrong length.
        pub rx_length_errors: u64,
        /// Packets that did not fit the receiver's ring.
        pub rx_over_errors: u64,
        /// Packets received with a wrong checksum.
        pub rx_crc_errors: u64,
        /// Packets received out of alignment.
        pub rx_frame_errors: u64,
        /// Overflows of the receiver's queue.
        pub rx_fifo_errors: u64,
        /// Packets the receiver missed.
        pub rx_missed_errors: u64,
        /// Transmissions given up.
        pub tx_aborted_errors: u64,
        /// Transmissions without a carrier.
        pub tx_carrier_errors: u64,
        /// Underruns of the sender's queue.
        pub tx_fifo_errors: u64,
        /// Missing heartbeats.
        pub tx_heartbeat_errors: u64,
        /// Late collisions.
        pub tx_window_errors: u64,
        /// Compressed packets received.
        pub rx_compressed: u64,
        /// Compressed packets sent.
        pub tx_compressed: u64,
        /// Packets received that no protocol wanted.
        pub rx_nohandler: u64,
        /// Packets received that were meant for another host.
        pub rx_otherhost_dropped: u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_a_state_and_every_state_its_number() {
        for number in 0..=255 {
            assert_eq!(u8::from(OperState::from(number)), number);
        }
        assert_eq!(OperState::from(6).to_string(), "UP");
    }
}
