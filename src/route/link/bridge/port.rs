//! Ports of bridges.

use crate::wire::Be;

attrs! {
    /// The options and the state of a bridge's port. `man 8 bridge`, `net/bridge/br_netlink.c`
    pub wordless struct BridgePort {
        /// Its state in the spanning tree: 0 disabled, 1 listening, 2 learning, 3 forwarding, 4 blocking.
        1 "IFLA_BRPORT_STATE" => state: u8,
        /// Its priority among the bridge's ports, 0 to 63.
        2 "IFLA_BRPORT_PRIORITY" => priority: u16,
        /// The cost of a path through it.
        3 "IFLA_BRPORT_COST" => cost: u32,
        /// Whether packets may leave where they came in: 0 or 1.
        4 "IFLA_BRPORT_MODE" => hairpin: u8,
        /// Whether it drops messages of the spanning tree protocol: 0 or 1.
        5 "IFLA_BRPORT_GUARD" => guard: u8,
        /// Whether it can never lead to the root: 0 or 1.
        6 "IFLA_BRPORT_PROTECT" => root_block: u8,
        /// Whether a group without members is left at once: 0 or 1.
        7 "IFLA_BRPORT_FAST_LEAVE" => fastleave: u8,
        /// Whether addresses are learned from it: 0 or 1.
        8 "IFLA_BRPORT_LEARNING" => learning: u8,
        /// Whether packets to unknown addresses go out by it: 0 or 1.
        9 "IFLA_BRPORT_UNICAST_FLOOD" => flood: u8,
        /// Whether the bridge answers ARP requests for the hosts behind it: 0 or 1.
        10 "IFLA_BRPORT_PROXYARP" => proxy_arp: u8,
        /// Whether addresses that hardware learned are taken over: 0 or 1.
        11 "IFLA_BRPORT_LEARNING_SYNC" => learning_sync: u8,
        /// The same as `proxy_arp`, for IEEE 802.11 and Hotspot 2.0.
        12 "IFLA_BRPORT_PROXYARP_WIFI" => proxy_arp_wifi: u8,
        /// The spanning tree's root as it knows it: priority and address. Kernels report it.
        13 "IFLA_BRPORT_ROOT_ID" => root_id: Be<u64>,
        /// The bridge that leads to the root: priority and address. Kernels report it.
        14 "IFLA_BRPORT_BRIDGE_ID" => bridge_id: Be<u64>,
        /// That bridge's port on this link. Kernels report it.
        15 "IFLA_BRPORT_DESIGNATED_PORT" => designated_port: u16,
        /// The cost of that bridge's path to the root. Kernels report it.
        16 "IFLA_BRPORT_DESIGNATED_COST" => designated_cost: u16,
        /// Its own priority and number. Kernels report it.
        17 "IFLA_BRPORT_ID" => id: u16,
        /// Its number in the bridge. Kernels report it.
        18 "IFLA_BRPORT_NO" => number: u16,
        /// Whether it acknowledges a change of the topology. Kernels report it.
        19 "IFLA_BRPORT_TOPOLOGY_CHANGE_ACK" => topology_change_ack: u8,
        /// Whether a message is to be sent. Kernels report it.
        20 "IFLA_BRPORT_CONFIG_PENDING" => config_pending: u8,
        /// Time left until the last message is too old, in 1/100 s. Kernels report it.
        21 "IFLA_BRPORT_MESSAGE_AGE_TIMER" => message_age_timer: u64,
        /// Time left until the next state, in 1/100 s. Kernels report it.
        22 "IFLA_BRPORT_FORWARD_DELAY_TIMER" => forward_delay_timer: u64,
        /// Time left until the next message may be sent, in 1/100 s. Kernels report it.
        23 "IFLA_BRPORT_HOLD_TIMER" => hold_timer: u64,
        /// Forgets the addresses learned from it.
        24 "IFLA_BRPORT_FLUSH" => flush: flag,
        /// Multicast routers behind it: 0 none, 1 those that the bridge learns of, 2 always, 3 for some time.
        25 "IFLA_BRPORT_MULTICAST_ROUTER" => mcast_router: u8,
        26 "IFLA_BRPORT_PAD" => pad,
        /// Whether multicast packets of groups that nobody asked for go out by it: 0 or 1.
        27 "IFLA_BRPORT_MCAST_FLOOD" => mcast_flood: u8,
        /// Whether each member of a group gets a packet of its own: 0 or 1.
        28 "IFLA_BRPORT_MCAST_TO_UCAST" => mcast_to_unicast: u8,
        /// Whether VLANs are mapped to tunnels: 0 or 1.
        29 "IFLA_BRPORT_VLAN_TUNNEL" => vlan_tunnel: u8,
        /// Whether broadcasts go out by it: 0 or 1.
        30 "IFLA_BRPORT_BCAST_FLOOD" => bcast_flood: u8,
        /// Which link-local groups 01:80:c2:00:00:0X it forwards, a bit each.
        31 "IFLA_BRPORT_GROUP_FWD_MASK" => group_fwd_mask: u16,
        /// Whether neighbours are not asked for behind it: 0 or 1.
        32 "IFLA_BRPORT_NEIGH_SUPPRESS" => neigh_suppress: u8,
        /// Whether it exchanges packets only with ports that are not isolated: 0 or 1.
        33 "IFLA_BRPORT_ISOLATED" => isolated: u8,
        /// The port that takes its packets when it has no carrier, by the index of the link.
        34 "IFLA_BRPORT_BACKUP_PORT" => backup_port: u32,
        /// Whether its ring of the media redundancy protocol is open. Kernels report it.
        35 "IFLA_BRPORT_MRP_RING_OPEN" => mrp_ring_open: u8,
        /// Whether its interconnection of that protocol is open. Kernels report it.
        36 "IFLA_BRPORT_MRP_IN_OPEN" => mrp_in_open: u8,
        /// The most hosts behind it whose memberships are kept.
        37 "IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT" => mcast_eht_hosts_limit: u32,
        /// How many hosts there are. Kernels report it.
        38 "IFLA_BRPORT_MCAST_EHT_HOSTS_CNT" => mcast_eht_hosts: u32,
        /// Whether only known hosts get through: 0 or 1.
        39 "IFLA_BRPORT_LOCKED" => locked: u8,
        /// Whether hosts that it does not let through are told to programs: 0 or 1.
        40 "IFLA_BRPORT_MAB" => mab: u8,
        /// How many groups it is in. Kernels report it.
        41 "IFLA_BRPORT_MCAST_N_GROUPS" => mcast_n_groups: u32,
        /// The most groups it can be in; 0 is no limit.
        42 "IFLA_BRPORT_MCAST_MAX_GROUPS" => mcast_max_groups: u32,
        /// Whether neighbours are not asked for in some VLANs: 0 or 1.
        43 "IFLA_BRPORT_NEIGH_VLAN_SUPPRESS" => neigh_vlan_suppress: u8,
        /// The nexthop that packets take by the backup port; 0 is none.
        44 "IFLA_BRPORT_BACKUP_NHID" => backup_nhid: u32,
    }
}
