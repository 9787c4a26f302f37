//! Constants that are no attributes: message types, flags, and the numbers behind names.

use super::{installed, say, sources};
use bitflags::Flags;
use tcnl::request::Object;
use tcnl::route::{
    Address, AddressFlags, GroupType, Link, LinkFlags, Nexthop, Route, RouteFlags, RouteProtocol, RouteType,
    Rule, RuleFlags, Scope,
};
use tcnl::tc::u32::SelectorFlags;
use tcnl::tc::{ActionTable, Chain, Class, Control, Filter, FilterFlags, Qdisc};

/// Flags whose names the headers do not have under the set's prefix: ours and the kernel's.
const RENAMED: &[(&str, &str)] = &[("RT_OFFLOAD", "OFFLOAD"), ("RT_TRAP", "TRAP")];

/// Every number that has a name in the public interface: what the kernel may call it, and the number here.
fn named() -> Vec<(Vec<String>, i64)> {
    let mut all = Vec::new();
    let mut put = |names: Vec<String>, number: i64| all.push((names, number));
    for (name, number) in [
        ("RTM_NEWLINK", Link::NEW),
        ("RTM_NEWADDR", Address::NEW),
        ("RTM_NEWROUTE", Route::NEW),
        ("RTM_NEWRULE", Rule::NEW),
        ("RTM_NEWQDISC", Qdisc::NEW),
        ("RTM_NEWTCLASS", Class::NEW),
        ("RTM_NEWTFILTER", Filter::NEW),
        ("RTM_NEWACTION", ActionTable::NEW),
        ("RTM_NEWCHAIN", Chain::NEW),
        ("RTM_NEWNEXTHOP", Nexthop::NEW),
        ("NEXTHOP_GRP_TYPE_MPATH", GroupType::MPATH.0),
        ("NEXTHOP_GRP_TYPE_RES", GroupType::RESILIENT.0),
    ] {
        put(vec![name.to_owned()], number.into());
    }
    for (name, control) in [
        ("TC_ACT_UNSPEC", Control::Continue),
        ("TC_ACT_OK", Control::Ok),
        ("TC_ACT_RECLASSIFY", Control::Reclassify),
        ("TC_ACT_SHOT", Control::Drop),
        ("TC_ACT_PIPE", Control::Pipe),
        ("TC_ACT_STOLEN", Control::Stolen),
        ("TC_ACT_QUEUED", Control::Queued),
        ("TC_ACT_REPEAT", Control::Repeat),
        ("TC_ACT_REDIRECT", Control::Redirect),
        ("TC_ACT_TRAP", Control::Trap),
    ] {
        put(vec![name.to_owned()], control.raw().expect("it has a number").into());
    }
    // What has a name is said by it, everything else by its number.
    for number in 0..=u8::MAX {
        for (prefix, word) in [
            ("RTPROT", RouteProtocol(number).to_string()),
            ("RTN", RouteType(number).to_string()),
            ("RT_SCOPE", Scope(number).to_string()),
        ] {
            if word.parse::<u8>().is_err() {
                let word = if word == "global" { "universe" } else { &word };
                put(vec![format!("{prefix}_{}", word.to_uppercase())], number.into());
            }
        }
    }
    for (prefixes, flags) in [
        (&["IFF_"][..], flags::<LinkFlags>()),
        (&["IFA_F_"], flags::<AddressFlags>()),
        (&["RTNH_F_", "RTM_F_"], flags::<RouteFlags>()),
        (&["FIB_RULE_"], flags::<RuleFlags>()),
        (&["TCA_CLS_FLAGS_"], flags::<FilterFlags>()),
        (&["TC_U32_"], flags::<SelectorFlags>()),
    ] {
        for (name, number) in flags {
            let name = RENAMED.iter().find(|(ours, _)| *ours == name).map_or(name, |(_, theirs)| theirs);
            put(prefixes.iter().map(|prefix| format!("{prefix}{name}")).collect(), number);
        }
    }
    all
}

fn flags<F: Flags>() -> Vec<(&'static str, i64)>
where
    F::Bits: Into<i64>,
{
    F::FLAGS.iter().filter(|f| !f.name().is_empty()).map(|f| (f.name(), f.value().bits().into())).collect()
}

#[test]
fn every_flag_and_number_with_a_public_name_is_that_of_the_installed_headers() {
    let test = "every_flag_and_number_with_a_public_name_is_that_of_the_installed_headers";
    let Some(headers) = installed(test) else { return };
    let mut wrong = Vec::new();
    for (names, number) in named() {
        let found: Vec<_> = names.iter().filter_map(|name| headers.constants.get(name)).collect();
        if found.is_empty() || !found.contains(&&number) {
            wrong.push(format!("{} is {found:?}, the crate says {number}", names.join(" or ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Constants inside the crate have the kernel's names where they have the kernel's numbers.
#[test]
fn every_constant_in_the_source_with_a_name_of_the_installed_headers_has_its_number() {
    let test = "every_constant_in_the_source_with_a_name_of_the_installed_headers_has_its_number";
    let Some(headers) = installed(test) else { return };
    let (mut count, mut wrong) = (0, Vec::new());
    for (path, text) in sources() {
        for line in text.lines() {
            let Some((name, number)) = constant(line) else { continue };
            let Some(theirs) = headers.constants.get(name) else { continue };
            count += 1;
            if *theirs != number {
                wrong.push(format!("{}: {name} is {theirs}, not {number}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 140, "only {count} constants were found");
    say(&format!("{count} constants of the source are those of the headers"));
}

/// The name and the number in a line such as `pub const TCA_KIND: u16 = 1;`.
fn constant(line: &str) -> Option<(&str, i64)> {
    let (_, constant) = line.split_once("const ")?;
    let (name, rest) = constant.split_once(':')?;
    let value = rest.split_once('=')?.1.trim().strip_suffix(';')?;
    let number = match value.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(&hex.replace('_', ""), 16).ok()?,
        None => value.replace('_', "").parse().ok()?,
    };
    Some((name, number))
}
