use crate::route::Bridge;
use crate::wire::Be;

/// Keeps these options where they are something else than what new bridges have.
macro_rules! unusual {
    ($bridge:ident: $($field:ident = $($usual:literal)|+,)*) => {
        Bridge {
            $($field: $bridge.$field.filter(|value| !matches!(value, $($usual)|+)),)*
            vlan_protocol: $bridge.vlan_protocol.filter(|protocol| *protocol != Be(0x8100)),
            group_address: $bridge.group_address.clone().filter(|address| address.0 != GROUP),
            ..Bridge::default()
        }
    };
}

/// The address to which bridges talk to each other.
const GROUP: [u8; 6] = [1, 0x80, 0xc2, 0, 0, 0];

/// The options in which a bridge differs from a new one, as `br_dev_setup` and `br_multicast_init` of Linux make it: spelt out,
/// they would bind the script to kernels and tools that know all of them.
pub(super) fn unusual(bridge: &Bridge) -> Bridge {
    unusual!(bridge:
        forward_delay = 1500,
        hello_time = 200,
        max_age = 2000,
        ageing_time = 30000,
        stp_state = 0,
        priority = 32768,
        vlan_filtering = 0,
        group_fwd_mask = 0,
        mcast_router = 1,
        mcast_snooping = 1,
        mcast_query_use_ifaddr = 0,
        mcast_querier = 0,
        mcast_hash_elasticity = 4 | 16,
        mcast_hash_max = 512 | 4096,
        mcast_last_member_count = 2,
        mcast_startup_query_count = 2,
        mcast_last_member_interval = 100,
        mcast_membership_interval = 26000,
        mcast_querier_interval = 25500,
        mcast_query_interval = 12500,
        mcast_query_response_interval = 1000,
        // By how ticks are rounded.
        mcast_startup_query_interval = 3124 | 3125,
        nf_call_iptables = 0,
        nf_call_ip6tables = 0,
        nf_call_arptables = 0,
        vlan_default_pvid = 1,
        vlan_stats_enabled = 0,
        vlan_stats_per_port = 0,
        mcast_stats_enabled = 0,
        mcast_igmp_version = 2,
        mcast_mld_version = 1,
        fdb_max_learned = 0,
    )
}
