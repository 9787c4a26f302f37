use crate::command::{AnyObject, Script};
use crate::route::{Link, LinkFlags, LinkKind, Route, Rule, Veth};
use crate::tc::gact::Gact;
use crate::tc::htb::{Htb, HtbClass};
use crate::tc::mirred::Mirred;

use crate::tc::u32::{Match, U32Handle, U32};
use crate::tc::{Action, ActionTable, Class, Filter, Other, Place, Protocol, Qdisc, QdiscKind};
use crate::units::{Dev, Handle, Name, Rate};

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

/// As a list of links has it.
fn link(index: u32, named: &str, kind: impl Into<LinkKind>) -> Link {
    Link { dev: Dev::index(index), name: Some(name(named)), kind: Some(kind.into()), ..Link::default() }
}

fn rebuilt(objects: Vec<AnyObject>) -> Vec<String> {
    let script = Script::rebuilding(objects);
    assert_eq!(script.others, []);
    let printed = script.to_string();
    assert_eq!(Script::parse(&printed).map(|script| script.to_string()), Ok(printed));
    script.lines.iter().map(|line| line.to_string()).collect()
}

#[test]
fn links_are_made_before_those_on_top_of_them_and_pairs_once() {
    let vlan = Link { link: Some(Dev::index(9)), ..link(2, "up", LinkKind::named("vlan")) };
    let mut first = Link { link: Some(Dev::index(5)), ..link(4, "a", Veth::default()) };
    first.flags = LinkFlags::UP;
    let second =
        Link { link: Some(Dev::index(4)), master: Some(Dev::index(9)), ..link(5, "b", Veth::default()) };
    let lines = rebuilt(vec![
        vlan.into(),
        second.into(),
        first.into(),
        link(9, "br", LinkKind::named("bridge")).into(),
    ]);
    assert_eq!(
        lines,
        [
            "ip link add name b type veth peer name a",
            "ip link add name br type bridge",
            "ip link add link br name up type vlan",
            "ip link set dev a up",
            "ip link set dev b master br",
        ]
    );
}

#[test]
fn the_sizes_of_segments_are_said_where_they_are_unusual() {
    let sized = |size, segments, ipv4| {
        let mut link = link(4, "a", LinkKind::named("ifb"));
        (link.tso_max_size, link.tso_max_segs) = (Some(524_280), Some(65_535));
        (link.gso_max_size, link.gso_max_segs, link.gso_ipv4_max_size) =
            (Some(size), Some(segments), Some(ipv4));
        link.flags = LinkFlags::NOARP;
        rebuilt(vec![link.into()])
    };
    let add = "ip link add name a type ifb";
    assert_eq!(sized(65_536, 65_535, 65_536), [add]);
    assert_eq!(sized(30_000, 64, 30_000), [add, "ip link set dev a gso_max_size 30000 gso_max_segs 64"]);
    assert_eq!(sized(200_000, 65_535, 65_536), [add, "ip link set dev a gso_max_size 200000"]);
    assert_eq!(sized(65_536, 65_535, 100_000), [add, "ip link set dev a gso_ipv4_max_size 100000"]);
}

#[test]
fn parents_come_first_and_what_the_kernel_makes_is_left_out() {
    let root = Qdisc::root(3).handle(Handle::qdisc(1)).kind(Htb::new());
    let class =
        |parent, id| AnyObject::from(Class::under(3, parent).id(id).kind(HtbClass::rate(Rate::mbit(1))));
    let other = |name: Name| Other { name, options: None };
    let lines = rebuilt(vec![
        class(Handle::new(1, 9), Handle::new(1, 1)),
        class(Handle::ROOT, Handle::new(1, 9)),
        Qdisc::at(3, Handle::new(1, 1)).kind(QdiscKind::Other(other(name("pfifo")))).into(),
        root.into(),
        Qdisc::root(4).kind(QdiscKind::Other(other(name("noqueue")))).into(),
    ]);
    assert_eq!(
        lines,
        [
            "tc qdisc add dev if3 root handle 1: htb",
            "tc class add dev if3 parent 1: classid 1:9 htb rate 1Mbit",
            "tc class add dev if3 parent 1:9 classid 1:1 htb rate 1Mbit",
        ]
    );
}

#[test]
fn tables_come_before_the_filters_that_lead_to_them() {
    let filter = |handle: u32, u32: U32| {
        Filter::on(3, Handle::qdisc(1)).prio(5).protocol(Protocol::Ip).kind(u32).handle(handle)
    };
    let table = |number: u32| U32Handle::from_raw(number << 20);
    let key = |ht: u32| U32::new().ht(table(ht)).matching(Match::u32((0, 0), 0).unwrap());
    let lines = rebuilt(vec![
        // The classifier's own line, the table that packets enter, and a filter in it.
        filter(0, U32::new()).into(),
        filter(0x801 << 20, U32::table(1)).into(),
        filter(0x801 << 20 | 0x800, key(0x801).link(table(2))).into(),
        filter(2 << 20 | 3 << 12 | 0x800, key(2).ht(U32Handle::from_raw(2 << 20 | 3 << 12))).into(),
        filter(2 << 20, U32::table(4)).into(),
    ]);
    assert_eq!(
        lines,
        [
            "tc filter add dev if3 parent 1: protocol ip prio 5 handle 2: u32 divisor 4",
            "tc filter add dev if3 parent 1: protocol ip prio 5 handle 0::800 u32 match u32 0x00000000 0x00000000 at 0 link 2:",
            "tc filter add dev if3 parent 1: protocol ip prio 5 handle 2:3:800 u32 ht 2:3: match u32 0x00000000 0x00000000 at 0",
        ]
    );
}

#[test]
fn an_action_keeps_its_number_if_several_share_it() {
    let filter = |prio, handle: u32, index| {
        let action = Mirred::egress_redirect(7).index(index);
        let all = U32::new().matching(Match::u32((0, 0), 0).unwrap()).action(action);
        Filter::at(Place::Block(1)).prio(prio).protocol(Protocol::Ip).kind(all).handle(handle)
    };
    let shared = [filter(1, 0x8000_0800, 9), filter(2, 0x8010_0800, 9), filter(3, 0x8020_0800, 8)];
    let mut objects: Vec<AnyObject> = shared.iter().cloned().map(AnyObject::from).collect();
    // A block is listed for each of its devices.
    objects.push(shared[0].clone().into());
    objects.push(ActionTable::of([Gact::drop().index(4), Gact::ok().index(5)]).into());
    objects.push(ActionTable::of([Action::from(Mirred::egress_redirect(7).index(9))]).into());
    objects.push(Link { flags: LinkFlags::NOARP, ..link(7, "i0", LinkKind::Ifb) }.into());
    let lines = rebuilt(objects);
    let ends: Vec<&str> =
        lines.iter().filter_map(|line| line.split_once(" action ")).map(|(_, end)| end).collect();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert_eq!(
        ends[2..],
        [
            "mirred egress redirect dev i0 index 9",
            "mirred egress redirect dev i0 index 9",
            "mirred egress redirect dev i0"
        ]
    );
    assert!(ends[0].ends_with("index 4") && ends[1].ends_with("index 5"), "{ends:?}");
}

#[test]
fn what_has_no_words_is_listed() {
    let data = Other { name: name("netem"), options: Some(vec![1, 2]) };
    let qdisc = Qdisc::root(3).handle(Handle::qdisc(1)).kind(QdiscKind::Other(data));
    let known = Rule::v4().table(101).priority(5);
    let local = Route { table: Route::LOCAL, ..Route::default_v4() };
    let script = Script::rebuilding([qdisc.into(), known.into(), AnyObject::from(local)]);
    assert_eq!(
        script.lines.iter().map(|line| line.to_string()).collect::<Vec<_>>(),
        ["ip rule add lookup 101 pref 5"]
    );
    let others: Vec<_> = script.others.iter().map(|other| (other.number, other.text.as_str())).collect();
    assert_eq!(others, [(4, "tc qdisc add dev if3 root handle 1: netem 01 02")]);
    assert_eq!(script.to_string(), "#!/bin/sh\nset -e\nip rule add lookup 101 pref 5\n");
}
