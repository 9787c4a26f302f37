use super::{Address, AddressFlags, LinkWithAddresses};
use crate::request::{Asked, Query};
use crate::route::message::{quoted, say};
use crate::route::{Family, Link, Links, Prefix, Scope};
use crate::text::{Page, WordError, Words};
use crate::units::Dev;
use crate::wire::{EncodeError, Writer};
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::AddressFamily;
use std::collections::BTreeMap;
use std::fmt::{self, Formatter};

/// Which addresses to list.
///
/// Conditions on the link ([`on_links`](Addresses::on_links)) can only be seen to where the links are known:
/// [`with_links`](Addresses::with_links).
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    links: Links,
    pub(super) family: Option<Family>,
    scope: Option<Scope>,
    to: Option<Prefix>,
    label: Option<String>,
    protocol: Option<u8>,
    flags: AddressFlags,
    mask: AddressFlags,
}

impl Addresses {
    pub(super) fn of(dev: Dev) -> Self {
        Addresses::default().on_links(Links::default().of_dev(dev))
    }

    /// Only those of IPv4.
    #[must_use]
    pub fn v4(mut self) -> Self {
        self.family = Some(Family::V4);
        self
    }

    /// Only those of IPv6.
    #[must_use]
    pub fn v6(mut self) -> Self {
        self.family = Some(Family::V6);
        self
    }

    /// Only those of these links.
    #[must_use]
    pub fn on_links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// Only those of this scope.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Only those in this network.
    #[must_use]
    pub fn to(mut self, to: Prefix) -> Self {
        self.to = Some(to);
        self
    }

    /// Only those with this label, in which `*` stands for anything and `?` for any character. An address without a label
    /// has its link's name.
    #[must_use]
    pub fn label(mut self, pattern: impl Into<String>) -> Self {
        self.label = Some(pattern.into());
        self
    }

    /// Only those made by this protocol.
    #[must_use]
    pub fn protocol(mut self, protocol: u8) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Only those that have these flags, or have none of them.
    #[must_use]
    pub fn flags(mut self, flags: AddressFlags, on: bool) -> Self {
        self.flags.set(flags, on);
        self.mask |= flags;
        self
    }

    /// The links whose addresses are asked for.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The same query without the conditions that kernels do not look at. [`with_links`](Addresses::with_links) wants its
    /// answer: a link none of whose addresses is asked for is left out, but one that has no address at all is shown.
    #[must_use]
    pub fn unfiltered(&self) -> Addresses {
        let mut all = Addresses { family: self.family, ..Addresses::default() };
        all.links.dev = self.links.dev;
        all
    }

    /// Brings the links ([`links`](Addresses::links)) together with those of all addresses
    /// ([`unfiltered`](Addresses::unfiltered)) that are asked for, as `ip address show` does.
    pub fn with_links(&self, links: Vec<Link>, addresses: Vec<Address>) -> Vec<LinkWithAddresses> {
        let mut of: BTreeMap<u32, Vec<Address>> = BTreeMap::new();
        for address in addresses {
            of.entry(address.dev.index).or_default().push(address);
        }
        let with = |link: Link| {
            let mut addresses = of.remove(&link.dev.index).unwrap_or_default();
            let has_any = !addresses.is_empty();
            addresses.iter_mut().for_each(|address| address.dev = Dev::from(&link));
            addresses.retain_mut(|address| self.take(address));
            let shown = !addresses.is_empty() || !has_any && self.shown_family().is_none();
            shown.then_some(LinkWithAddresses { link, addresses })
        };
        links.into_iter().filter(|link| self.links.has(link)).filter_map(with).collect()
    }

    /// The family that is asked for, by itself or by a network.
    fn shown_family(&self) -> Option<Family> {
        self.family.or(self.to.map(Prefix::family))
    }

    fn option(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        match () {
            () if words.take_if("to") => {
                self.to = crate::route::hear::prefix(words, &mut self.family.clone())?;
            }
            () if words.take_if("scope") => {
                self.scope = match words.take_if("all") {
                    true => None,
                    false => Some(crate::route::hear::scope(words)?),
                }
            }
            () if words.take_if("label") => {
                self.label = Some(words.take("a label such as eth0:*")?.to_owned())
            }
            () if words.take_if("proto") => self.protocol = Some(super::hear::protocol(words)?),
            () => return Ok(self.flag(words)),
        }
        Ok(true)
    }

    /// Takes a flag, with `-` in front where the address must not have it.
    fn flag(&mut self, words: &mut Words<'_>) -> bool {
        let Some(word) = words.peek() else { return false };
        let (name, on) = match word.strip_prefix('-') {
            Some(name) => (name, false),
            None => (word, true),
        };
        let Some((flag, _, sense)) = FLAGS.iter().find(|(_, known, _)| *known == name) else { return false };
        self.flags.set(*flag, on == *sense);
        self.mask |= *flag;
        words.take_if(word)
    }
}

impl Query for Addresses {
    type Object = Address;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        let mut message = AddressMessage::default();
        message.header.family = match self.family {
            None => AddressFamily::Unspec,
            Some(Family::V4) => AddressFamily::Inet,
            Some(Family::V6) => AddressFamily::Inet6,
        };
        let dev = self.links.dev.unwrap_or_default();
        if dev.index == 0 && dev.name.is_some() {
            return Err(EncodeError::Missing("the index of the addresses' link"));
        }
        message.header.index = dev.index;
        crate::route::message::put(w, &message, &message.attributes)
    }

    /// The kernel filters by family and link too, but only with strict checking. Of the conditions on the link only the
    /// device itself is looked at, and a label only where the address has one or its link's name is known.
    fn take(&self, address: &mut Address) -> bool {
        if self.links.dev.is_some_and(|dev| dev != address.dev) {
            return false;
        }
        address.dev = self.links.dev.unwrap_or(address.dev);
        let local = address.local.address();
        let name = address.dev.name;
        let label = address.label.as_deref().or(name.as_deref()).unwrap_or_default();
        self.family.is_none_or(|family| family == Family::of(local))
            && self.scope.is_none_or(|scope| scope == address.scope)
            && self.to.is_none_or(|to| to.contains(local))
            && self.protocol.is_none_or(|protocol| protocol == address.protocol.unwrap_or(0))
            && address.flags & self.mask == self.flags
            && self.label.as_ref().is_none_or(|pattern| matches(pattern, label))
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.family {
            None => "ip address show",
            Some(Family::V4) => "ip -4 address show",
            Some(Family::V6) => "ip -6 address show",
        })?;
        self.links.words(f)?;
        say(f, "scope", self.scope)?;
        say(f, "to", self.to)?;
        say(f, "label", self.label.as_deref().map(quoted))?;
        say(f, "proto", self.protocol)?;
        for flag in self.mask {
            let on = self.flags.contains(flag);
            let words = || FLAGS.iter().filter(|(known, ..)| *known == flag);
            match (words().find(|(_, _, sense)| *sense == on), words().next()) {
                (Some((_, word, _)), _) => write!(f, " {word}")?,
                (None, Some((_, word, _))) => write!(f, " -{word}")?,
                // Kernels know more flags than `ip` has words for.
                (None, None) => (),
            }
        }
        Ok(())
    }
}

impl Asked for Addresses {
    /// The names of groups other than `default` are not looked up.
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        let mut addresses = Addresses { family: words.family(), ..Addresses::default() };
        while !words.is_empty() {
            if !addresses.links.option(words)? && !addresses.option(words)? {
                addresses.links.device(words, "address")?;
            }
        }
        Ok(addresses)
    }

    /// What is left out then: by family the link-layer addresses; of IPv6 alone most of what links have, because kernels
    /// list it shorter; with a label the links' lines.
    fn said(&self, page: &mut Page) {
        match self.shown_family() {
            Some(Family::V4) => page.say("inet"),
            Some(Family::V6) => page.say("inet6"),
            None => (),
        }
        if self.family == Some(Family::V6) && self.links.dev.is_none() {
            page.say("-6");
        }
        if self.label.is_some() {
            page.say("label");
        }
    }
}

/// The words for flags, and whether each stands for the flag or for its absence.
const FLAGS: [(AddressFlags, &str, bool); 15] = [
    (AddressFlags::SECONDARY, "secondary", true),
    (AddressFlags::SECONDARY, "temporary", true),
    (AddressFlags::SECONDARY, "primary", false),
    (AddressFlags::NODAD, "nodad", true),
    (AddressFlags::OPTIMISTIC, "optimistic", true),
    (AddressFlags::DADFAILED, "dadfailed", true),
    (AddressFlags::HOMEADDRESS, "home", true),
    (AddressFlags::DEPRECATED, "deprecated", true),
    (AddressFlags::TENTATIVE, "tentative", true),
    (AddressFlags::PERMANENT, "permanent", true),
    (AddressFlags::PERMANENT, "dynamic", false),
    (AddressFlags::MANAGETEMPADDR, "mngtmpaddr", true),
    (AddressFlags::NOPREFIXROUTE, "noprefixroute", true),
    (AddressFlags::MCAUTOJOIN, "autojoin", true),
    (AddressFlags::STABLE_PRIVACY, "stable-privacy", true),
];

/// Whether the text fits the pattern. Time grows with the product of both lengths, not faster.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // Where the last star stands, and what it has swallowed up to.
    let mut star: Option<(usize, usize)> = None;
    while let Some(char) = text.get(read) {
        match (pattern.get(at), star) {
            (Some('*'), _) => {
                star = Some((at, read));
                at += 1;
            }
            (Some(wanted), _) if *wanted == '?' || wanted == char => {
                at += 1;
                read += 1;
            }
            (_, Some((before, swallowed))) => {
                star = Some((before, swallowed + 1));
                (at, read) = (before + 1, swallowed + 1);
            }
            (_, None) => return false,
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn labels_fit_patterns_as_file_names_do() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("eth0:*", "eth0:1"),
            ("e*0?1", "eth0:1"),
            ("**a", "baa"),
            ("a*b*c", "abxbc"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("eth0", "eth0:1"), ("*b", "abc"), ("?", ""), ("a*b*c", "acb")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        assert!(!matches(&"*a".repeat(20), &"a".repeat(19)));
    }
}
