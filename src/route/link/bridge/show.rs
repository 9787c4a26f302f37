//! What `ip -d link show` says of a bridge and of its ports.

use super::{Bridge, BridgePort};
use crate::text::{Page, Scalar};
use crate::units::Dev;
use crate::wire::{Be, Raw};
use std::fmt::Display;

/// Writes a field for each that is there: JSON may have another name for it than text.
macro_rules! fields {
    ($set:ident on $page:ident: $($field:ident $(as $key:literal)?,)*) => { $(
        if let Some(value) = $set.$field {
            let key = fields!(@first $($key)? (stringify!($field)));
            $page.field(key, value, format_args!("{} {value} ", stringify!($field)));
        }
    )* };
    (@first $given:literal ($other:expr)) => { $given };
    (@first ($other:expr)) => { $other };
}

/// The same for switches.
macro_rules! switches {
    ($set:ident on $page:ident: $($field:ident)*) => { $(
        if let Some(value) = $set.$field {
            $page.field(stringify!($field), value != 0, format_args!("{} {} ", stringify!($field), on_off(value)));
        }
    )* };
}

impl Bridge {
    /// Its options and its state.
    pub(in crate::route::link) fn show(&self, page: &mut Page) {
        fields! { self on page:
            forward_delay, hello_time, max_age, ageing_time, stp_state, priority, vlan_filtering,
        }
        if let Some(Be(protocol)) = self.vlan_protocol {
            let name = match protocol {
                0x8100 if !page.layout().numeric => "802.1Q".to_owned(),
                0x88a8 if !page.layout().numeric => "802.1ad".to_owned(),
                other => format!("[{other}]"),
            };
            page.field("vlan_protocol", name.as_str(), format_args!("vlan_protocol {name} "));
        }
        identity(page, "bridge_id", "bridge_id", self.bridge_id);
        identity(page, "root_id", "designated_root", self.root_id);
        fields! { self on page: root_port, root_path_cost, topology_change, topology_change_detected, }
        timer(page, "hello_timer", self.hello_timer);
        timer(page, "tcn_timer", self.tcn_timer);
        timer(page, "topology_change_timer", self.topology_change_timer);
        timer(page, "gc_timer", self.gc_timer);
        fields! { self on page:
            fdb_n_learned, fdb_max_learned, vlan_default_pvid, vlan_stats_enabled, vlan_stats_per_port,
        }
        if let Some(mask) = self.group_fwd_mask {
            word(page, "group_fwd_mask", hex(mask));
        }
        if let Some(Raw(bytes)) = &self.group_address {
            let address = joined(bytes.iter().map(|byte| format!("{byte:02x}")));
            page.field("group_addr", address.as_str(), format_args!("group_address {address} "));
        }
        fields! { self on page: mcast_snooping, }
        self.show_switches(page);
        fields! { self on page:
            mcast_router, mcast_query_use_ifaddr, mcast_querier, mcast_hash_elasticity, mcast_hash_max,
            mcast_last_member_count as "mcast_last_member_cnt",
            mcast_startup_query_count as "mcast_startup_query_cnt",
            mcast_last_member_interval as "mcast_last_member_intvl",
            mcast_membership_interval as "mcast_membership_intvl",
            mcast_querier_interval as "mcast_querier_intvl",
            mcast_query_interval as "mcast_query_intvl",
            mcast_query_response_interval as "mcast_query_response_intvl",
            mcast_startup_query_interval as "mcast_startup_query_intvl",
            mcast_stats_enabled, mcast_igmp_version, mcast_mld_version,
            nf_call_iptables, nf_call_ip6tables, nf_call_arptables,
        }
    }

    /// `struct br_boolopt_multi`: the values, and which of them the kernel has. `include/uapi/linux/if_bridge.h`
    fn show_switches(&self, page: &mut Page) {
        let Some(Raw(bytes)) = &self.multi_boolopt else { return };
        let Some((values, rest)) = bytes.split_first_chunk::<4>() else { return };
        let Some((mask, _)) = rest.split_first_chunk::<4>() else { return };
        let (values, mask) = (u32::from_ne_bytes(*values), u32::from_ne_bytes(*mask));
        let switches = [(1, "no_linklocal_learn"), (2, "mcast_vlan_snooping"), (4, "mst_enabled")];
        for (bit, name) in switches.into_iter().filter(|(bit, _)| mask & bit != 0) {
            let on = u8::from(values & bit != 0);
            page.field(name, on, format_args!("{name} {on} "));
        }
    }
}

impl BridgePort {
    /// Its options and its state.
    pub(in crate::route::link) fn show(&self, page: &mut Page) {
        if let Some(state) = self.state {
            match STATES.get(usize::from(state)) {
                Some(name) => page.field("state", *name, format_args!("state {name} ")),
                None => page.field("state_index", state, format_args!("state ({state}) ")),
            }
        }
        fields! { self on page: priority, cost, }
        switches! { self on page: hairpin guard root_block fastleave learning flood }
        if let Some(id) = self.id {
            page.field("id", hex(id), format_args!("port_id {} ", hex(id)));
        }
        if let Some(number) = self.number {
            page.field("no", hex(number), format_args!("port_no {} ", hex(number)));
        }
        fields! { self on page: designated_port, designated_cost, }
        identity(page, "bridge_id", "designated_bridge", self.bridge_id);
        identity(page, "root_id", "designated_root", self.root_id);
        timer(page, "hold_timer", self.hold_timer);
        timer(page, "message_age_timer", self.message_age_timer);
        timer(page, "forward_delay_timer", self.forward_delay_timer);
        fields! { self on page: topology_change_ack, config_pending, }
        switches! { self on page: proxy_arp proxy_arp_wifi }
        fields! { self on page: mcast_router as "multicast_router", }
        // A second time in text, where it has two words.
        if let Some(on) = self.fastleave {
            page.text(format_args!("mcast_fast_leave {} ", on_off(on)));
        }
        switches! { self on page: mcast_flood bcast_flood mcast_to_unicast neigh_suppress neigh_vlan_suppress }
        if let Some(mask) = self.group_fwd_mask {
            word(page, "group_fwd_mask", hex(mask));
            word(page, "group_fwd_mask_str", groups(mask));
        }
        switches! { self on page: vlan_tunnel isolated locked mab }
        if let Some(port) = self.backup_port {
            let name = page.dev(Dev::index(port));
            word(page, "backup_port", name);
        }
        fields! { self on page: backup_nhid, }
    }
}

const STATES: [&str; 5] = ["disabled", "listening", "learning", "forwarding", "blocking"];

fn on_off(value: u8) -> &'static str {
    if value == 0 {
        "off"
    } else {
        "on"
    }
}

fn word(page: &mut Page, name: &str, value: impl Into<String>) {
    let value = value.into();
    page.field(name, value.as_str(), format_args!("{name} {value} "));
}

/// As C's `%#x` has it.
fn hex(number: u16) -> String {
    match number {
        0 => "0".to_owned(),
        number => format!("{number:#x}"),
    }
}

/// The link-local groups of a mask, by name where they have one.
fn groups(mask: u16) -> String {
    let name = |bit: u16| match bit {
        0x1 => "stp".to_owned(),
        0x4 => "lacp".to_owned(),
        0x4000 => "lldp".to_owned(),
        other => format!("{other:#x}"),
    };
    match mask {
        0 => "0x0".to_owned(),
        mask => {
            (0..16).map(|at| mask & 1 << at).filter(|bit| *bit != 0).map(name).collect::<Vec<_>>().join(",")
        }
    }
}

/// A bridge in the spanning tree: priority and address.
fn identity(page: &mut Page, key: &str, word: &str, id: Option<Be<u64>>) {
    let Some(Be(id)) = id else { return };
    let [high, low, mac @ ..] = id.to_be_bytes();
    let text = format!("{high:02x}{low:02x}.{}", joined(mac.iter().map(|byte| format!("{byte:x}"))));
    page.field(key, text.as_str(), format_args!("{word} {text} "));
}

fn joined(parts: impl Iterator<Item = impl Display>) -> String {
    parts.map(|part| part.to_string()).collect::<Vec<_>>().join(":")
}

fn timer(page: &mut Page, name: &str, hundredths: Option<u64>) {
    let Some(time) = hundredths else { return };
    page.field(name, Scalar::Hundredths(time), format_args!("{name} {:4}.{:02} ", time / 100, time % 100));
}
