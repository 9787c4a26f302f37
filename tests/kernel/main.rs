//! The crate against the running kernel: `cargo test --test kernel`, and on
//! other kernels with `tests/kernels/run`.
//!
//! An area is a file here with `pub fn trials() -> Vec<Trial>`, and one line below.

mod actions;
mod batches;
mod classes;
#[path = "../common/mod.rs"]
mod common;
mod diverted;
mod dumps;
mod events;
mod faults;
mod filters;
mod link;
mod namespaces;
mod netfilter;
mod netlink;
#[path = "../common/nft_words.rs"]
mod nft_words;
mod packets;
mod plan;
mod plan_filters;
mod plan_killed;
mod plan_kinds;
mod plan_policy;
mod plan_scale;
mod planning;
mod privileges;
mod qdiscs;
mod rebuilt;
mod refusals;
mod route;
mod shows_links;
mod shows_routes;
mod steering;
mod traffic;
mod twice;
mod undone;
mod uplink_health;
mod uplink_queues;
mod uplink_routing;
mod uplink_system;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Some tests start this program again.
    let started = [faults::child, plan_killed::victim, privileges::child, uplink_health::child];
    if let Some(done) = started.iter().find_map(|child| child()) {
        return done;
    }
    let areas = [
        actions::trials(),
        batches::trials(),
        classes::trials(),
        diverted::trials(),
        dumps::trials(),
        events::trials(),
        faults::trials(),
        filters::trials(),
        link::trials(),
        namespaces::trials(),
        netfilter::trials(),
        netlink::trials(),
        packets::trials(),
        plan::trials(),
        plan_filters::trials(),
        plan_killed::trials(),
        plan_kinds::trials(),
        plan_policy::trials(),
        plan_scale::trials(),
        privileges::trials(),
        qdiscs::trials(),
        rebuilt::trials(),
        refusals::trials(),
        route::trials(),
        shows_links::trials(),
        shows_routes::trials(),
        steering::trials(),
        undone::trials(),
        uplink_queues::trials(),
        uplink_routing::trials(),
        uplink_health::trials(),
        uplink_system::trials(),
    ];
    common::run(areas.into_iter().flatten().collect())
}
