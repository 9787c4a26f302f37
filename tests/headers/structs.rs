//! The structs that the crate declares, field by field.

use super::c::Headers;
use super::{installed, lines as lines_of, say, tables};
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};
use std::{fs, io};
use tcnl::wire::Place;

/// Fields that have other names than the kernel's, beyond its prefixes (`rtm_`): ours and the kernel's.
const RENAMED: &[(&str, &[(&str, &str)])] = &[
    ("nlmsghdr", &[("ty", "nlmsg_type"), ("port", "nlmsg_pid")]),
    ("ifinfomsg", &[("hardware", "ifi_type")]),
    ("ifaddrmsg", &[("prefix_len", "ifa_prefixlen")]),
    ("ifa_cacheinfo", &[("preferred", "ifa_prefered"), ("created", "cstamp"), ("updated", "tstamp")]),
    ("rtmsg", &[("kind", "rtm_type")]),
    ("rtnexthop", &[("dev", "rtnh_ifindex")]),
    ("rta_cacheinfo", &[("references", "rta_clntref"), ("last_use", "rta_lastuse"), ("ts_age", "rta_tsage")]),
    ("nfgenmsg", &[("resource", "res_id")]),
    (
        "tc_u32_sel",
        &[
            ("shift", "offshift"),
            ("offset_mask", "offmask"),
            ("plus", "off"),
            ("offset_at", "offoff"),
            ("hash_at", "hoff"),
            ("hash_mask", "hmask"),
        ],
    ),
    ("tc_u32_mark", &[("value", "val")]),
    ("tc_u32_pcnt", &[("tried", "rcnt"), ("hit", "rhit")]),
    ("tc_tbf_qopt", &[("peak", "peakrate")]),
    ("tc_gact_p", &[("method", "ptype"), ("every", "pval"), ("control", "paction")]),
    ("tc_gen", &[("control", "action"), ("references", "refcnt"), ("bindings", "bindcnt")]),
    (
        "tc_mirred",
        &[
            ("control", "action"),
            ("references", "refcnt"),
            ("bindings", "bindcnt"),
            ("direction", "eaction"),
            ("dev", "ifindex"),
        ],
    ),
    (
        "tc_police",
        &[("exceed", "action"), ("peak", "peakrate"), ("references", "refcnt"), ("bindings", "bindcnt")],
    ),
    (
        "tc_sfq_qopt_v1",
        &[
            ("perturb", "perturb_period"),
            ("w_log", "Wlog"),
            ("p_log", "Plog"),
            ("scell_log", "Scell_log"),
            ("probability", "max_P"),
        ],
    ),
    ("tcf_t", &[("installed", "install"), ("last_used", "lastuse"), ("first_used", "firstuse")]),
];

/// Structs that are not declared with `layout!` but read and written by hand, and why.
pub const BY_HAND: &[(&str, &str)] = &[
    ("nlattr", "a length and a number, which only the reader and the writer know: `wire`"),
    ("nlmsgerr", "an errno in front of the request that is answered: `netlink::core`"),
    ("tc_fifo_qopt", "one number, of packets or of bytes: `tc::fifo`"),
    ("br_boolopt_multi", "kept as it came, and taken apart only to be shown: `route::link::bridge`"),
];

/// Fields that are newer than the oldest headers that are checked, with the version that has them.
const NEWER: &[(&str, &str, (i64, i64))] =
    &[("rtnl_link_stats64", "rx_otherhost_dropped", (5, 19)), ("nexthop_grp", "weight_high", (6, 12))];

/// The kernel's name of a struct that is no struct of its own: it is all that this one has.
fn in_c(name: &str) -> &str {
    if name == "tc_gen" {
        return "tc_gact";
    }
    name
}

/// A struct's fields with their offsets and lengths, as they are declared here; padding has no name.
fn fields(places: &[Place]) -> Vec<(String, usize, usize)> {
    let (mut all, mut at) = (Vec::new(), 0);
    for place in places {
        if place.fields.is_empty() {
            all.push((place.name.to_owned(), at, place.size));
        }
        all.extend(
            fields(place.fields)
                .into_iter()
                .map(|(name, from, size)| (format!("{}.{name}", place.name), at + from, size)),
        );
        at += place.size;
    }
    all
}

/// Whether a field's name is the kernel's. What a field is inside of counts as far as both have it: the kernel's structs within
/// structs are not always ours.
fn is_called(of: &str, ours: &str, theirs: &str, used: &mut BTreeSet<(String, String)>) -> bool {
    ours.rsplit('.').zip(theirs.rsplit('.')).all(|(ours, theirs)| {
        let known = RENAMED.iter().filter(|(name, _)| *name == of).flat_map(|(_, pairs)| *pairs);
        let renamed = known.into_iter().any(|pair| *pair == (ours, theirs));
        if renamed {
            used.insert((of.to_owned(), ours.to_owned()));
        }
        renamed || theirs == ours || theirs.strip_suffix(ours).is_some_and(|prefix| prefix.ends_with('_'))
    })
}

#[test]
fn every_struct_has_the_fields_of_linux_6_12_where_they_are_there() {
    let (theirs, mut used, mut wrong) = (of_6_12(), BTreeSet::new(), Vec::new());
    for table in tables().iter().filter(|table| !table.fields.is_empty()) {
        let Some(theirs) = theirs.get(table.name) else {
            wrong.push(format!("{} is no struct of Linux 6.12", table.name));
            continue;
        };
        let ours = fields(table.fields);
        for (name, at, len) in ours.iter().filter(|(name, ..)| !name.is_empty()) {
            match theirs.iter().find(|(_, from, size)| (from, size) == (at, len)) {
                Some((kernel, ..)) if is_called(table.name, name, kernel, &mut used) => (),
                found => {
                    wrong.push(format!("{}.{name}, {len} bytes at {at}: there is {found:?}", table.name))
                }
            }
        }
        // What the kernel has is a field or padding here.
        for (name, at, len) in theirs {
            let padding = |(ours, from, size): &&(String, usize, usize)| {
                ours.is_empty()
                    && from <= at
                    && at + len <= from + size
                    && name.contains("pad") | name.contains("res")
            };
            if !ours.iter().any(|(_, from, size)| (from, size) == (at, len))
                && !ours.iter().any(|o| padding(&o))
            {
                wrong.push(format!("{} lacks {name}, {len} bytes at {at}", table.name));
            }
        }
    }
    for (name, ours, _) in
        RENAMED.iter().flat_map(|(name, pairs)| pairs.iter().map(move |(a, b)| (name, a, b)))
    {
        if !used.contains(&((*name).to_owned(), (*ours).to_owned())) {
            wrong.push(format!("RENAMED: no field {name}.{ours} needs it"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `tables` are written by hand: whatever is declared must be in one of them.
#[test]
fn every_layout_in_the_source_is_checked() {
    let known: BTreeSet<_> = tables().iter().map(|table| table.name).collect();
    let mut count = 0;
    for (path, text) in super::sources() {
        for (before, _) in text.match_indices("layout! {").filter(|(at, _)| text[..*at].ends_with('\n')) {
            let name = text[before..]
                .split('"')
                .find(|part| part.starts_with(|c: char| c.is_ascii_lowercase()) && !part.contains(' '));
            let name = name.unwrap_or_default();
            assert!(known.contains(name), "{}: {name} is in no table", path.display());
            count += 1;
        }
    }
    assert!(count >= 40, "only {count} layouts were found");
}

/// The compiler knows best where fields lie, on machines of 64 bits and of 32.
#[test]
fn the_compiler_and_the_installed_headers_place_every_field_where_linux_6_12_has_it() {
    let test = "the_compiler_and_the_installed_headers_place_every_field_where_linux_6_12_has_it";
    let Some(headers) = installed(test) else { return };
    let mut code = "#include <stddef.h>\n".to_owned();
    // One includes those of the C library, which may lack the parts for 32 bits; it has nothing that is checked.
    let includes = super::HEADERS.iter().filter(|name| **name != "if.h");
    code.extend(includes.map(|name| format!("#include <linux/{name}>\n")));
    for (name, fields) in of_6_12() {
        let of = in_c(name);
        for (field, at, len) in fields {
            if NEWER.iter().any(|(s, f, since)| (*s, *f) == (name, field) && *since > headers.version()) {
                say(&format!("newer than the installed headers, not checked: {name}.{field}"));
                continue;
            }
            code += &format!(
                "_Static_assert(offsetof(struct {of}, {field}) == {at}, \"{name}.{field} is not at {at}\");\n\
                 _Static_assert(sizeof(((struct {of} *)0)->{field}) == {len}, \"{name}.{field} is not {len} long\");\n"
            );
        }
    }
    let dir = env!("CARGO_TARGET_TMPDIR");
    let source = format!("{dir}/layouts.c");
    fs::write(&source, code).expect("the directory for tests can be written");
    for bits in ["-m64", "-m32"] {
        let able = cc(&[bits, "-x", "c", "/dev/null"]);
        if !able.is_ok_and(|out| out.status.success()) {
            say(&format!("SKIP {test}: no C compiler `cc` that knows {bits}"));
            continue;
        }
        let out =
            cc(&[bits, "-isystem", &format!("{}/..", super::directory()), &source]).expect("it has just run");
        assert!(out.status.success(), "{bits}: {}", String::from_utf8_lossy(&out.stderr));
    }
}

/// Lets the compiler look at what `args` say, with the headers of its own machine, also for 32 bits.
fn cc(args: &[&str]) -> io::Result<Output> {
    let own = Command::new("cc").arg("-print-multiarch").output()?;
    let own = format!("/usr/include/{}", String::from_utf8_lossy(&own.stdout).trim());
    Command::new("cc").args(["-fsyntax-only", "-idirafter", &own]).args(args).output()
}

/// The structs of Linux 6.12 by name.
fn of_6_12() -> BTreeMap<&'static str, Vec<(&'static str, usize, usize)>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for line in lines_of(include_str!("structs-6.12.txt")) {
        let mut words = line.split(' ');
        let mut word = || words.next().expect("a struct, a field, its offset and its length");
        let (name, field) = (word(), word());
        let mut number = || word().parse().expect("a number");
        all.entry(name).or_default().push((field, number(), number()));
    }
    all
}

/// The lines of `structs-6.12.txt`.
pub fn lines(headers: &Headers) -> impl Iterator<Item = String> + '_ {
    let names: BTreeSet<_> =
        tables().into_iter().filter(|table| !table.fields.is_empty()).map(|table| table.name).collect();
    names.into_iter().flat_map(|name| {
        let made = headers.structs.get(name).unwrap_or_else(|| panic!("the headers have no struct {name}"));
        made.fields.iter().map(move |(field, at, len)| format!("{name} {field} {at} {len}\n"))
    })
}
