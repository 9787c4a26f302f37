//! The numbers of the kernel's netfilter headers, by their names there. `tests/headers` compares them.

/// Declares constants, and lists them.
macro_rules! numbers {
    ($($name:ident: $ty:ty = $value:literal;)*) => {
        $(pub(super) const $name: $ty = $value;)*

        pub(super) const ALL: &[(&str, i64)] = &[$((stringify!($name), $name as i64),)*];
    };
}

numbers! {
    // include/uapi/linux/netfilter/nfnetlink.h
    NFNL_MSG_BATCH_BEGIN: u16 = 16;
    NFNL_MSG_BATCH_END: u16 = 17;
    NFNL_SUBSYS_CTNETLINK: u16 = 1;
    NFNL_SUBSYS_NFTABLES: u16 = 10;
    // include/uapi/linux/netfilter/nfnetlink_conntrack.h
    IPCTNL_MSG_CT_NEW: u16 = 0;
    IPCTNL_MSG_CT_GET: u16 = 1;
    IPCTNL_MSG_CT_DELETE: u16 = 2;
    CTA_MARK: u16 = 8;
    // include/uapi/linux/netfilter.h
    NFPROTO_INET: u8 = 1;
    NF_INET_PRE_ROUTING: u32 = 0;
    NF_INET_LOCAL_IN: u32 = 1;
    NF_INET_FORWARD: u32 = 2;
    NF_INET_LOCAL_OUT: u32 = 3;
    NF_INET_POST_ROUTING: u32 = 4;
    NF_DROP: i32 = 0;
    NF_ACCEPT: i32 = 1;
    // include/uapi/linux/netfilter/nf_tables.h
    NFT_NAME_MAXLEN: usize = 256;
    NFT_MSG_NEWTABLE: u16 = 0;
    NFT_MSG_GETTABLE: u16 = 1;
    NFT_MSG_DELTABLE: u16 = 2;
    NFT_MSG_NEWCHAIN: u16 = 3;
    NFT_MSG_GETCHAIN: u16 = 4;
    NFT_MSG_NEWRULE: u16 = 6;
    NFT_MSG_GETRULE: u16 = 7;
    NFT_MSG_DELRULE: u16 = 8;
    NFT_MSG_NEWFLOWTABLE: u16 = 22;
    NFT_MSG_GETFLOWTABLE: u16 = 23;
    NFTA_LIST_ELEM: u16 = 1;
    NFT_JUMP: i32 = -3;
    NFT_RETURN: i32 = -5;
    NFT_REG_VERDICT: u32 = 0;
    NFT_REG_1: u32 = 1;
    NFT_CMP_EQ: u32 = 0;
    NFT_CMP_NEQ: u32 = 1;
    NFT_CMP_LTE: u32 = 3;
    NFT_CMP_GTE: u32 = 5;
    NFT_BITWISE_MASK_XOR: u32 = 0;
    NFT_PAYLOAD_NETWORK_HEADER: u32 = 1;
    NFT_PAYLOAD_TRANSPORT_HEADER: u32 = 2;
    NFT_META_MARK: u32 = 3;
    NFT_META_IIFNAME: u32 = 6;
    NFT_META_OIFNAME: u32 = 7;
    NFT_META_NFPROTO: u32 = 15;
    NFT_META_L4PROTO: u32 = 16;
    NFT_CT_STATE: u32 = 0;
    NFT_CT_MARK: u32 = 3;
    NFT_FIB_RESULT_ADDRTYPE: u32 = 3;
    NFTA_FIB_F_DADDR: u32 = 2;
    NFT_NAT_DNAT: u32 = 1;
    NFT_REJECT_TCP_RST: u32 = 1;
    NFT_REJECT_ICMPX_UNREACH: u32 = 2;
    NFT_REJECT_ICMPX_ADMIN_PROHIBITED: u8 = 3;
    // include/uapi/linux/rtnetlink.h
    RTN_LOCAL: u32 = 2;
}

/// The type of a message: the subsystem, and the message's number in it.
pub(super) const fn message(subsystem: u16, number: u16) -> u16 {
    subsystem << 8 | number
}
