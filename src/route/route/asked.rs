//! The words of `ip route show`, which `ip route flush` takes as well.

use super::list::Near;
use super::{Route, Routes};
use crate::route::hear::{prefix, protocol, refuse, scope, table, take_route_type, tos};
use crate::route::{Family, Prefix, RouteType};
use crate::text::{FromWord, WordError, Words};

/// Reads the words behind `show`. Without a table they ask for the main one, and of IPv4 unless the options say otherwise; all
/// tables are asked for the routes of both families.
pub(super) fn hear(words: &mut Words<'_>) -> Result<Routes, WordError> {
    let option = words.family();
    let mut heard = Heard { option, settled: None, mixed: None, to: Ends::default(), from: Ends::default() };
    let mut routes = Routes::of(Family::V4).table(Route::MAIN);
    while !words.is_empty() {
        if !hear_option(&mut routes, words)? {
            heard.prefixes(words)?;
        }
    }
    heard.finish(routes)
}

/// Takes an option, in the order in which `ip` asks for them: of words cut short, the first has it.
fn hear_option(routes: &mut Routes, words: &mut Words<'_>) -> Result<bool, WordError> {
    match () {
        () if words.take_if_short("table") => match () {
            () if words.take_if("all") => routes.table = None,
            () if words.take_if("cache") => routes.cloned = true,
            () => routes.table = Some(table(words)?),
        },
        () if words.take_if_short("vrf") => {
            refuse(words, "expected table and the number of the VRF's table in place of vrf")?;
        }
        () if words.take_if_short("cached") || words.take_if_short("cloned") => routes.cloned = true,
        () if words.take_if("tos") || words.take_if_short("dsfield") => routes.tos = Some(tos(words)?),
        () if words.take_if_short("protocol") => routes.protocol = unless_all(words, protocol)?,
        () if words.take_if_short("scope") => routes.scope = unless_all(words, scope)?,
        () if words.take_if_short("type") => routes.kind = Some(kind(words)?),
        () if words.take_if_any(&["dev", "oif"]) => routes.dev = Some(words.dev()?),
        () if words.take_if("iif") => routes.iif = Some(words.dev()?),
        () if words.take_if("mark") => routes.mark = Some(words.value()?),
        () if words.take_if("preference")
            || words.take_if_short("metric")
            || words.peek() != Some("pref") && words.take_if_short("priority") =>
        {
            routes.metric = Some(words.value()?);
        }
        () if words.take_if("via") => {
            let mut family = match () {
                () if words.take_if("inet") => Some(Family::V4),
                () if words.take_if("inet6") => Some(Family::V6),
                () => words.family(),
            };
            routes.via = prefix(words, &mut family)?;
        }
        () if words.take_if("src") => routes.source = prefix(words, &mut words.family())?,
        () if words.take_if_short("realms") => routes.realms = realms(words)?,
        () => return Ok(false),
    }
    Ok(true)
}

fn unless_all<T>(
    words: &mut Words<'_>,
    read: impl Fn(&mut Words<'_>) -> Result<T, WordError>,
) -> Result<Option<T>, WordError> {
    match words.take_if("all") {
        true => Ok(None),
        false => read(words).map(Some),
    }
}

fn kind(words: &mut Words<'_>) -> Result<RouteType, WordError> {
    match take_route_type(words) {
        Some(kind) => Ok(kind),
        None => {
            words.read("a route type", |word| u8::from_word(word).map(RouteType).or_else(|_| word.parse()))
        }
    }
}

/// Reads realms: `TO`, `FROM/` or `FROM/TO`.
fn realms(words: &mut Words<'_>) -> Result<[Option<u16>; 2], WordError> {
    const WHAT: &str = "realms: expected TO, FROM/ or FROM/TO in numbers";
    words.read(WHAT, |word| {
        let (from, to) = word.split_once('/').map_or((None, word), |(from, to)| (Some(from), to));
        let realm = |word| u16::from_word(word).map_err(|_| format!("{word:?} is not {WHAT}"));
        let to = if from.is_some() && to.is_empty() { None } else { Some(realm(to)?) };
        Ok::<_, String>([from.map(realm).transpose()?, to])
    })
}

/// Prefixes as they were said: the inner `None` is `default`, which is of any family.
#[derive(Default)]
struct Ends {
    root: Option<Option<Prefix>>,
    covers: Option<Option<Prefix>>,
}

impl Ends {
    fn near(&self, family: Family) -> Near {
        let prefix = |end: Option<Option<Prefix>>| end.map(|net| net.unwrap_or(Prefix::any(family)));
        Near { root: prefix(self.root), covers: prefix(self.covers) }
    }
}

struct Heard {
    option: Option<Family>,
    /// The family of the first prefix.
    settled: Option<Family>,
    /// Another one is of the other family.
    mixed: Option<WordError>,
    to: Ends,
    from: Ends,
}

impl Heard {
    /// Takes `[ to | from ] [ root | match | exact ] PREFIX`.
    fn prefixes(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        let from = words.take_if_short("from");
        if !from {
            words.take_if_short("to");
        }
        let (root, covers) = match () {
            () if words.take_if_short("root") => (true, false),
            () if words.take_if_short("match") => (false, true),
            () => {
                words.take_if_short("exact");
                (true, true)
            }
        };
        let net = prefix(words, &mut self.option.clone())?;
        if let Some(net) = net {
            if *self.settled.get_or_insert(net.family()) != net.family() {
                self.mixed = Some(words.error_before("no route has prefixes of both families"));
            }
        }
        let ends = if from { &mut self.from } else { &mut self.to };
        if root {
            ends.root = Some(net);
        }
        if covers {
            ends.covers = Some(net);
        }
        Ok(())
    }

    fn finish(self, mut routes: Routes) -> Result<Routes, WordError> {
        routes.family = match (self.option, routes.table) {
            (Some(family), _) => Some(family),
            // Whatever the prefixes are; of the other family, they are those of no route.
            (None, Some(_)) => Some(Family::V4),
            (None, None) => match self.mixed {
                Some(error) => return Err(error),
                None => self.settled,
            },
        };
        let family = routes.family.unwrap_or(Family::V4);
        (routes.to, routes.from) = (self.to.near(family), self.from.near(family));
        Ok(routes)
    }
}
