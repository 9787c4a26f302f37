use super::Json;
use serde_json::Value;
use tcnl::route::Bridge;
use tcnl::wire::Be;

/// A bridge's options and state.
pub fn data(bridge: &Bridge) -> Value {
    let mut json = Json::default();
    json.some("forward_delay", bridge.forward_delay);
    json.some("hello_time", bridge.hello_time);
    json.some("max_age", bridge.max_age);
    json.some("ageing_time", bridge.ageing_time);
    json.some("stp_state", bridge.stp_state);
    json.some("priority", bridge.priority);
    json.some("vlan_filtering", bridge.vlan_filtering);
    json.some("vlan_protocol", bridge.vlan_protocol.filter(|id| *id == Be(0x8100)).map(|_| "802.1Q"));
    json.some("bridge_id", bridge.bridge_id.map(identity));
    json.some("root_id", bridge.root_id.map(identity));
    json.some("root_port", bridge.root_port);
    json.some("root_path_cost", bridge.root_path_cost);
    json.some("topology_change", bridge.topology_change);
    json.some("topology_change_detected", bridge.topology_change_detected);
    json.some("hello_timer", bridge.hello_timer.map(seconds));
    json.some("tcn_timer", bridge.tcn_timer.map(seconds));
    json.some("topology_change_timer", bridge.topology_change_timer.map(seconds));
    json.some("gc_timer", bridge.gc_timer.map(seconds));
    json.some("fdb_n_learned", bridge.fdb_n_learned);
    json.some("fdb_max_learned", bridge.fdb_max_learned);
    json.some("vlan_default_pvid", bridge.vlan_default_pvid);
    json.some("vlan_stats_enabled", bridge.vlan_stats_enabled);
    json.some("vlan_stats_per_port", bridge.vlan_stats_per_port);
    json.some("group_fwd_mask", bridge.group_fwd_mask.map(|mask| format!("{mask:x}")));
    json.some("group_addr", bridge.group_address.as_ref().map(|address| hex(&address.0, 2)));
    json.some("mcast_snooping", bridge.mcast_snooping);
    json.some("mcast_router", bridge.mcast_router);
    json.some("mcast_query_use_ifaddr", bridge.mcast_query_use_ifaddr);
    json.some("mcast_querier", bridge.mcast_querier);
    json.some("mcast_hash_elasticity", bridge.mcast_hash_elasticity);
    json.some("mcast_hash_max", bridge.mcast_hash_max);
    json.some("mcast_last_member_cnt", bridge.mcast_last_member_count);
    json.some("mcast_startup_query_cnt", bridge.mcast_startup_query_count);
    json.some("mcast_last_member_intvl", bridge.mcast_last_member_interval);
    json.some("mcast_membership_intvl", bridge.mcast_membership_interval);
    json.some("mcast_querier_intvl", bridge.mcast_querier_interval);
    json.some("mcast_query_intvl", bridge.mcast_query_interval);
    json.some("mcast_query_response_intvl", bridge.mcast_query_response_interval);
    json.some("mcast_startup_query_intvl", bridge.mcast_startup_query_interval);
    json.some("mcast_stats_enabled", bridge.mcast_stats_enabled);
    json.some("mcast_igmp_version", bridge.mcast_igmp_version);
    json.some("mcast_mld_version", bridge.mcast_mld_version);
    json.some("nf_call_iptables", bridge.nf_call_iptables);
    json.some("nf_call_ip6tables", bridge.nf_call_ip6tables);
    json.some("nf_call_arptables", bridge.nf_call_arptables);
    json.done()
}

/// A bridge in the spanning tree: priority and address.
fn identity(id: Be<u64>) -> String {
    let bytes = id.0.to_be_bytes();
    format!("{:02x}{:02x}.{}", bytes[0], bytes[1], hex(&bytes[2..], 1))
}

fn hex(bytes: &[u8], width: usize) -> String {
    bytes.iter().map(|byte| format!("{byte:0width$x}")).collect::<Vec<_>>().join(":")
}

/// Of hundredths of a second.
fn seconds(hundredths: u64) -> f64 {
    hundredths as f64 / 100.0
}
