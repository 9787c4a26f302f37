//! The words of `ip route get`.

use super::{Route, RouteFlags};
use crate::route::hear::{ip_proto, prefix, refuse, tos};
use crate::route::{Family, Prefix};
use crate::text::{FromWord, WordError, Words};

/// Reads the words behind `get`.
pub(super) fn hear(words: &mut Words<'_>) -> Result<Route, WordError> {
    let mut family = words.family();
    // What is looked up and the flags that go with its family come last.
    let mut route = Route::lookup([0u8; 16]);
    let mut to = None;
    while !words.is_empty() {
        if words.take_if_short("from") {
            route.from = prefix(words, &mut family)?;
        } else if !hear_option(&mut route, words)? {
            words.take_if("to");
            let net = prefix(words, &mut family)?;
            if net.is_some_and(|net| net.len() != net.family().bits()) {
                refuse(words, "a look-up asks for one address, not for a prefix")?;
            }
            to = Some(net);
        }
    }
    let to = to.ok_or_else(|| words.incomplete("the address to look up"))?;
    // `default` stands for the address of all zeros.
    route.to = to.unwrap_or_else(|| Prefix::host(family.unwrap_or(Family::V4).zero()));
    route.flags |= Route::lookup(route.to.addr()).flags;
    Ok(route)
}

fn hear_option(route: &mut Route, words: &mut Words<'_>) -> Result<bool, WordError> {
    match () {
        () if words.take_if("tos") || words.take_if_short("dsfield") => route.tos = tos(words)?,
        () if words.take_if_short("iif") => route.iif = Some(words.dev()?),
        () if words.take_if_short("mark") => route.mark = Some(words.value()?),
        () if words.take_if("dev") || words.take_if_short("oif") => route.dev = Some(words.dev()?),
        () if words.take_if_short("notify") => route.flags |= RouteFlags::NOTIFY,
        () if words.take_if_short("connected") => {
            refuse(words, "connected asks twice, for the source and then with it: ask twice")?;
        }
        () if words.take_if_short("vrf") => {
            refuse(words, "expected oif and the VRF's device in place of vrf")?
        }
        () if words.take_if_short("uid") => route.uid = Some(words.value()?),
        () if words.take_if_short("fibmatch") => route.flags |= RouteFlags::FIB_MATCH,
        () if words.take_if("as") => {
            refuse(words, "translated destinations (as) are of MPLS, which is not read here")?
        }
        () if words.take_if("sport") => route.sport = Some(words.value()?),
        () if words.take_if("dport") => route.dport = Some(words.value()?),
        () if words.take_if("ipproto") => route.ip_proto = Some(ip_proto(words)?),
        () if words.take_if("flowlabel") => {
            const LABEL: &str = "a flow label of 20 bits such as 0x12345";
            route.flowlabel = Some(words.read(LABEL, |word| {
                let label = u32::from_word(word).ok().filter(|label| *label <= 0xf_ffff);
                label.ok_or_else(|| format!("{word:?} is not {LABEL}"))
            })?);
        }
        () => return Ok(false),
    }
    Ok(true)
}
