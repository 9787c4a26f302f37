mod codec;
mod hear;
mod list;
mod parts;
mod show;
mod words;

pub(super) use codec::tables;
pub use list::Rules;
pub use parts::{PortRange, RuleAction, RuleFlags, UidRange};

use super::route::{options, same_family};
use super::{Family, Prefix, Realms, RouteProtocol};
use crate::units::Name;
use crate::wire::Unknown;
use crate::Error;

/// A rule: which table routes which packets. `man 8 ip-rule`, `net/core/fib_rules.c`
///
/// Selectors that are `None` match everything; a rule without any matches every packet of its family.
///
/// ```
/// use tcnl::request::{Request, Verb};
/// use tcnl::route::Rule;
/// let rule = Rule::v4().fwmark_mask(10, 0xff).table(101).priority(100);
/// assert_eq!(
///     Request::new(Verb::Add, &rule).to_string(),
///     "ip rule add fwmark 0xa/0xff lookup 101 pref 100"
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "RTM_NEWRULE")]
pub struct Rule {
    /// IPv4 or IPv6.
    pub family: Family,
    /// Its place: rules are tried from the lowest on. `None` lets the kernel take one below the others.
    #[doc(alias = "FRA_PRIORITY")]
    pub priority: Option<u32>,
    /// [`RuleFlags::INVERT`] and what kernels report.
    #[doc(alias = "fib_rule_hdr")]
    pub flags: RuleFlags,
    /// The source.
    #[doc(alias = "FRA_SRC")]
    pub from: Option<Prefix>,
    /// The destination.
    #[doc(alias = "FRA_DST")]
    pub to: Option<Prefix>,
    /// The type of service; 0 is any.
    pub tos: u8,
    /// The DSCP, 0 to 63 (Linux 6.12).
    #[doc(alias = "FRA_DSCP")]
    pub dscp: Option<u8>,
    /// Which of its bits count (Linux 6.14).
    #[doc(alias = "FRA_DSCP_MASK")]
    pub dscp_mask: Option<u8>,
    /// The firewall mark.
    #[doc(alias = "FRA_FWMARK")]
    pub fwmark: Option<u32>,
    /// Which of its bits count: `None` is all, or none if the mark is 0.
    #[doc(alias = "FRA_FWMASK")]
    pub fwmask: Option<u32>,
    /// The device packets came by; `lo` is the host itself.
    #[doc(alias = "FRA_IIFNAME")]
    pub iif: Option<Name>,
    /// The device that the sending socket is bound to.
    #[doc(alias = "FRA_OIFNAME")]
    pub oif: Option<Name>,
    /// Whether the table is that of the device's l3 master (VRF).
    #[doc(alias = "FRA_L3MDEV")]
    pub l3mdev: bool,
    /// The tunnel's id.
    #[doc(alias = "FRA_TUN_ID")]
    pub tun_id: Option<u64>,
    /// The user of the sending socket.
    #[doc(alias = "FRA_UID_RANGE")]
    pub uids: Option<UidRange>,
    /// The IP protocol's number.
    #[doc(alias = "FRA_IP_PROTO")]
    pub ip_proto: Option<u8>,
    /// The source port.
    #[doc(alias = "FRA_SPORT_RANGE")]
    pub sport: Option<PortRange>,
    /// Which of its bits count (Linux 6.14); only with a single port.
    #[doc(alias = "FRA_SPORT_MASK")]
    pub sport_mask: Option<u16>,
    /// The destination port.
    #[doc(alias = "FRA_DPORT_RANGE")]
    pub dport: Option<PortRange>,
    /// Which of its bits count (Linux 6.14); only with a single port.
    #[doc(alias = "FRA_DPORT_MASK")]
    pub dport_mask: Option<u16>,
    /// The IPv6 flow label, 20 bits (Linux 6.14).
    #[doc(alias = "FRA_FLOWLABEL")]
    pub flowlabel: Option<u32>,
    /// Which of its bits count.
    #[doc(alias = "FRA_FLOWLABEL_MASK")]
    pub flowlabel_mask: Option<u32>,
    /// What it does. `None` is [`RuleAction::Lookup`]; in a deletion it is any.
    pub action: Option<RuleAction>,
    /// The table. `None` is the main one for a look-up without `l3mdev`; in a deletion it is any.
    #[doc(alias = "FRA_TABLE")]
    pub table: Option<u32>,
    /// Does not accept a route whose prefix is this long or shorter: 0 keeps off default routes.
    #[doc(alias = "FRA_SUPPRESS_PREFIXLEN")]
    pub suppress_prefixlength: Option<u32>,
    /// Does not accept a route that leaves by a device of this group.
    #[doc(alias = "FRA_SUPPRESS_IFGROUP")]
    pub suppress_ifgroup: Option<u32>,
    /// Realms for accounting and classifying (IPv4).
    #[doc(alias = "FRA_FLOW")]
    pub realms: Option<Realms>,
    /// What added it.
    #[doc(alias = "FRA_PROTOCOL")]
    pub protocol: Option<RouteProtocol>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

impl Rule {
    /// A rule for all IPv4 packets, until selectors are added.
    pub fn v4() -> Self {
        Self::of(Family::V4)
    }

    /// A rule for all IPv6 packets, until selectors are added.
    pub fn v6() -> Self {
        Self::of(Family::V6)
    }

    /// A rule for all packets of a family, until selectors are added.
    pub fn of(family: Family) -> Self {
        Rule {
            family,
            priority: None,
            flags: RuleFlags::empty(),
            from: None,
            to: None,
            tos: 0,
            dscp: None,
            dscp_mask: None,
            fwmark: None,
            fwmask: None,
            iif: None,
            oif: None,
            l3mdev: false,
            tun_id: None,
            uids: None,
            ip_proto: None,
            sport: None,
            sport_mask: None,
            dport: None,
            dport_mask: None,
            flowlabel: None,
            flowlabel_mask: None,
            action: None,
            table: None,
            suppress_prefixlength: None,
            suppress_ifgroup: None,
            realms: None,
            protocol: None,
            unknown: Unknown::new(),
        }
    }

    /// The IPv4 rules.
    pub fn all_v4() -> Rules {
        Rules::of(Family::V4)
    }

    /// The IPv6 rules.
    pub fn all_v6() -> Rules {
        Rules::of(Family::V6)
    }

    /// Matches packets from a prefix.
    ///
    /// # Errors
    /// If the prefix is of the other family.
    pub fn from(mut self, from: impl Into<Prefix>) -> Result<Self, Error> {
        let from = from.into();
        same_family("from", self.family, from.addr())?;
        self.from = Some(from);
        Ok(self)
    }

    /// Matches packets to a prefix.
    ///
    /// # Errors
    /// If the prefix is of the other family.
    pub fn to(mut self, to: impl Into<Prefix>) -> Result<Self, Error> {
        let to = to.into();
        same_family("to", self.family, to.addr())?;
        self.to = Some(to);
        Ok(self)
    }

    /// Matches packets with exactly this firewall mark.
    ///
    /// A mark of 0 is sent with a full mask: without one the kernel takes it for any mark, as `ip rule add fwmark 0` shows.
    #[must_use]
    pub fn fwmark(mut self, mark: u32) -> Self {
        self.fwmark = Some(mark);
        self.fwmask = (mark == 0).then_some(u32::MAX);
        self
    }

    /// Matches packets whose firewall mark is this one in the bits of the mask.
    #[must_use]
    pub fn fwmark_mask(mut self, mark: u32, mask: u32) -> Self {
        self.fwmark = Some(mark);
        self.fwmask = Some(mask);
        self
    }

    /// Matches packets that came by this device; `lo` is the host itself.
    #[must_use]
    pub fn iif(mut self, name: Name) -> Self {
        self.iif = Some(name);
        self
    }

    /// Matches packets of sockets bound to this device.
    #[must_use]
    pub fn oif(mut self, name: Name) -> Self {
        self.oif = Some(name);
        self
    }

    /// Matches a type of service.
    #[must_use]
    pub fn tos(mut self, tos: u8) -> Self {
        self.tos = tos;
        self
    }

    /// Matches a DSCP in the bits of the mask (Linux 6.14).
    #[must_use]
    pub fn dscp_with_mask(mut self, dscp: u8, mask: u8) -> Self {
        self.dscp = Some(dscp);
        self.dscp_mask = Some(mask);
        self
    }

    /// Matches source ports.
    #[must_use]
    pub fn sport(mut self, ports: impl Into<PortRange>) -> Self {
        self.sport = Some(ports.into());
        self
    }

    /// Matches destination ports.
    #[must_use]
    pub fn dport(mut self, ports: impl Into<PortRange>) -> Self {
        self.dport = Some(ports.into());
        self
    }

    /// Matches a source port in the bits of the mask (Linux 6.14).
    #[must_use]
    pub fn sport_with_mask(mut self, port: u16, mask: u16) -> Self {
        self.sport = Some(port.into());
        self.sport_mask = Some(mask);
        self
    }

    /// Matches a destination port in the bits of the mask (Linux 6.14).
    #[must_use]
    pub fn dport_with_mask(mut self, port: u16, mask: u16) -> Self {
        self.dport = Some(port.into());
        self.dport_mask = Some(mask);
        self
    }

    /// Matches an IPv6 flow label of 20 bits (Linux 6.14).
    #[must_use]
    pub fn flowlabel(self, label: u32) -> Self {
        self.flowlabel_with_mask(label, 0xf_ffff)
    }

    /// Matches an IPv6 flow label in the bits of the mask (Linux 6.14).
    #[must_use]
    pub fn flowlabel_with_mask(mut self, label: u32, mask: u32) -> Self {
        self.flowlabel = Some(label);
        self.flowlabel_mask = Some(mask);
        self
    }

    /// Matches sockets of these users.
    #[must_use]
    pub fn uids(mut self, uids: impl Into<UidRange>) -> Self {
        self.uids = Some(uids.into());
        self
    }

    /// Matches packets of devices with an l3 master (VRF), and looks into the master's table.
    #[must_use]
    pub fn l3mdev(mut self) -> Self {
        self.l3mdev = true;
        self
    }

    /// Matches what the selectors do not.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "the word of ip rule; it is no operator")]
    pub fn not(mut self) -> Self {
        self.flags |= RuleFlags::INVERT;
        self
    }

    /// Goes on at the rule with this priority.
    #[must_use]
    pub fn goto(self, priority: u32) -> Self {
        self.action(RuleAction::Goto(priority))
    }

    /// Does nothing.
    #[must_use]
    pub fn nop(self) -> Self {
        self.action(RuleAction::Nop)
    }

    /// Drops silently.
    #[must_use]
    pub fn blackhole(self) -> Self {
        self.action(RuleAction::Blackhole)
    }

    /// Drops with "network unreachable".
    #[must_use]
    pub fn unreachable(self) -> Self {
        self.action(RuleAction::Unreachable)
    }

    /// Drops with "administratively prohibited".
    #[must_use]
    pub fn prohibit(self) -> Self {
        self.action(RuleAction::Prohibit)
    }

    options! {
        /// Sets its place: rules are tried from the lowest on.
        priority: u32;
        /// Sets the table to look into. Numbers over 255 are fine.
        table: u32;
        /// Sets what it does.
        action: RuleAction;
        /// Matches a DSCP, 0 to 63 (Linux 6.12).
        dscp: u8;
        /// Matches a tunnel's id.
        tun_id: u64;
        /// Matches an IP protocol by number.
        ip_proto: u8;
        /// Does not accept a route whose prefix is this long or shorter: 0 keeps off default routes.
        suppress_prefixlength: u32;
        /// Does not accept a route that leaves by a device of this group.
        suppress_ifgroup: u32;
        /// Sets the realms (IPv4).
        realms: Realms;
        /// Says what adds it.
        protocol: RouteProtocol;
    }
}
