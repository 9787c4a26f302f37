use super::{PortRange, Rule, RuleAction, RuleFlags};
use crate::request::Verb;
use crate::route::Prefix;
use crate::text::Say;
use crate::units::quoted;
use std::fmt::{Display, Formatter, Result};

/// Writes the `ip rule` command.
pub(super) fn command(rule: &Rule, verb: Verb, f: &mut Formatter<'_>) -> Result {
    write!(f, "ip {}rule {verb}", rule.family.option())?;
    // ip wants at least one word.
    say(rule, if rule.says_nothing() { " from all" } else { "" }, f)
}

/// Writes what the rule says, with these words where it names no source.
pub(super) fn say(rule: &Rule, all: &str, f: &mut Formatter<'_>) -> Result {
    rule.flags.contains(RuleFlags::INVERT).say("not", f)?;
    match rule.from {
        Some(from) => write!(f, " from {}", Selector(from))?,
        None => f.write_str(all)?,
    }
    rule.to.map(Selector).say("to", f)?;
    if rule.tos != 0 {
        write!(f, " tos {:#x}", rule.tos)?;
    }
    if let Some(dscp) = rule.dscp {
        write!(f, " dscp {dscp}")?;
        rule.dscp_mask.iter().try_for_each(|mask| write!(f, "/{mask:#x}"))?;
    }
    if rule.fwmark.is_some() || rule.fwmask.is_some() {
        write!(f, " fwmark {:#x}", rule.fwmark.unwrap_or(0))?;
        rule.fwmask.iter().try_for_each(|mask| write!(f, "/{mask:#x}"))?;
    }
    rule.iif.as_deref().map(quoted).say("iif", f)?;
    rule.oif.as_deref().map(quoted).say("oif", f)?;
    rule.tun_id.say("tun_id", f)?;
    rule.uids.iter().try_for_each(|uids| write!(f, " uidrange {}-{}", uids.start, uids.end))?;
    rule.ip_proto.say("ipproto", f)?;
    ports("sport", rule.sport, rule.sport_mask, f)?;
    ports("dport", rule.dport, rule.dport_mask, f)?;
    if let Some(label) = rule.flowlabel {
        write!(f, " flowlabel {label:#x}")?;
        rule.flowlabel_mask
            .filter(|mask| *mask != 0xf_ffff)
            .iter()
            .try_for_each(|mask| write!(f, "/{mask:#x}"))?;
    }
    rule.l3mdev.say("l3mdev", f)?;
    rule.suppress_prefixlength.say("suppress_prefixlength", f)?;
    rule.suppress_ifgroup.say("suppress_ifgroup", f)?;
    rule.realms.say("realms", f)?;
    match rule.action {
        // Said by its number, without a table: a rule must have a word, and a deletion means it.
        Some(RuleAction::Lookup) if rule.table.is_none() && !rule.l3mdev => f.write_str(" unicast")?,
        None | Some(RuleAction::Lookup | RuleAction::Unspec) => rule.table.say("lookup", f)?,
        Some(RuleAction::Goto(target)) => write!(f, " goto {target}")?,
        Some(RuleAction::Nop) => f.write_str(" nop")?,
        Some(RuleAction::Blackhole) => f.write_str(" blackhole")?,
        Some(RuleAction::Unreachable) => f.write_str(" unreachable")?,
        Some(RuleAction::Prohibit) => f.write_str(" prohibit")?,
        Some(RuleAction::Other(number)) => write!(f, " {number}")?,
    }
    rule.priority.say("pref", f)?;
    rule.protocol.say("protocol", f)
}

fn ports(word: &str, range: Option<PortRange>, mask: Option<u16>, f: &mut Formatter<'_>) -> Result {
    match (range, mask) {
        (Some(range), Some(mask)) => write!(f, " {word} {}/{mask:#x}", range.start),
        (range, _) => range.say(word, f),
    }
}

impl Display for PortRange {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.start == self.end {
            true => self.start.fmt(f),
            false => write!(f, "{}-{}", self.start, self.end),
        }
    }
}

struct Selector(Prefix);

impl Display for Selector {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0 {
            Prefix::ANY_V4 | Prefix::ANY_V6 => f.write_str("all"),
            prefix => prefix.fmt(f),
        }
    }
}
