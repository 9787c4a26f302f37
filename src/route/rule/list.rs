use super::{Rule, RuleFlags};
use crate::request::{Asked, Query};
use crate::route::{Family, Prefix, RouteProtocol};
use crate::text::{WordError, Words};
use crate::wire::{EncodeError, Writer};
use std::fmt::{self, Formatter};

/// Which rules to list. The kernel sends all of a family; the rest is passed over.
///
/// `man 8 ip-rule` has the words. `ip rule flush` takes the same ones, and keeps the rule of priority 0 whatever they are.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What those that are wanted say; what it leaves open they may say or not.
    like: Rule,
}

impl Rules {
    /// All rules of a family.
    pub fn of(family: Family) -> Self {
        Rules { like: Rule::of(family) }
    }

    /// Only those of this rule's family that say what it says, and maybe more. Those whose source or destination lies within
    /// its own are among them. A firewall mark of 0 and a type of service of 0 say nothing.
    pub fn like(rule: Rule) -> Self {
        Rules { like: rule }
    }

    /// Only those that look into this table.
    #[must_use]
    pub fn table(self, table: u32) -> Self {
        Rules { like: self.like.table(table) }
    }

    /// Only those at this place.
    #[must_use]
    pub fn priority(self, priority: u32) -> Self {
        Rules { like: self.like.priority(priority) }
    }

    /// Only those that this added.
    #[must_use]
    pub fn protocol(self, protocol: RouteProtocol) -> Self {
        Rules { like: self.like.protocol(protocol) }
    }
}

impl Query for Rules {
    type Object = Rule;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        w.put(&[self.like.family.number(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        Ok(())
    }

    fn take(&self, rule: &mut Rule) -> bool {
        self.like.family == rule.family && self.like.is_like(rule)
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "ip {}rule show", self.like.family.option())?;
        // ip has no words for what they do.
        super::words::say(&Rule { action: None, ..self.like.clone() }, "", f)
    }
}

impl Rule {
    /// Whether `other` says what this one says.
    fn is_like(&self, other: &Rule) -> bool {
        fn same<T: PartialEq>(wanted: &Option<T>, is: &Option<T>) -> bool {
            wanted.is_none() || wanted == is
        }
        let within = |wanted: Option<Prefix>, is: Option<Prefix>| {
            let lies = |net: Prefix, is: Prefix| net.len() <= is.len() && net.contains(is.addr());
            wanted.is_none_or(|net| is.is_some_and(|is| lies(net, is)))
        };
        // What kernels leave out is 0.
        let number =
            |wanted: Option<u32>, is: Option<u32>| wanted.is_none_or(|wanted| wanted == is.unwrap_or(0));
        number(self.priority, other.priority)
            && (!self.flags.contains(RuleFlags::INVERT) || other.flags.contains(RuleFlags::INVERT))
            && within(self.from, other.from)
            && within(self.to, other.to)
            && (self.tos == 0 || self.tos == other.tos)
            && same(&self.dscp, &other.dscp)
            && same(&self.dscp_mask, &other.dscp_mask)
            && number(self.fwmark.filter(|mark| *mark != 0), other.fwmark)
            && number(self.fwmask.filter(|mask| *mask != 0), other.fwmask)
            && same(&self.iif, &other.iif)
            && same(&self.oif, &other.oif)
            && (!self.l3mdev || other.l3mdev)
            && same(&self.tun_id, &other.tun_id)
            && same(&self.uids, &other.uids)
            && same(&self.ip_proto, &other.ip_proto)
            && same(&self.sport, &other.sport)
            && same(&self.sport_mask, &other.sport_mask)
            && same(&self.dport, &other.dport)
            && same(&self.dport_mask, &other.dport_mask)
            && same(&self.flowlabel, &other.flowlabel)
            && same(&self.flowlabel_mask, &other.flowlabel_mask)
            && same(&self.action, &other.action)
            && same(&self.table, &other.table)
            && same(&self.suppress_prefixlength, &other.suppress_prefixlength)
            && same(&self.suppress_ifgroup, &other.suppress_ifgroup)
            && same(&self.realms, &other.realms)
            && same(&self.protocol, &other.protocol)
    }
}

impl Asked for Rules {
    /// Takes the selectors that [`Rule`] knows, a few more than `ip` filters by.
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        super::hear::asked(words).map(Rules::like)
    }
}
