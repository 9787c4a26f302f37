//! What the kernel's headers have and the crate does not declare, with the reasons.

use super::c::Headers;
use super::{lines as lines_of, structs, tables, SETS};
use std::collections::BTreeSet;

/// Beginnings of names and, for those that end with a blank, whole names. Of several that fit, the longest counts.
const ABSENT: &[(&str, &[&str])] = &[
    (
        "queueing disciplines of which the crate has no kind: they are kept as they came (`Other`)",
        &[
            "TCA_CAKE_", "TCA_CBS_", "TCA_CHOKE_", "TCA_CODEL_", "TCA_DRR_", "TCA_ETF_", "TCA_ETS_", "TCA_FQ_",
            "TCA_GRED_", "TCA_HFSC_", "TCA_HHF_", "TCA_MQPRIO_", "TCA_NETEM_", "NETEM_LOSS_", "TCA_PIE_", "TCA_QFQ_",
            "TCA_RED_", "TCA_SFB_", "TCA_TAPRIO_", "tc_cbs_", "tc_choke_", "tc_codel_", "tc_drr_", "tc_etf_", "tc_fq_",
            "tc_gred_", "tc_hfsc_", "tc_service_curve ", "tc_hhf_", "tc_mqprio_", "tc_multiq_", "tc_netem_", "tc_pie_",
            "tc_plug_", "tc_prio_", "tc_qfq_", "tc_red_", "tc_sfb_", "tc_skbprio_",
        ],
    ),
    (
        "filters of which the crate has no kind",
        &[
            "TCA_BASIC_", "TCA_BPF_", "TCA_CGROUP_", "TCA_EMATCH_", "TCA_FLOWER_", "TCA_FLOW_", "TCA_MATCHALL_",
            "TCA_ROUTE4_", "tc_basic_", "tc_matchall_", "tcf_ematch_",
        ],
    ),
    (
        "actions of which the crate has no kind",
        &[
            "TCA_ACT_BPF_", "TCA_CONNMARK_", "TCA_CSUM_", "TCA_CTINFO_", "TCA_CT_", "TCA_DEF_", "TCA_GATE_", "TCA_IFE_",
            "TCA_MPLS_", "TCA_NAT_", "TCA_PEDIT_", "TCA_SAMPLE_", "TCA_SKBMOD_", "TCA_TUNNEL_KEY_", "TCA_VLAN_",
            "tc_act_bpf ", "tc_connmark ", "tc_csum ", "tc_ct ", "tc_ctinfo ", "tc_defact ", "tc_gate ", "tc_ife ",
            "tc_mpls ", "tc_nat ", "tc_pedit_", "tc_sample ", "tc_skbmod ", "tc_tunnel_key ", "tc_vlan ",
        ],
    ),
    (
        "the same as `tc_gen`, or the beginning of another struct",
        &["tc_gact ", "tc_skbedit ", "tc_cnt ", "tc_sfq_qopt ", "gnet_estimator "],
    ),
    (
        "kinds of links whose options are kept as they came",
        &[
            "IFLA_BAREUDP_", "IFLA_BOND_", "IFLA_DSA_", "IFLA_GENEVE_", "IFLA_GTP_", "IFLA_HSR_", "IFLA_IPOIB_",
            "IFLA_IPVLAN_", "IFLA_MACSEC_", "IFLA_MACVLAN_", "IFLA_NETKIT_", "IFLA_PPP_", "IFLA_RMNET_", "IFLA_TUN_",
            "IFLA_VLAN_", "IFLA_VRF_", "IFLA_VXLAN_", "IFLA_XFRM_", "VNIFILTER_", "VXLAN_", "ifla_rmnet_", "ifla_vlan_",
            "ifla_vxlan_", "tunnel_msg ",
        ],
    ),
    (
        "parts of links that are kept as they came",
        &[
            "IFLA_PROTO_DOWN_REASON_", "IFLA_INET_", "IFLA_INET6_", "IFLA_MCTP_", "IFLA_VF_", "IFLA_PORT_", "IFLA_XDP_",
            "BRIDGE_QUERIER_", "ifla_bridge_id ", "ifla_cacheinfo ", "ifla_port_vsi ", "ifla_vf_",
            "rtnl_link_ifmap ",
        ],
    ),
    (
        "families of messages that the crate does not speak: neighbours, bridges' tables, statistics, prefixes, multicast",
        &[
            "IFLA_BRIDGE_", "BRIDGE_", "MDBA_", "MDBE_", "IFLA_STATS_", "LINK_XSTATS_", "IFLA_OFFLOAD_", "NDUSEROPT_",
            "PREFIX_", "br_", "bridge_", "if_stats_msg ", "nduseroptmsg ", "prefix_cacheinfo ", "prefixmsg ",
            "rta_mfc_stats ", "rtgenmsg ", "rtnl_hw_stats64 ",
        ],
    ),
    (
        "nexthop objects' buckets and counters are no objects of the crate",
        &["NHA_RES_BUCKET_", "NHA_GROUP_STATS_"],
    ),
    (
        "superseded: the 64-bit counters, and caches that kernels no longer have",
        &["rtnl_link_stats ", "rta_session "],
    ),
    (
        "the interface of ioctl, of bridges and of devices",
        &["__bridge_info ", "__fdb_entry ", "__port_info ", "if_settings ", "ifconf ", "ifmap ", "ifreq "],
    ),
    (
        "netlink's sockets are netlink-sys' matter, its attributes are `nlattr`",
        &["NL_POLICY_", "nl_mmap_", "nl_pktinfo ", "rtattr ", "sockaddr_nl "],
    ),
    (
        "enums that are no sets of attributes",
        &["BRIDGE_MODE_", "FR_ACT_", "NFPROTO_", "NFT_", "RTN_", "RT_TABLE_", "TCA_ID_"],
    ),
    (
        "of netfilter only what the uplinks need is declared, and that is checked number by number",
        &["CTA_", "NFNL_", "NFTA_"],
    ),
];

/// The lines of `declared-6.12.txt`.
pub fn lines(headers: &Headers) -> impl Iterator<Item = String> + '_ {
    let sets =
        headers.enums.iter().filter_map(|names| names.first()).filter(|first| first.ends_with("_UNSPEC"));
    sets.chain(&headers.named).map(|name| format!("{name}\n"))
}

#[test]
fn every_set_and_struct_of_linux_6_12_is_declared_or_absent_with_a_reason() {
    let declared: BTreeSet<_> = tables()
        .iter()
        .filter(|table| !table.fields.is_empty())
        .map(|table| table.name)
        .chain(structs::BY_HAND.iter().map(|(name, _)| *name))
        .chain(SETS.iter().copied())
        .collect();
    let entries: Vec<_> = ABSENT.iter().flat_map(|(_, names)| *names).collect();
    let fits = |entry: &str, name: &str| format!("{name} ").starts_with(entry);
    let (mut used, mut wrong) = (BTreeSet::new(), Vec::new());
    for name in lines_of(include_str!("declared-6.12.txt")) {
        let entry = entries.iter().filter(|entry| fits(entry, name)).max_by_key(|entry| entry.len());
        match (declared.contains(name), entry) {
            (false, Some(entry)) => _ = used.insert(*entry),
            (false, None) => wrong.push(format!("{name} is neither declared nor absent")),
            (true, Some(entry)) if entry.ends_with(' ') => {
                wrong.push(format!("{name} is declared, and absent"))
            }
            (true, _) => (),
        }
    }
    wrong.extend(
        entries.iter().filter(|e| !used.contains(**e)).map(|entry| format!("nothing is absent as {entry}")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
