mod hear;
mod port;
mod show;

pub use port::BridgePort;

use super::HardwareAddress;
use crate::text::Say;
use crate::wire::{Be, Raw};
use std::fmt::{self, Display, Formatter};

attrs! {
    /// A switch's options and state. `man 8 ip-link`, `net/bridge/br_netlink.c`
    pub wordless struct Bridge {
        /// How long a port listens and learns before it forwards, in 1/100 s (200 to 3000; only with STP).
        1 "IFLA_BR_FORWARD_DELAY" => forward_delay: u32,
        /// Time between hellos, in 1/100 s (100 to 1000; only with STP).
        2 "IFLA_BR_HELLO_TIME" => hello_time: u32,
        /// Time after which a silent neighbour counts as dead, in 1/100 s (600 to 4000; only with STP).
        3 "IFLA_BR_MAX_AGE" => max_age: u32,
        /// How long an address stays known, in 1/100 s; 0 is for ever.
        4 "IFLA_BR_AGEING_TIME" => ageing_time: u32,
        /// Whether it speaks the spanning tree protocol: 0 or 1.
        5 "IFLA_BR_STP_STATE" => stp_state: u32,
        /// Priority in the election of the spanning tree's root.
        6 "IFLA_BR_PRIORITY" => priority: u16,
        /// Whether it looks at VLAN tags: 0 or 1.
        7 "IFLA_BR_VLAN_FILTERING" => vlan_filtering: u8,
        /// The VLAN protocol: 0x8100 (802.1Q) or 0x88a8 (802.1ad).
        8 "IFLA_BR_VLAN_PROTOCOL" => vlan_protocol: Be<u16>,
        /// Which link-local groups 01:80:c2:00:00:0X it forwards, a bit each.
        9 "IFLA_BR_GROUP_FWD_MASK" => group_fwd_mask: u16,
        /// The spanning tree's root: priority and address. Kernels report it.
        10 "IFLA_BR_ROOT_ID" => root_id: Be<u64>,
        /// Its own priority and address. Kernels report it.
        11 "IFLA_BR_BRIDGE_ID" => bridge_id: Be<u64>,
        /// The port towards the root. Kernels report it.
        12 "IFLA_BR_ROOT_PORT" => root_port: u16,
        /// The cost of the path to the root. Kernels report it.
        13 "IFLA_BR_ROOT_PATH_COST" => root_path_cost: u32,
        /// Whether the topology changes. Kernels report it.
        14 "IFLA_BR_TOPOLOGY_CHANGE" => topology_change: u8,
        /// Whether it found a change of the topology. Kernels report it.
        15 "IFLA_BR_TOPOLOGY_CHANGE_DETECTED" => topology_change_detected: u8,
        /// Time left until the next hello, in 1/100 s. Kernels report it.
        16 "IFLA_BR_HELLO_TIMER" => hello_timer: u64,
        /// Time left until a change of the topology is told again, in 1/100 s. Kernels report it.
        17 "IFLA_BR_TCN_TIMER" => tcn_timer: u64,
        /// Time left of a change of the topology, in 1/100 s. Kernels report it.
        18 "IFLA_BR_TOPOLOGY_CHANGE_TIMER" => topology_change_timer: u64,
        /// Time left until old addresses are cleared away, in 1/100 s. Kernels report it.
        19 "IFLA_BR_GC_TIMER" => gc_timer: u64,
        /// The group that the spanning tree protocol uses, a MAC address.
        20 "IFLA_BR_GROUP_ADDR" => group_address: Raw,
        /// Forgets all addresses.
        21 "IFLA_BR_FDB_FLUSH" => fdb_flush: flag,
        /// Multicast routers: 0 none, 1 those it learns of, 2 always.
        22 "IFLA_BR_MCAST_ROUTER" => mcast_router: u8,
        /// Whether it listens to group memberships: 0 or 1.
        23 "IFLA_BR_MCAST_SNOOPING" => mcast_snooping: u8,
        /// Whether its queries bear its own address: 0 or 1.
        24 "IFLA_BR_MCAST_QUERY_USE_IFADDR" => mcast_query_use_ifaddr: u8,
        /// Whether it sends queries: 0 or 1.
        25 "IFLA_BR_MCAST_QUERIER" => mcast_querier: u8,
        /// Without effect since Linux 4.20.
        26 "IFLA_BR_MCAST_HASH_ELASTICITY" => mcast_hash_elasticity: u32,
        /// The most groups it keeps.
        27 "IFLA_BR_MCAST_HASH_MAX" => mcast_hash_max: u32,
        /// How often it asks for members before a group is left.
        28 "IFLA_BR_MCAST_LAST_MEMBER_CNT" => mcast_last_member_count: u32,
        /// How often it asks at the start.
        29 "IFLA_BR_MCAST_STARTUP_QUERY_CNT" => mcast_startup_query_count: u32,
        /// Time between those questions, in 1/100 s.
        30 "IFLA_BR_MCAST_LAST_MEMBER_INTVL" => mcast_last_member_interval: u64,
        /// How long a membership lasts, in 1/100 s.
        31 "IFLA_BR_MCAST_MEMBERSHIP_INTVL" => mcast_membership_interval: u64,
        /// How long another querier counts as there, in 1/100 s.
        32 "IFLA_BR_MCAST_QUERIER_INTVL" => mcast_querier_interval: u64,
        /// Time between queries, in 1/100 s.
        33 "IFLA_BR_MCAST_QUERY_INTVL" => mcast_query_interval: u64,
        /// Time given for answers, in 1/100 s.
        34 "IFLA_BR_MCAST_QUERY_RESPONSE_INTVL" => mcast_query_response_interval: u64,
        /// Time between queries at the start, in 1/100 s.
        35 "IFLA_BR_MCAST_STARTUP_QUERY_INTVL" => mcast_startup_query_interval: u64,
        /// Whether its packets pass iptables: 0 or 1.
        36 "IFLA_BR_NF_CALL_IPTABLES" => nf_call_iptables: u8,
        /// Whether its packets pass ip6tables: 0 or 1.
        37 "IFLA_BR_NF_CALL_IP6TABLES" => nf_call_ip6tables: u8,
        /// Whether its packets pass arptables: 0 or 1.
        38 "IFLA_BR_NF_CALL_ARPTABLES" => nf_call_arptables: u8,
        /// The VLAN of packets without a tag; 0 is none.
        39 "IFLA_BR_VLAN_DEFAULT_PVID" => vlan_default_pvid: u16,
        40 "IFLA_BR_PAD" => pad,
        /// Whether it counts per VLAN: 0 or 1.
        41 "IFLA_BR_VLAN_STATS_ENABLED" => vlan_stats_enabled: u8,
        /// Whether it counts multicast: 0 or 1.
        42 "IFLA_BR_MCAST_STATS_ENABLED" => mcast_stats_enabled: u8,
        /// The version of IGMP: 2 or 3.
        43 "IFLA_BR_MCAST_IGMP_VERSION" => mcast_igmp_version: u8,
        /// The version of MLD: 1 or 2.
        44 "IFLA_BR_MCAST_MLD_VERSION" => mcast_mld_version: u8,
        /// Whether it counts per VLAN and port: 0 or 1.
        45 "IFLA_BR_VLAN_STATS_PER_PORT" => vlan_stats_per_port: u8,
        /// Further switches (`struct br_boolopt_multi`): values and which of them count.
        46 "IFLA_BR_MULTI_BOOLOPT" => multi_boolopt: Raw,
        /// The querier in charge, a nest. Kernels report it.
        47 "IFLA_BR_MCAST_QUERIER_STATE" => mcast_querier_state: Raw,
        /// How many addresses it has learned. Kernels report it.
        48 "IFLA_BR_FDB_N_LEARNED" => fdb_n_learned: u32,
        /// The most addresses it learns; 0 is no limit.
        49 "IFLA_BR_FDB_MAX_LEARNED" => fdb_max_learned: u32,
    }
}

/// What can be set, in `ip`'s words.
impl Display for Bridge {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.forward_delay.say("forward_delay", f)?;
        self.hello_time.say("hello_time", f)?;
        self.max_age.say("max_age", f)?;
        self.ageing_time.say("ageing_time", f)?;
        self.stp_state.say("stp_state", f)?;
        self.priority.say("priority", f)?;
        self.vlan_filtering.say("vlan_filtering", f)?;
        match self.vlan_protocol {
            Some(Be(0x8100)) => f.write_str(" vlan_protocol 802.1Q")?,
            Some(Be(0x88a8)) => f.write_str(" vlan_protocol 802.1ad")?,
            _ => (),
        }
        self.group_fwd_mask.say("group_fwd_mask", f)?;
        let mac = |raw: &Raw| HardwareAddress::from_bytes(&raw.0).filter(|mac| !mac.as_bytes().is_empty());
        self.group_address.as_ref().and_then(mac).say("group_address", f)?;
        self.fdb_flush.say("fdb_flush", f)?;
        self.mcast_router.say("mcast_router", f)?;
        self.mcast_snooping.say("mcast_snooping", f)?;
        self.mcast_query_use_ifaddr.say("mcast_query_use_ifaddr", f)?;
        self.mcast_querier.say("mcast_querier", f)?;
        self.mcast_hash_elasticity.say("mcast_hash_elasticity", f)?;
        self.mcast_hash_max.say("mcast_hash_max", f)?;
        self.mcast_last_member_count.say("mcast_last_member_count", f)?;
        self.mcast_startup_query_count.say("mcast_startup_query_count", f)?;
        self.mcast_last_member_interval.say("mcast_last_member_interval", f)?;
        self.mcast_membership_interval.say("mcast_membership_interval", f)?;
        self.mcast_querier_interval.say("mcast_querier_interval", f)?;
        self.mcast_query_interval.say("mcast_query_interval", f)?;
        self.mcast_query_response_interval.say("mcast_query_response_interval", f)?;
        self.mcast_startup_query_interval.say("mcast_startup_query_interval", f)?;
        self.nf_call_iptables.say("nf_call_iptables", f)?;
        self.nf_call_ip6tables.say("nf_call_ip6tables", f)?;
        self.nf_call_arptables.say("nf_call_arptables", f)?;
        self.vlan_default_pvid.say("vlan_default_pvid", f)?;
        self.vlan_stats_enabled.say("vlan_stats_enabled", f)?;
        self.mcast_stats_enabled.say("mcast_stats_enabled", f)?;
        self.mcast_igmp_version.say("mcast_igmp_version", f)?;
        self.mcast_mld_version.say("mcast_mld_version", f)?;
        self.vlan_stats_per_port.say("vlan_stats_per_port", f)?;
        self.fdb_max_learned.say("fdb_max_learned", f)?;
        Ok(())
    }
}
