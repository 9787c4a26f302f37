//! The words of `ip rule add` and `ip rule delete`.

use super::{PortRange, Rule, RuleAction, RuleFlags, UidRange};
use crate::request::Verb;
use crate::route::hear::{
    dscp, group, ip_proto, masked, no_address, prefix, protocol, realms, refuse, table, take_route_type, tos,
};
use crate::route::{Family, Prefix};
use crate::text::{FromWord, WordError, Words};

const PORTS: &str = "a port such as 80, a range such as 80-90, or a port with a mask such as 80/0xfff0";
const USERS: &str = "a range of users such as 1000-1999";
const LABEL: &str = "a flow label of 20 bits such as 0x12345, or one with a mask such as 0x12300/0xfff00";

/// Reads the words behind the verb. Without a family option the first prefix settles the family; without one, it is IPv4.
pub(super) fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Rule, WordError> {
    if words.is_empty() {
        return Err(words.incomplete(match verb {
            Verb::Delete => "what tells the rule to be deleted",
            _ => "what the rule selects or does",
        }));
    }
    let mut family = words.family();
    let mut rule = Rule::v4();
    while !words.is_empty() {
        let heard = hear_selector(&mut rule, &mut family, words)? || hear_more(&mut rule, words)?;
        if !heard {
            hear_action(&mut rule, words)?;
        }
    }
    rule.family = family.unwrap_or(Family::V4);
    Ok(rule)
}

/// Reads the words behind `show`: what a rule must say to be shown. A prefix may stand without a word, as its destination.
pub(super) fn asked(words: &mut Words<'_>) -> Result<Rule, WordError> {
    const WHAT: &str = "a selector of ip rule show: expected one such as from, to, table, pref or fwmark";
    let family = words.family().unwrap_or(Family::V4);
    let mut rule = Rule::of(family);
    while !words.is_empty() {
        let mut all = *words;
        if all.take_if_short("protocol") && all.take_if("all") {
            rule.protocol = None;
            *words = all;
        } else if words.take_if("src") {
            rule.from = net(words, &mut Some(family))?;
        } else if words.take_if_short("lookup") {
            rule.table = Some(table(words)?);
        } else if !hear_selector(&mut rule, &mut Some(family), words)? && !hear_more(&mut rule, words)? {
            words.take_if("dst");
            let at = *words;
            let is_word = !words.peek().is_some_and(|word| word.contains(['.', ':', '/']));
            rule.to = net(words, &mut Some(family)).map_err(|wrong| {
                if is_word {
                    no_address(at.error(WHAT))
                } else {
                    wrong
                }
            })?;
        }
    }
    Ok(rule)
}

/// Reads a prefix; one of every address is no selector.
fn net(words: &mut Words<'_>, family: &mut Option<Family>) -> Result<Option<Prefix>, WordError> {
    prefix(words, family).map(|net| net.filter(|net| *net != Prefix::any(net.family())))
}

/// Takes a selector that `ip` asks for before the others: of words cut short, the first has it.
fn hear_selector(
    rule: &mut Rule,
    family: &mut Option<Family>,
    words: &mut Words<'_>,
) -> Result<bool, WordError> {
    match () {
        () if words.take_if("not") => rule.flags |= RuleFlags::INVERT,
        () if words.take_if("from") => rule.from = net(words, family)?,
        () if words.take_if("to") => rule.to = net(words, family)?,
        () if ["preference", "order", "priority"].iter().any(|word| words.take_if_short(word)) => {
            rule.priority = Some(words.value()?);
        }
        () if words.take_if("tos") || words.take_if_short("dsfield") => rule.tos = tos(words)?,
        () if words.take_if("dscp") => {
            let (value, mask) = dscp(words)?;
            (rule.dscp, rule.dscp_mask) = (Some(value), mask);
        }
        () if words.take_if("fwmark") => {
            let (mark, mask) = masked(words, "a mark such as 0x10 or 0x10/0xff", number::<u32>)?;
            (rule.fwmark, rule.fwmask) = (Some(mark), mask);
        }
        () if words.take_if_short("realms") => rule.realms = Some(realms(words)?),
        () if words.take_if_short("protocol") => rule.protocol = Some(protocol(words)?),
        () if words.take_if("tun_id") => rule.tun_id = Some(words.value()?),
        () if words.take_if("lookup") || words.take_if_short("table") => rule.table = Some(table(words)?),
        () => return Ok(false),
    }
    Ok(true)
}

fn hear_more(rule: &mut Rule, words: &mut Words<'_>) -> Result<bool, WordError> {
    match () {
        () if words.take_if("sup_pl") || words.take_if_short("suppress_prefixlength") => {
            rule.suppress_prefixlength = Some(words.value()?);
        }
        () if words.take_if("sup_group") || words.take_if_short("suppress_ifgroup") => {
            rule.suppress_ifgroup = Some(group(words)?);
        }
        () if words.take_if_any(&["iif", "dev"]) => rule.iif = Some(words.value()?),
        () if words.take_if("oif") => rule.oif = Some(words.value()?),
        () if words.take_if("l3mdev") => rule.l3mdev = true,
        () if words.take_if("uidrange") => {
            rule.uids = Some(words.read(USERS, |word| users(word).ok_or(not(word, USERS)))?)
        }
        () if words.take_if("ipproto") => rule.ip_proto = Some(ip_proto(words)?),
        () if words.take_if("sport") => (rule.sport, rule.sport_mask) = ports(words)?,
        () if words.take_if("dport") => (rule.dport, rule.dport_mask) = ports(words)?,
        () if words.take_if("flowlabel") => {
            let label = |word: &str| number::<u32>(word).filter(|label| *label <= 0xf_ffff);
            let (value, mask) = masked(words, LABEL, label)?;
            (rule.flowlabel, rule.flowlabel_mask) = (Some(value), Some(mask.unwrap_or(0xf_ffff)));
        }
        () if words.take_if("nat") || words.take_if_short("map-to") => {
            refuse(
                words,
                "rules do not translate addresses since Linux 2.6: expected a selector or an action",
            )?;
        }
        () => return Ok(false),
    }
    Ok(true)
}

/// Takes what the rule does: `[type] ACTION`.
fn hear_action(rule: &mut Rule, words: &mut Words<'_>) -> Result<(), WordError> {
    const ACTION: &str =
        "a selector or an action of ip rule: expected one such as from, fwmark, table, goto, nop, \
        blackhole, unreachable or prohibit";
    words.take_if("type");
    rule.action = Some(match () {
        () if words.take_if_short("goto") => RuleAction::Goto(words.value()?),
        () if words.take_if_short("nop") => RuleAction::Nop,
        () => {
            let kind = take_route_type(words).map(|kind| kind.0);
            match kind.map_or_else(|| words.read(ACTION, |word| number(word).ok_or(not(word, ACTION))), Ok)? {
                0 => RuleAction::Unspec,
                // The numbers are those of route types, as far as rules have them.
                1 => RuleAction::Lookup,
                3 => RuleAction::Nop,
                6 => RuleAction::Blackhole,
                7 => RuleAction::Unreachable,
                8 => RuleAction::Prohibit,
                2 => return refuse(words, "a jump needs its target: expected goto PREFERENCE"),
                number => RuleAction::Other(number),
            }
        }
    });
    Ok(())
}

type Ports = (Option<PortRange>, Option<u16>);

fn ports(words: &mut Words<'_>) -> Result<Ports, WordError> {
    words.read(PORTS, |word| {
        let port = number::<u16>;
        let both = match (word.split_once('-'), word.split_once('/')) {
            (Some((start, end)), _) => {
                port(start).zip(port(end)).map(|(start, end)| (PortRange { start, end }, None))
            }
            (_, Some((value, mask))) => {
                port(value).zip(port(mask)).map(|(value, mask)| (value.into(), Some(mask)))
            }
            (None, None) => port(word).map(|value| (value.into(), None)),
        };
        both.filter(|(range, _)| range.start <= range.end)
            .map(|(range, mask)| (Some(range), mask))
            .ok_or(not(word, PORTS))
    })
}

fn users(word: &str) -> Option<UidRange> {
    let (start, end) = word.split_once('-')?;
    let range = UidRange { start: number(start)?, end: number(end)? };
    (range.start <= range.end).then_some(range)
}

fn number<T: FromWord>(word: &str) -> Option<T> {
    T::from_word(word).ok()
}

fn not(word: &str, what: &str) -> String {
    format!("{word:?} is not {what}")
}
