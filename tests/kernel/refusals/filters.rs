//! Filters and actions that cannot be.

use super::*;

pub(super) fn filters() -> Outcome {
    use nix::libc::{EEXIST, EINVAL, ENOENT};
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(Htb::new()))?;
    let handle: U32Handle = "800::5".parse()?;
    nl.add(&filter().handle(handle).kind(any(80).class(id(1))))?;
    let table: U32Handle = "9:".parse()?;
    refused(
        |nl| nl.add(&filter().kind(any(80).link(table))),
        EINVAL,
        &[
            "`tc filter add dev if1 parent 1: protocol ip prio 1 u32 match",
            "link 9:",
            "Link hash table not found",
        ],
    )?;
    refused(
        |nl| nl.add(&filter().kind(any(80).ht(table).class(id(1)))),
        EINVAL,
        &["ht 9:", "Specified hash table not found"],
    )?;
    refused(
        |nl| nl.add(&filter().kind(any(80).link("800::5".parse().expect("a handle")))),
        EINVAL,
        &["link 800::5", "Link handle must be a hash table"],
    )?;
    refused(
        |nl| nl.add(&filter().handle(handle).kind(any(81).class(id(1)))),
        EEXIST,
        &["handle 800::5", "Filter already exists"],
    )?;
    refused(
        |nl| nl.add(&filter().protocol(Protocol::Ipv6).kind(any(80).class(id(1)))),
        EINVAL,
        &["protocol ipv6", "specified priority"],
    )?;
    refused(
        |nl| nl.add(&Filter::on(LO, Handle::new(7, 0)).kind(any(80).class(id(1)))),
        EINVAL,
        &["parent 7:", "Parent Qdisc doesn't exists"],
    )?;
    refused(
        |nl| nl.add(&Filter::ingress(LO).kind(any(80).class(id(1)))),
        EINVAL,
        &["`tc filter add dev if1 ingress"],
    )?;
    refused(
        |nl| nl.add(&Filter::on_block(99).kind(any(80).class(id(1)))),
        EINVAL,
        &["block 99", "Block of given index was not found"],
    )?;
    refused(|nl| nl.delete(&filter().prio(7).kind(U32::new())), ENOENT, &["`tc filter del", "prio 7 u32`"])?;
    let gone: U32Handle = "800::6".parse()?;
    refused(
        |nl| nl.delete(&filter().handle(gone).kind(U32::new())),
        ENOENT,
        &["handle 800::6 u32`", "Specified filter handle not found"],
    )?;
    // What was there stays, although its successor was refused.
    refused(
        |nl| nl.replace(&filter().handle(handle).kind(any(81).link(table))),
        EINVAL,
        &["`tc filter replace"],
    )
}

pub(super) fn actions() -> Outcome {
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::ingress(LO).kind(Ingress::new()))?;
    let filter = Filter::ingress(LO)
        .protocol(Protocol::Ip)
        .prio(1)
        .kind(any(80).action(Mirred::egress_redirect(NOWHERE)));
    refused(|nl| nl.add(&filter), nix::libc::ENODEV, &["action mirred egress redirect dev if4000000"])
}

pub(super) fn actions_alone() -> Outcome {
    let table = ActionTable::of([Mirred::egress_redirect(LO).index(1)]);
    let mut nl = Connection::open()?;
    nl.add(&table).map_err(Stop::from).map_err(skip_without_real_root)?;
    let table = ActionTable::of([Mirred::egress_redirect(NOWHERE)]);
    refused(
        |nl| nl.add(&table),
        nix::libc::ENODEV,
        &["`tc actions add action mirred egress redirect dev if4000000`"],
    )?;
    let gone = ActionTable::of([Mirred::egress_redirect(LO).index(77)]);
    refused(
        |nl| nl.delete(&gone),
        nix::libc::ENOENT,
        &["`tc actions del action mirred index 77`", "TC action with specified index not found"],
    )
}

pub(super) fn fw_masks() -> Outcome {
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(Htb::new()))?;
    let with_mask = |mark, mask| filter().kind(Fw::mark(mark).mask(mask).class(id(1)));
    nl.add(&with_mask(0x10, 0xff)).map_err(Stop::from).map_err(skip_what_is_not_there)?;
    refused(|nl| nl.add(&with_mask(0x11, 0xfff)), nix::libc::EINVAL, &["handle 0x11/0xfff fw"])
}

pub(super) fn several_actions() -> Outcome {
    let mut nl = Connection::open()?;
    let table = ActionTable::of([
        Mirred::egress_redirect(LO).index(1),
        Mirred::egress_redirect(NOWHERE).index(2),
        Mirred::egress_redirect(LO).index(3),
    ]);
    let error = nl.add(&table).err().ok_or("all were added")?;
    if error.errno() != Some(nix::libc::ENODEV) {
        return Err(skip_without_real_root(error.into()));
    }
    assert!(!tc("actions ls action mirred")?.contains("index"));
    Ok(())
}
