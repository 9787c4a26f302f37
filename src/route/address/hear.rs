//! The words of `ip address`.

use super::{Address, CacheInfo, IfAddr, Lifetime};
use crate::request::Verb;
use crate::route::hear::{prefix, refuse, scope};
use crate::route::{Family, Prefix};
use crate::text::{Fault, FromWord, WordError, Words};
use crate::units::ParseError;
use std::net::{IpAddr, Ipv4Addr};

/// Reads the words behind the verb. For [`Verb::Get`] they are those of `ip address show`, with the address behind `to`.
///
/// An address without a prefix length is the whole address. That holds in a deletion, too, where `ip` would delete it
/// whatever its length is, with a warning.
pub(super) fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Address, WordError> {
    let mut heard = Heard { family: words.family(), ..Heard::default() };
    while !words.is_empty() {
        let taken = heard.option(words)? || heard.flag(words) || heard.lifetime(words)?;
        if !taken {
            heard.local(verb, words)?;
        }
    }
    heard.finish(verb, words)
}

#[derive(Default)]
struct Heard {
    family: Option<Family>,
    local: Option<Prefix>,
    peer: Option<Prefix>,
    broadcast: Option<Broadcast>,
    dev: bool,
    scope: bool,
    valid: Option<Lifetime>,
    preferred: Option<Lifetime>,
    /// What is said if the lifetimes do not fit each other.
    unfit: Option<WordError>,
    address: Said,
}

/// What does not depend on the address itself.
struct Said(Address);

impl Default for Said {
    fn default() -> Self {
        Said(Address::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into()))
    }
}

enum Broadcast {
    /// All host bits set.
    Ones,
    /// All host bits clear.
    Zeros,
    Address(Ipv4Addr),
}

impl Heard {
    fn option(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        let address = &mut self.address.0;
        match () {
            () if words.take_if_any(&["peer", "remote"]) => self.peer = Some(one(words, &mut self.family)?),
            () if words.take_if("brd") || words.take_if_short("broadcast") => {
                self.broadcast = Some(match () {
                    () if words.take_if("+") => Broadcast::Ones,
                    () if words.take_if("-") => Broadcast::Zeros,
                    () => match crate::route::hear::address_in(words, &mut self.family)? {
                        IpAddr::V4(address) => Broadcast::Address(address),
                        IpAddr::V6(_) => return refuse(words, "there are no broadcast addresses in IPv6"),
                    },
                });
            }
            () if words.take_if("anycast") => {
                refuse(words, "kernels take no anycast addresses from ip address")?
            }
            () if words.take_if("scope") => {
                address.scope = scope(words)?;
                self.scope = true;
            }
            () if words.take_if("dev") => {
                address.dev = words.dev()?;
                self.dev = true;
            }
            () if words.take_if("label") => {
                let label = words.take("a label such as eth0:1")?;
                if label.len() > 15 {
                    refuse(words, "a label has at most 15 bytes")?;
                }
                address.label = Some(label.to_owned());
            }
            () if ["metric", "priority", "preference"].iter().any(|word| words.take_if_short(word)) => {
                address.metric = Some(words.value()?);
            }
            () if words.take_if("proto") => address.protocol = Some(protocol(words)?),
            () => return Ok(false),
        }
        Ok(true)
    }

    fn flag(&mut self, words: &mut Words<'_>) -> bool {
        let flag = super::message::FLAG_WORDS.iter().find(|(_, word)| words.take_if(word));
        if let Some((flag, _)) = flag {
            self.address.0.flags |= *flag;
        }
        flag.is_some()
    }

    fn lifetime(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        match () {
            () if words.take_if_short("valid_lft") => self.valid = Some(lifetime(words)?),
            () if words.take_if_short("preferred_lft") => self.preferred = Some(lifetime(words)?),
            () => return Ok(false),
        }
        let unfit = words.error_before(
            "expected valid_lft over 0 and preferred_lft, which is forever without, not over valid_lft",
        );
        self.unfit = Some(unfit.with_fault(Fault::Whole));
        Ok(true)
    }

    fn local(&mut self, verb: Verb, words: &mut Words<'_>) -> Result<(), WordError> {
        let _ = words.take_if("local") || verb == Verb::Get && words.take_if("to");
        if self.local.is_some() {
            return Err(words.error("an option of ip address, and the address has been said"));
        }
        self.local = Some(one(words, &mut self.family)?);
        Ok(())
    }

    fn finish(self, verb: Verb, words: &Words<'_>) -> Result<Address, WordError> {
        let Heard { local, peer, broadcast, dev, scope, .. } = self;
        let local = local.ok_or_else(|| words.incomplete("the address"))?;
        if !dev {
            return Err(words.incomplete("the device that the address is of: dev NAME"));
        }
        // Behind a peer, its prefix is the one that counts.
        let whole = |_| words.error("an address");
        let net = IfAddr::new(local.addr(), peer.unwrap_or(local).len()).map_err(whole)?;
        let mut address = self.address.0;
        address.local = net;
        address.peer = peer.map(Prefix::addr);
        if !scope {
            address.scope = Address::new(net).scope;
        }
        let of = |prefix: Prefix| IfAddr::new(prefix.addr(), prefix.len()).ok().and_then(IfAddr::broadcast);
        let ones = of(peer.unwrap_or(local));
        let v6 = net.address().is_ipv6();
        address.broadcast = match broadcast {
            Some(_) if v6 && verb != Verb::Delete => {
                return Err(words.incomplete("no broadcast address: there are none in IPv6"));
            }
            Some(Broadcast::Address(address)) => Some(address),
            Some(_) if verb == Verb::Delete => None,
            Some(Broadcast::Ones) => ones,
            Some(Broadcast::Zeros) => ones.map(|ones| {
                Ipv4Addr::from_bits(
                    ones.to_bits() & !(u32::MAX.checked_shr(net.prefix_len().into()).unwrap_or(0)),
                )
            }),
            None => None,
        };
        if let Some(unfit) = self.unfit {
            let (valid, preferred) = (self.valid.unwrap_or_default(), self.preferred.unwrap_or_default());
            if valid == Lifetime::Seconds(0) || preferred > valid {
                return Err(unfit);
            }
            address.lifetime = Some(CacheInfo { preferred, valid, created: 0, updated: 0 });
        }
        Ok(address)
    }
}

/// Reads an address with its prefix's length; `default` and the like are no address.
fn one(words: &mut Words<'_>, family: &mut Option<Family>) -> Result<Prefix, WordError> {
    match prefix(words, family)? {
        Some(prefix) => Ok(prefix),
        None => refuse(words, "expected an address such as 10.0.0.1/24"),
    }
}

fn lifetime(words: &mut Words<'_>) -> Result<Lifetime, WordError> {
    const WHAT: &str = "a lifetime: expected seconds or forever";
    words.read(WHAT, |word| match word {
        "forever" => Ok(Lifetime::Forever),
        _ => u32::from_word(word).map(Lifetime::from).map_err(|_| ParseError::new(word, WHAT)),
    })
}

pub(super) fn protocol(words: &mut Words<'_>) -> Result<u8, WordError> {
    const WHAT: &str = "what made the address: expected 0 to 255, kernel_lo, kernel_ra or kernel_ll";
    words.read(WHAT, |word| match word {
        "kernel_lo" => Ok(1),
        "kernel_ra" => Ok(2),
        "kernel_ll" => Ok(3),
        _ => u8::from_word(word).map_err(|_| ParseError::new(word, WHAT)),
    })
}
