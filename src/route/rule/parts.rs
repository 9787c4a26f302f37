//! What rules are made of.

bitflags::bitflags! {
    /// Flags of a rule: FIB_RULE_ of `include/uapi/linux/fib_rules.h`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct RuleFlags: u32 {
        /// It cannot be deleted. Kernels report it.
        const PERMANENT = 1;
        /// It matches what its selectors do not.
        const INVERT = 2;
        /// The rule that it jumps to is not there. Kernels report it.
        const UNRESOLVED = 4;
        /// Its input device is not there. Kernels report it.
        const IIF_DETACHED = 8;
        /// Its output device is not there. Kernels report it.
        const OIF_DETACHED = 16;
        const _ = !0;
    }
}

impl RuleFlags {
    /// What kernels only report.
    pub(in crate::route) const STATUS: RuleFlags = RuleFlags::PERMANENT
        .union(RuleFlags::UNRESOLVED)
        .union(RuleFlags::IIF_DETACHED)
        .union(RuleFlags::OIF_DETACHED);
}

/// What a rule does with what it matches: FR_ACT_ of `include/uapi/linux/fib_rules.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuleAction {
    /// Looks into its table.
    Lookup,
    /// Goes on at the rule with this priority, which must be higher than its own.
    Goto(u32),
    /// Nothing.
    Nop,
    /// Drops silently (EINVAL to local senders).
    Blackhole,
    /// Drops with ICMP network unreachable (ENETUNREACH).
    Unreachable,
    /// Drops with ICMP administratively prohibited (EACCES).
    Prohibit,
    /// None; in deletions: any.
    Unspec,
    /// One that the crate does not know, by number.
    Other(u8),
}

/// A range of ports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortRange {
    /// The first.
    pub start: u16,
    /// The last, not below the first.
    pub end: u16,
}

impl From<u16> for PortRange {
    fn from(port: u16) -> Self {
        PortRange { start: port, end: port }
    }
}

impl From<std::ops::RangeInclusive<u16>> for PortRange {
    fn from(ports: std::ops::RangeInclusive<u16>) -> Self {
        PortRange { start: *ports.start(), end: *ports.end() }
    }
}

/// A range of user ids, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UidRange {
    /// The first.
    pub start: u32,
    /// The last, not below the first.
    pub end: u32,
}

impl From<std::ops::RangeInclusive<u32>> for UidRange {
    fn from(uids: std::ops::RangeInclusive<u32>) -> Self {
        UidRange { start: *uids.start(), end: *uids.end() }
    }
}
