//! Actions, at both filters and by themselves: what the crate configures `tc` shows, and what `tc` configures the crate reads.

use crate::common::{in_netns, tc, trial, Outcome, Stop};
use crate::twice::{skip_what_is_not_there, twice, Seen};
use libtest_mimic::Trial;
use tcnl::netlink::Connection;
use tcnl::tc::fw::Fw;
use tcnl::tc::gact::Gact;
use tcnl::tc::mirred::Mirred;
use tcnl::tc::police::Police;
use tcnl::tc::skbedit::Skbedit;
use tcnl::tc::u32::{Match, U32};
use tcnl::tc::{Action, ActionTable, Control, Filter, FilterKind, Protocol};
use tcnl::units::{Handle, Name, Rate, Size};

const LO: u32 = 1;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("mirred at filters redirects and mirrors where it was told to", mirred),
        trial("gact at filters has the verdicts that it was given", gact),
        trial("police at filters has the rates and the verdicts that it was given", police),
        trial("fw carries the same actions as u32", fw),
        trial("a policer in the old style is part of a filter", old_police),
        trial("skbedit at filters sets what it was told to", skbedit),
        trial("a filter has several actions in their order", several),
        trial("an action has a cookie", cookie),
        trial("gact by itself is added, read, replaced, listed and deleted", gact_alone),
        trial("mirred by itself is added and listed", mirred_alone),
        trial("police and skbedit by themselves are added and listed", others_alone),
        trial("more actions than a message holds are listed", many),
        trial("an action that two filters share has one index", shared),
    ]
}

const SETUP: [&str; 2] = ["ip link add i0 index 20 type ifb", "tc qdisc add dev lo clsact"];
const SHOW: &str = "tc -d filter show dev lo egress";

/// An action, and the words with which `tc` makes the same.
type Case = (Action, &'static str);

/// u32 filters at lo's egress, each with one of the actions.
fn at_u32(cases: &[Case]) -> Result<Seen<Filter>, Stop> {
    let any = || U32::new().matching(Match::any());
    let ours: Vec<_> = cases.iter().map(|(action, _)| filter().kind(any().action(action.clone()))).collect();
    let theirs = cases.iter().map(|(_, words)| {
        format!("tc filter add dev lo egress protocol ip prio 1 u32 match u32 0 0 action {words}")
    });
    at_egress(&ours, &theirs.collect::<Vec<_>>())
}

/// The same at fw.
fn at_fw(cases: &[Case]) -> Result<Seen<Filter>, Stop> {
    let marked = || (1u32..).zip(cases);
    let ours: Vec<_> =
        marked().map(|(mark, (action, _))| filter().kind(Fw::mark(mark).action(action.clone()))).collect();
    let theirs = marked().map(|(mark, (_, words))| {
        format!("tc filter add dev lo egress protocol ip prio 1 handle {mark} fw action {words}")
    });
    at_egress(&ours, &theirs.collect::<Vec<_>>())
}

fn at_egress(ours: &[Filter], theirs: &[String]) -> Result<Seen<Filter>, Stop> {
    let theirs: Vec<_> = theirs.iter().map(String::as_str).collect();
    twice(&SETUP, ours, &theirs, SHOW, Filter::of(LO).egress())
}

fn filter() -> Filter {
    Filter::egress(LO).protocol(Protocol::Ip).prio(1)
}

fn fw() -> Outcome {
    for cases in [mirred_cases(), gact_cases(), police_cases(), skbedit_cases()] {
        in_netns(|| at_fw(&cases).map(drop))?;
    }
    Ok(())
}

fn actions(filter: &Filter) -> String {
    let actions = match &filter.kind {
        Some(FilterKind::U32(u32)) => &u32.actions,
        Some(FilterKind::Fw(fw)) => &fw.actions,
        _ => return String::new(),
    };
    let words: Vec<_> =
        actions.iter().flat_map(|actions| &actions.0).map(|(_, action)| action.to_string()).collect();
    words.join(", ")
}

fn mirred_cases() -> Vec<Case> {
    vec![
        (Mirred::egress_redirect(20).into(), "mirred egress redirect dev i0"),
        (Mirred::egress_mirror(20).into(), "mirred egress mirror dev i0"),
        (Mirred::ingress_redirect(20).into(), "mirred ingress redirect dev i0"),
        (Mirred::ingress_mirror(20).control(Control::Drop).into(), "mirred ingress mirror dev i0 drop"),
    ]
}

fn mirred() -> Outcome {
    at_u32(&mirred_cases())?
        .shows(&[
            "mirred (Egress Redirect to device i0) stolen",
            "mirred (Egress Mirror to device i0) pipe",
            "mirred (Ingress Redirect to device i0) stolen",
            "mirred (Ingress Mirror to device i0) drop",
        ])
        .reads(
            actions,
            &[
                "",
                "",
                "mirred egress redirect dev if20 index 1",
                "mirred egress mirror dev if20 index 2",
                "mirred ingress redirect dev if20 index 3",
                "mirred ingress mirror dev if20 drop index 4",
            ],
        );
    Ok(())
}

fn gact_cases() -> Vec<Case> {
    vec![
        (Gact::drop().into(), "gact drop"),
        (Gact::ok().into(), "gact pass"),
        (Gact::pipe().into(), "gact pipe"),
        (Gact::reclassify().into(), "gact reclassify"),
        (Gact::continue_().into(), "gact continue"),
        (Gact::trap().into(), "gact trap"),
        (Gact::goto_chain(7).into(), "gact goto chain 7"),
        (Gact::ok().determ(Control::Drop, 5).into(), "gact pass random determ drop 5"),
        (Gact::ok().netrand(Control::Drop, 9).into(), "gact pass random netrand drop 9"),
        (Gact::drop().index(77).into(), "gact drop index 77"),
    ]
}

fn gact() -> Outcome {
    at_u32(&gact_cases())?.shows(&[
        "gact action goto chain 7",
        "random type determ drop val 5",
        "index 77 ref 1 bind 1",
    ]);
    Ok(())
}

fn police_cases() -> Vec<Case> {
    vec![
        (
            Police::new().rate(Rate::mbit(8)).burst(Size::kib(10)).exceed(Control::Drop).into(),
            "police rate 8mbit burst 10k drop",
        ),
        (
            Police::new()
                .rate(Rate::mbit(8))
                .burst(Size::kib(10))
                .mtu(1500)
                .exceed(Control::Pipe)
                .conform(Control::Ok)
                .into(),
            "police rate 8mbit burst 10k mtu 1500 conform-exceed pipe/ok",
        ),
        (
            Police::new()
                .rate(Rate::mbit(8))
                .burst(Size::kib(10))
                .peak(Rate::mbit(16))
                .mtu(1600)
                .index(9)
                .into(),
            "police rate 8mbit burst 10k peakrate 16mbit mtu 1600 index 9",
        ),
        (
            Police::new().packet_rate(1000, 50).exceed(Control::Drop).into(),
            "police pkts_rate 1000 pkts_burst 50 drop",
        ),
    ]
}

fn police() -> Outcome {
    at_u32(&police_cases())?.shows(&[
        "rate 8Mbit burst 10Kb mtu 2Kb action drop",
        "mtu 1500b action pipe",
        "police 0x9 rate 8Mbit burst 10Kb mtu 1600b peakrate 16Mbit action reclassify",
        "pkts_rate 1000 pkts_burst 50",
    ]);
    Ok(())
}

fn old_police() -> Outcome {
    let police = || Police::new().rate(Rate::mbit(8)).burst(Size::kib(10)).exceed(Control::Drop);
    let class = Handle::new(1, 0xa);
    twice(
        &SETUP,
        &[filter().kind(U32::new().matching(Match::any()).class(class).police(police()))],
        &["tc filter add dev lo egress protocol ip prio 1 u32 match u32 0 0 police rate 8mbit burst 10k drop classid 1:a"],
        SHOW,
        Filter::of(LO).egress(),
    )?
    .shows(&["flowid 1:a", "rate 8Mbit burst 10Kb mtu 2Kb action drop"]);
    Ok(())
}

fn skbedit_cases() -> Vec<Case> {
    vec![
        (Skbedit::piped().priority(Handle::new(1, 0x10)).into(), "skbedit priority 1:10"),
        (Skbedit::piped().mark(5).mask(0xff).into(), "skbedit mark 5/0xff"),
        (Skbedit::piped().queue(3).into(), "skbedit queue_mapping 3"),
        (Skbedit::piped().packet_type(0).control(Control::Ok).into(), "skbedit ptype host pass"),
        (Skbedit::piped().inherit_dsfield().into(), "skbedit inheritdsfield"),
    ]
}

fn skbedit() -> Outcome {
    at_u32(&skbedit_cases())?.shows(&[
        "priority 1:10 pipe",
        "mark 5/0xff",
        "queue_mapping 3",
        "ptype host pass",
        "inheritdsfield",
    ]);
    Ok(())
}

fn several() -> Outcome {
    let any = U32::new().matching(Match::any());
    twice(
        &SETUP,
        &[filter().kind(any.action(Skbedit::piped().mark(7)).action(Mirred::egress_mirror(20)).action(Gact::drop()))],
        &["tc filter add dev lo egress protocol ip prio 1 u32 match u32 0 0 action skbedit mark 7 action mirred egress mirror dev i0 action drop"],
        SHOW,
        Filter::of(LO).egress(),
    )?
    .shows(&["action order 1: skbedit", "action order 2: mirred", "action order 3: gact"])
    .reads(actions, &["", "", "skbedit mark 7 index 1, mirred egress mirror dev if20 index 1, gact drop index 1"]);
    Ok(())
}

fn cookie() -> Outcome {
    let with_cookie = Action::new(Mirred::egress_redirect(20)).cookie(&[0xab, 0xcd, 0xef]);
    at_u32(&[(with_cookie, "mirred egress redirect dev i0 cookie abcdef")])?
        .shows(&["cookie abcdef"])
        .reads(actions, &["", "", "mirred egress redirect dev if20 index 1 cookie abcdef"]);
    Ok(())
}

/// Actions by themselves, of one kind.
fn alone(kind: &str, ours: ActionTable, theirs: &str) -> Result<Seen<ActionTable>, Stop> {
    twice(
        &["ip link add i0 index 20 type ifb"],
        &[ours],
        &[&format!("tc actions add {theirs}")],
        &format!("tc -d actions ls action {kind}"),
        Action::of_kind(Name::new(kind)?),
    )
    .map_err(skip_without_real_root)
}

/// Kernels let only the root of the machine add actions by themselves, not that of a user namespace.
pub fn skip_without_real_root(stop: Stop) -> Stop {
    stop.skip_if("Operation not permitted")
}

fn words(table: &ActionTable) -> String {
    table.actions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn gact_alone() -> Outcome {
    alone(
        "gact",
        ActionTable::of([Gact::drop().index(8), Gact::ok().index(9)]),
        "action gact drop index 8 action gact pass index 9",
    )?
    .shows(&["gact action drop", "index 8 ref 1 bind 0", "gact action pass"])
    .reads(words, &["gact drop index 8, gact pass index 9"]);
    let mut nl = Connection::open()?;
    let one = |gact: Gact| ActionTable::of([gact.index(8)]);
    assert_eq!(words(&nl.get(&one(Gact::drop()))?), "gact drop index 8");
    assert_eq!(nl.add(&one(Gact::pipe())).err().and_then(|error| error.errno()), Some(nix::libc::EEXIST));
    nl.replace(&one(Gact::pipe()))?;
    assert!(tc("actions ls action gact")?.contains("gact action pipe"));
    nl.change(&one(Gact::reclassify()))?;
    assert_eq!(words(&nl.get(&one(Gact::drop()))?), "gact reclassify index 8");
    nl.delete(&one(Gact::drop()))?;
    let error = nl.get(&one(Gact::drop())).err().ok_or("it is still there")?;
    assert!(error.to_string().contains("TC action with specified index not found"), "{error}");
    // All of the kind.
    nl.delete(&ActionTable::of([Gact::drop()]))?;
    assert!(nl.snapshot(Action::of_kind(Name::new("gact")?))?.iter().all(|table| table.actions.is_empty()));
    Ok(())
}

fn mirred_alone() -> Outcome {
    alone(
        "mirred",
        ActionTable::of([Mirred::egress_redirect(20).index(5)]),
        "action mirred egress redirect dev i0 index 5",
    )?
    .shows(&["mirred (Egress Redirect to device i0) stolen", "index 5 ref 1 bind 0"])
    .reads(words, &["mirred egress redirect dev if20 index 5"]);
    Ok(())
}

fn others_alone() -> Outcome {
    let police = Police::new().rate(Rate::mbit(8)).burst(Size::kib(10)).exceed(Control::Drop).index(4);
    alone("police", ActionTable::of([police]), "action police rate 8mbit burst 10k drop index 4")?
        .shows(&["police 0x4 rate 8Mbit burst 10Kb"]);
    let edit = ActionTable::of([Skbedit::piped().priority(Handle::new(1, 2)).index(6)]);
    in_netns(|| {
        Ok(alone("skbedit", edit, "action skbedit priority 1:2 index 6")?
            .shows(&["skbedit  priority 1:2 pipe"]))
    })?;
    Ok(())
}

fn many() -> Outcome {
    let mut nl = Connection::open()?;
    let mut batch = nl.batch();
    for start in (1..=960).step_by(32) {
        batch.add(&ActionTable::of(
            (start..start + 32).map(|index| Mirred::egress_redirect(LO).index(index)),
        ))?;
    }
    for result in nl.run(&batch) {
        result.map_err(Stop::from).map_err(skip_without_real_root)?;
    }
    let tables = nl.snapshot(Action::of_kind(Name::new("mirred")?))?;
    assert_eq!(tables.iter().map(|table| table.actions.len()).sum::<usize>(), 960);
    assert_eq!(tables.iter().filter_map(|table| table.count).sum::<u32>(), 960);
    Ok(())
}

fn shared() -> Outcome {
    tc("qdisc add dev lo clsact")?;
    let mut nl = Connection::open()?;
    let index =
        |port| U32::new().matching(Match::ip_dport(port)).action(Mirred::egress_redirect(LO).index(33));
    nl.add(&filter().kind(index(1))).map_err(Stop::from).map_err(skip_what_is_not_there)?;
    nl.add(&filter().kind(index(2)))?;
    assert_eq!(tc("actions ls action mirred")?.matches("index 33 ref 2 bind 2").count(), 1);
    Ok(())
}
