//! What the lab needs of the machine that it is built on.

use crate::lab::has_ipv6;
use crate::Result;
use nix::sched::{unshare, CloneFlags};
use nix::unistd::{getegid, geteuid};
use std::fs;
use tcnl::netlink::{Capabilities, Feature};

/// Moves this process, which has one thread yet, out of the machine's network: as root just so, and otherwise as the root of a
/// user namespace of its own.
pub fn leave() -> Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    if unshare(CloneFlags::CLONE_NEWNET).is_ok() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
        .map_err(|error| format!("the kernel gives this user no namespaces of its own: {error}"))?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    Ok(())
}

/// Looks at the kernel, and says what has a substitute.
///
/// # Errors
/// The lab needs something that this kernel lacks.
pub fn examine() -> Result<()> {
    let kernel = Capabilities::probe()?;
    let missing = missing(&kernel);
    if !missing.is_empty() {
        return Err(
            format!("this kernel lacks {} (or may not load its modules now)", missing.join(", ")).into()
        );
    }
    if !kernel.has_qdisc("sfq") {
        println!("This kernel has no sfq: below each class stands a pfifo instead.");
    }
    if !has_ipv6() {
        println!("This kernel has no IPv6: the lab is built with IPv4 alone.");
    }
    Ok(())
}

fn missing(kernel: &Capabilities) -> Vec<String> {
    let qdiscs = ["htb", "tbf"].into_iter().filter(|kind| !kernel.has_qdisc(kind)).map(String::from);
    let filters = ["u32"].into_iter().filter(|kind| !kernel.has_filter(kind)).map(String::from);
    let features = [Feature::Rules, Feature::Nexthops, Feature::NfTables, Feature::Conntrack];
    let features = features.iter().filter(|feature| !kernel.has(**feature)).map(Feature::to_string);
    qdiscs.chain(filters).chain(features).collect()
}
