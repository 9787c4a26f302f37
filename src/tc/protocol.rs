use crate::units::ParseError;
use std::{fmt, str::FromStr};

/// The protocol of the packets that a filter sees: an Ethernet type.
///
/// Text is a name that `tc` knows, in upper or lower case, or a number such as `0x88cc`. Types without a name print as
/// `0x88cc`.
///
/// `linux/if_ether.h`
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[doc(alias = "ETH_P")]
pub struct Protocol(u16);

/// Declares the protocols that have names.
macro_rules! protocols {
    ($($(#[$meta:meta])* $name:ident = $number:literal $word:literal,)*) => {
        #[allow(non_upper_case_globals, reason = "they read as the variants of an enum that any number belongs to")]
        impl Protocol {
            $($(#[$meta])* pub const $name: Protocol = Protocol($number);)*
        }
        const NAMES: &[(u16, &str)] = &[$(($number, $word),)*];
    };
}

protocols! {
    /// Every packet (ETH_P_ALL).
    All = 0x0003 "all",
    /// IPv4.
    Ip = 0x0800 "ip",
    /// IPv6.
    Ipv6 = 0x86dd "ipv6",
    /// ARP.
    Arp = 0x0806 "arp",
    /// Reverse ARP.
    Rarp = 0x8035 "rarp",
    /// Frames with a VLAN tag.
    Vlan = 0x8100 "802.1Q",
    /// Frames with a provider's VLAN tag in front.
    ProviderVlan = 0x88a8 "802.1ad",
    /// 802.3 frames with a length in place of a type.
    Raw8023 = 0x0001 "802_3",
    /// 802.2 frames.
    Llc = 0x0004 "802_2",
    /// MPLS, unicast.
    Mpls = 0x8847 "mpls_uc",
    /// MPLS, multicast.
    MplsMulticast = 0x8848 "mpls_mc",
    /// PPPoE, discovery.
    PppoeDiscovery = 0x8863 "ppp_disc",
    /// PPPoE, session.
    PppoeSession = 0x8864 "ppp_ses",
    /// IPX.
    Ipx = 0x8137 "ipx",
    /// AppleTalk.
    AppleTalk = 0x809b "atalk",
    /// Ethernet in other protocols (ETH_P_TEB).
    Bridged = 0x6558 "teb",
    /// TIPC.
    Tipc = 0x88ca "tipc",
    /// ATA over Ethernet.
    Aoe = 0x88a2 "aoe",
    /// PROFINET.
    Profinet = 0x8892 "profinet",
    /// EtherCAT.
    EtherCat = 0x88a4 "ethercat",
}

/// Names that tc knows too, for protocols that nobody filters today. They are read and shown; commands have the number.
const OTHER_NAMES: &[(u16, &str)] = &[
    (0x0002, "ax25"),
    (0x0005, "snap"),
    (0x0006, "ddcmp"),
    (0x0007, "wan_ppp"),
    (0x0008, "ppp_mp"),
    (0x0009, "localtalk"),
    (0x000c, "can"),
    (0x0010, "ppptalk"),
    (0x0011, "tr_802_2"),
    (0x0015, "mobitex"),
    (0x0016, "control"),
    (0x0017, "irda"),
    (0x0018, "econet"),
    (0x0060, "loop"),
    (0x0200, "pup"),
    (0x0201, "pupat"),
    (0x0805, "x25"),
    (0x08ff, "bpq"),
    (0x0a00, "ieeepup"),
    (0x0a01, "ieeepupat"),
    (0x6000, "dec"),
    (0x6001, "dna_dl"),
    (0x6002, "dna_rc"),
    (0x6003, "dna_rt"),
    (0x6004, "lat"),
    (0x6005, "diag"),
    (0x6006, "cust"),
    (0x6007, "sca"),
    (0x80f3, "aarp"),
    (0x884c, "atmmpoa"),
    (0x8884, "atmfate"),
    (0x88cc, "LLDP"),
    (0x8902, "cfm"),
];

impl Protocol {
    /// The protocol with this Ethernet type, such as 0x0800 for IPv4.
    pub const fn from_ethertype(ethertype: u16) -> Protocol {
        Protocol(ethertype)
    }

    /// The Ethernet type, in the machine's byte order.
    pub const fn ethertype(self) -> u16 {
        self.0
    }

    /// What tc shows: a name, or the number in brackets, which it does not read.
    pub(super) fn shown(self, numeric: bool) -> String {
        let name = names().find(|(number, _)| *number == self.0 && !numeric);
        name.map_or_else(|| format!("[{}]", self.0), |(_, name)| (*name).to_owned())
    }
}

fn names() -> impl Iterator<Item = &'static (u16, &'static str)> {
    NAMES.iter().chain(OTHER_NAMES)
}

impl FromStr for Protocol {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        let known = match word {
            "ipv4" => Some(Protocol::Ip.0),
            _ => names().find(|(_, name)| name.eq_ignore_ascii_case(word)).map(|(number, _)| *number),
        };
        let number = || {
            let (digits, radix) = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
                Some(digits) => (digits, 16),
                None => (word, 10),
            };
            // from_str_radix would take a sign.
            let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
            plain.then(|| u16::from_str_radix(digits, radix).ok())?
        };
        known
            .or_else(number)
            .map(Protocol)
            .ok_or_else(|| ParseError::new(word, "a protocol: expected a name such as ip or ipv6, or 0x88cc"))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{:#06x}", self.0),
        }
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protocol({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn protocols_have_the_names_that_tc_gives_them() {
        for (word, number) in [
            ("ip", 0x0800),
            ("IPv6", 0x86dd),
            ("ipv4", 0x0800),
            ("all", 3),
            ("802.1q", 0x8100),
            ("802.1ad", 0x88a8),
            ("0x88cc", 0x88cc),
            ("lldp", 0x88cc),
            ("2048", 0x0800),
        ] {
            assert_eq!(word.parse(), Ok(Protocol(number)), "{word}");
        }
        for word in ["", "vlan", "0x", "0x10000", "+5", "0x+5", "ff"] {
            assert!(word.parse::<Protocol>().is_err(), "{word}");
        }
        assert_eq!(Protocol(0x88cc).to_string(), "0x88cc");
        assert_eq!(Protocol::Vlan.to_string(), "802.1Q");
        let shown = [0x0800, 0x88cc, 0x0897].map(|number| Protocol(number).shown(false));
        assert_eq!(shown, ["ip", "LLDP", "[2199]"]);
        assert_eq!(Protocol::Ip.shown(true), "[2048]");
    }

    proptest! {
        #[test]
        fn every_protocol_reads_as_it_was_printed(number: u16) {
            prop_assert_eq!(Protocol(number).to_string().parse(), Ok(Protocol(number)));
        }
    }
}
