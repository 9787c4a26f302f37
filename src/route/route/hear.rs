//! The words of `ip route add` and its like; those of `ip route get` are in `lookup`.

use super::{Route, RouteFlags};
use crate::request::Verb;
use crate::route::hear::{
    address_in, gateway, prefix, protocol, realms, refuse, scope, table, take_route_type, tos,
};
use crate::route::{Family, Hop, Preference, Prefix, RouteType};
use crate::text::{FromWord, WordError, Words};
use crate::units::ParseError;

/// Reads the words behind the verb. Without a family option the first address settles the family; without one, it is IPv4.
pub(super) fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Route, WordError> {
    if verb == Verb::Get {
        return super::lookup::hear(words);
    }
    let mut heard = Heard { family: words.family(), to: None, table: None, route: Route::default_v4() };
    while !words.is_empty() {
        if words.peek() == Some("nexthop") {
            heard.ways(words)?;
        } else if !heard.option(words)? && !heard.route.metrics.hear(words)? && !heard.late_option(words)? {
            heard.destination(words)?;
        }
    }
    heard.finish(words)
}

struct Heard {
    family: Option<Family>,
    /// The destination; every address of a family that is still open is `Some(None)`.
    to: Option<Option<Prefix>>,
    table: Option<u32>,
    route: Route,
}

impl Heard {
    /// Takes an option that `ip` asks for before the metrics: of words cut short, the first has it.
    fn option(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        let Heard { route, family, .. } = self;
        match () {
            () if words.take_if("src") => route.source = Some(address_in(words, family)?),
            () if words.take_if("as") => {
                refuse(words, "translated destinations (as) are of MPLS, which is not read here")?
            }
            () if words.take_if("via") => route.gateway = Some(gateway(words, family)?),
            () if words.take_if("from") => route.from = prefix(words, family)?,
            () if words.take_if("tos") || words.take_if_short("dsfield") => route.tos = tos(words)?,
            () if words.take_if("expires") => route.expires = Some(words.value()?),
            () if words.take_if("preference")
                || words.take_if_short("metric")
                || words.peek() != Some("pref") && words.take_if_short("priority") =>
            {
                route.metric = Some(words.value()?);
            }
            () if words.take_if("scope") => route.scope = Some(scope(words)?),
            () => return Ok(false),
        }
        Ok(true)
    }

    fn late_option(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        let route = &mut self.route;
        match () {
            () if words.take_if_short("realms") => route.realms = Some(realms(words)?),
            () if words.take_if("onlink") => route.flags |= RouteFlags::ONLINK,
            // A word of ours: ip has none.
            () if words.take_if("pervasive") => route.flags |= RouteFlags::PERVASIVE,
            () if words.take_if("nhid") => route.nexthop_id = Some(words.value()?),
            () if words.take_if("pref") => route.preference = Some(preference(words)?),
            () if words.take_if_short("protocol") => route.protocol = Some(protocol(words)?),
            () if words.take_if_short("table") => self.table = Some(table(words)?),
            () if words.take_if_any(&["dev", "oif"]) => route.dev = Some(words.dev()?),
            () if words.take_if("encap") => refuse(words, "lightweight tunnels (encap) have no words here")?,
            () if words.take_if("ttl-propagate") => {
                route.ttl_propagate = Some(match words.take("enabled or disabled")? {
                    "enabled" => true,
                    "disabled" => false,
                    word => return refuse(words, &format!("{word:?} is not enabled or disabled")),
                });
            }
            () => return Ok(false),
        }
        Ok(true)
    }

    /// Takes `[to] [TYPE] PREFIX`.
    fn destination(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        words.take_if("to");
        let digit = words.peek().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        if let Some(kind) = (!digit).then(|| take_route_type(words)).flatten() {
            self.route.kind = Some(kind);
        }
        if self.to.is_some() {
            return Err(words.error("an option of ip route, and the destination has been said"));
        }
        self.to = Some(prefix(words, &mut self.family)?);
        Ok(())
    }

    /// Takes all ways of a multipath route; nothing may follow them.
    fn ways(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        while words.take_if("nexthop") {
            let mut hop = Hop::default();
            loop {
                match () {
                    () if words.take_if("via") => hop.gateway = Some(gateway(words, &mut self.family)?),
                    () if words.take_if("dev") => hop.dev = Some(words.dev()?),
                    () if words.take_if("weight") => {
                        hop.weight = words.value()?;
                        if !(1..=256).contains(&hop.weight) {
                            refuse(words, "a weight is 1 to 256")?;
                        }
                    }
                    () if words.take_if("onlink") => hop.flags |= RouteFlags::ONLINK,
                    () if words.take_if("pervasive") => hop.flags |= RouteFlags::PERVASIVE,
                    () if words.take_if_short("realms") => hop.realms = Some(realms(words)?),
                    () if words.take_if_any(&["encap", "as"]) => {
                        refuse(words, "lightweight tunnels and MPLS have no words here")?;
                    }
                    () => break,
                }
            }
            self.route.hops.push(hop);
        }
        match words.is_empty() {
            true => Ok(()),
            false => Err(words.error(
                "\"nexthop\" or an option of a nexthop: nothing else stands behind the first nexthop",
            )),
        }
    }

    fn finish(self, words: &Words<'_>) -> Result<Route, WordError> {
        let Heard { family, to, table, mut route } = self;
        let to = to.ok_or_else(|| words.error("the route's destination: a prefix or default"))?;
        route.to = to.unwrap_or(Prefix::any(family.unwrap_or(Family::V4)));
        let local = [RouteType::LOCAL, RouteType::BROADCAST, RouteType::NAT, RouteType::ANYCAST];
        let is_local = route.kind.is_some_and(|kind| local.contains(&kind));
        route.table = table.unwrap_or(if is_local { Route::LOCAL } else { Route::MAIN });
        Ok(route)
    }
}

fn preference(words: &mut Words<'_>) -> Result<Preference, WordError> {
    const WHAT: &str = "a router's preference: expected low, medium, high or a number";
    words.read(WHAT, |word| {
        let number = u8::from_word(word).map(Preference);
        number.or_else(|_| word.parse()).map_err(|_: ParseError| ParseError::new(word, WHAT))
    })
}
