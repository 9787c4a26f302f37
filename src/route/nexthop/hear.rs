//! The words of `ip nexthop`.

use super::{Group, GroupType, Member, Nexthop, Resilient};
use crate::route::hear::{gateway, no_address, protocol, refuse};
use crate::route::{Family, RouteFlags};
use crate::text::{FromWord, WordError, Words};

/// Reads the words behind the verb. A gateway settles the family; without one it is that of the family option, or IPv4.
/// Groups have none.
pub(super) fn hear(words: &mut Words<'_>) -> Result<Nexthop, WordError> {
    let mut nexthop = Nexthop::id(0);
    let mut family = words.family();
    let mut kind = None;
    let mut table = None;
    if words.is_empty() {
        return Err(words.error("the nexthop's id or what it does"));
    }
    while !words.is_empty() {
        match () {
            () if words.take_if("id") => nexthop.id = words.value()?,
            () if words.take_if("dev") => {
                nexthop.dev = Some(words.dev()?);
                family.get_or_insert(Family::V4);
            }
            () if words.take_if("via") => {
                let via = gateway(words, &mut family)?;
                if family != Some(Family::of(via)) {
                    refuse(words, "the gateway is of another address family than what was said before")
                        .map_err(no_address)?;
                }
                nexthop.gateway = Some(via);
            }
            () if words.take_if("encap") => refuse(words, "lightweight tunnels (encap) have no words here")?,
            () if words.take_if("blackhole") => {
                nexthop.blackhole = true;
                family.get_or_insert(Family::V4);
            }
            () if words.take_if("fdb") => nexthop.fdb = true,
            () if words.take_if("onlink") => nexthop.flags |= RouteFlags::ONLINK,
            () if words.take_if("group") => {
                const GROUP: &str = "a group of nexthops: expected IDs with weights such as 1,5/2";
                let members = words
                    .read(GROUP, |word| members(word).ok_or_else(|| format!("{word:?} is not {GROUP}")))?;
                nexthop.group = Some(Group { members, kind: None, resilient: None });
            }
            () if words.take_if("type") => {
                let number = group_type(words)?;
                kind = Some(number);
                table = table_words(number, words)?;
            }
            () if words.take_if_short("protocol") => nexthop.protocol = protocol(words)?,
            () => return Err(words.error(
                "a word of ip nexthop: expected id, via, dev, blackhole, group, type, onlink, fdb or proto",
            )),
        }
    }
    match &mut nexthop.group {
        Some(group) => (group.kind, group.resilient) = (kind, table),
        None if kind.is_some() => return Err(words.error("the group that the type is of")),
        None => nexthop.family = family,
    }
    Ok(nexthop)
}

/// Reads what names a nexthop. The kernel refuses everything else there.
pub(super) fn hear_name(words: &mut Words<'_>) -> Result<Nexthop, WordError> {
    let mut nexthop = Nexthop::id(0);
    if words.is_empty() {
        return Err(words.error("id and the number of the nexthop"));
    }
    while !words.is_empty() {
        match words.take_if("id") {
            true => nexthop.id = words.value()?,
            false => return Err(words.error("what names a nexthop: expected id and its number")),
        }
    }
    Ok(nexthop)
}

fn members(word: &str) -> Option<Vec<Member>> {
    let member = |word: &str| {
        let (id, weight) = word.split_once(',').unwrap_or((word, "1"));
        let member = Member { id: u32::from_word(id).ok()?, weight: u16::from_word(weight).ok()? };
        (member.id != 0 && member.weight != 0).then_some(member)
    };
    word.split('/').map(member).collect()
}

fn group_type(words: &mut Words<'_>) -> Result<GroupType, WordError> {
    const WHAT: &str = "a type of group: expected mpath or resilient";
    words.read(WHAT, |word| match word {
        "mpath" => Ok(GroupType::MPATH),
        "resilient" => Ok(GroupType::RESILIENT),
        // What ip has no name for prints as its number.
        _ => u16::from_word(word).map(GroupType).map_err(|_| format!("{word:?} is not {WHAT}")),
    })
}

/// The table of a resilient group, in whole seconds; groups of other types have none.
fn table_words(kind: GroupType, words: &mut Words<'_>) -> Result<Option<Resilient>, WordError> {
    if kind == GroupType::MPATH {
        return Ok(None);
    }
    let mut table = Resilient::default();
    loop {
        match () {
            () if words.take_if("buckets") => table.buckets = Some(words.value()?),
            () if words.take_if("idle_timer") => table.idle_timer = Some(ticks(words)?),
            () if words.take_if("unbalanced_timer") => table.unbalanced_timer = Some(ticks(words)?),
            () => break,
        }
    }
    Ok(Some(table).filter(|table| *table != Resilient::default()))
}

fn ticks(words: &mut Words<'_>) -> Result<u32, WordError> {
    let seconds: u32 = words.value()?;
    seconds.checked_mul(100).ok_or_else(|| words.error_before(format!("{seconds} is over 42949672 seconds")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Request, Spoken, Verb};
    use crate::wire::Writer;

    /// What prints for the words behind the verb, or which of them is wrong.
    fn said(verb: Verb, words: &str) -> Result<String, usize> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let nexthop = Nexthop::hear(verb, &mut Words::new(&words)).map_err(|error| error.at())?;
        Ok(Request::new(verb, &nexthop).to_string())
    }

    #[test]
    fn an_id_of_0_prints_where_nothing_else_would() {
        assert_eq!(said(Verb::Delete, "id 0").as_deref(), Ok("ip nexthop del id 0"));
        assert_eq!(said(Verb::Get, "id 0").as_deref(), Ok("ip nexthop get id 0"));
        assert_eq!(said(Verb::Add, "id 0").as_deref(), Ok("ip nexthop add id 0"));
        assert_eq!(said(Verb::Add, "id 0 blackhole").as_deref(), Ok("ip nexthop add blackhole"));
        let replace = said(Verb::Replace, "blackhole");
        assert_eq!(replace.as_deref(), Ok("ip nexthop replace id 0 blackhole"));
        // Which the kernel refuses, as it refuses it of iproute2.
        assert!(
            crate::request::Object::encode(&Nexthop::id(0), Verb::Delete, &mut Writer::default()).is_err()
        );
    }

    #[test]
    fn what_names_a_nexthop_is_its_id_alone() {
        assert_eq!(said(Verb::Delete, ""), Err(0));
        assert_eq!(said(Verb::Delete, "id 1 via 192.0.2.1"), Err(2));
        assert_eq!(said(Verb::Get, "blackhole"), Err(0));
    }
}
