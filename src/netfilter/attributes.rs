//! The messages of nf_tables and ctnetlink: header and attributes. `include/uapi/linux/netfilter/`
//!
//! Attributes stand in the order in which `nft` sends them, so that recordings compare byte by byte.

use crate::wire::{Be, Raw, Table, Text};

layout! {
    /// The header of all netfilter messages.
    pub(super) struct Header = "nfgenmsg" {
        /// NFPROTO_, or an AF_ number.
        pub family: u8,
        /// ctnetlink: whether a request to delete looks at the family.
        pub version: u8,
        /// In batches the subsystem, in nf_tables' answers the generation of its state.
        pub resource: Be<u16>,
    }
}

attrs! {
    pub(super) wordless struct TableAttrs {
        1 "NFTA_TABLE_NAME" => name: Text,
        2 "NFTA_TABLE_FLAGS" => flags: Be<u32>,
        3 "NFTA_TABLE_USE" => uses: Be<u32>,
        6 "NFTA_TABLE_USERDATA" => userdata: Raw,
    }
}

attrs! {
    pub(super) wordless struct ChainAttrs {
        1 "NFTA_CHAIN_TABLE" => table: Text,
        3 "NFTA_CHAIN_NAME" => name: Text,
        7 "NFTA_CHAIN_TYPE" => kind: Text,
        4 "NFTA_CHAIN_HOOK" => hook: nested HookAttrs,
        5 "NFTA_CHAIN_POLICY" => policy: Be<u32>,
    }
}

attrs! {
    pub(super) wordless struct HookAttrs {
        1 "NFTA_HOOK_HOOKNUM" => number: Be<u32>,
        2 "NFTA_HOOK_PRIORITY" => priority: Be<u32>,
    }
}

attrs! {
    pub(super) wordless struct RuleAttrs {
        1 "NFTA_RULE_TABLE" => table: Text,
        2 "NFTA_RULE_CHAIN" => chain: Text,
        3 "NFTA_RULE_HANDLE" => handle: Be<u64>,
        4 "NFTA_RULE_EXPRESSIONS" => expressions: nested Raw,
        7 "NFTA_RULE_USERDATA" => userdata: Raw,
    }
}

attrs! {
    /// One of a rule's expressions.
    pub(super) wordless struct Element {
        1 "NFTA_EXPR_NAME" => name: Text,
        2 "NFTA_EXPR_DATA" => data: nested Raw,
    }
}

attrs! {
    pub(super) wordless struct Meta {
        2 "NFTA_META_KEY" => key: Be<u32>,
        1 "NFTA_META_DREG" => to: Be<u32>,
        3 "NFTA_META_SREG" => from: Be<u32>,
    }
}

attrs! {
    pub(super) wordless struct Ct {
        2 "NFTA_CT_KEY" => key: Be<u32>,
        1 "NFTA_CT_DREG" => to: Be<u32>,
        4 "NFTA_CT_SREG" => from: Be<u32>,
    }
}

attrs! {
    pub(super) wordless struct Bitwise {
        1 "NFTA_BITWISE_SREG" => from: Be<u32>,
        2 "NFTA_BITWISE_DREG" => to: Be<u32>,
        6 "NFTA_BITWISE_OP" => op: Be<u32>,
        3 "NFTA_BITWISE_LEN" => len: Be<u32>,
        4 "NFTA_BITWISE_MASK" => mask: nested Data,
        5 "NFTA_BITWISE_XOR" => xor: nested Data,
    }
}

attrs! {
    pub(super) wordless struct Cmp {
        1 "NFTA_CMP_SREG" => from: Be<u32>,
        2 "NFTA_CMP_OP" => op: Be<u32>,
        3 "NFTA_CMP_DATA" => data: nested Data,
    }
}

attrs! {
    pub(super) wordless struct Payload {
        1 "NFTA_PAYLOAD_DREG" => to: Be<u32>,
        2 "NFTA_PAYLOAD_BASE" => base: Be<u32>,
        3 "NFTA_PAYLOAD_OFFSET" => offset: Be<u32>,
        4 "NFTA_PAYLOAD_LEN" => len: Be<u32>,
    }
}

attrs! {
    pub(super) wordless struct Fib {
        3 "NFTA_FIB_FLAGS" => flags: Be<u32>,
        2 "NFTA_FIB_RESULT" => result: Be<u32>,
        1 "NFTA_FIB_DREG" => to: Be<u32>,
    }
}

attrs! {
    pub(super) wordless struct Immediate {
        1 "NFTA_IMMEDIATE_DREG" => to: Be<u32>,
        2 "NFTA_IMMEDIATE_DATA" => data: nested Data,
    }
}

attrs! {
    pub(super) wordless struct Nat {
        1 "NFTA_NAT_TYPE" => kind: Be<u32>,
        2 "NFTA_NAT_FAMILY" => family: Be<u32>,
        3 "NFTA_NAT_REG_ADDR_MIN" => address: Be<u32>,
    }
}

attrs! {
    pub(super) wordless struct Reject {
        1 "NFTA_REJECT_TYPE" => kind: Be<u32>,
        2 "NFTA_REJECT_ICMP_CODE" => code: u8,
    }
}

attrs! {
    pub(super) wordless struct Data {
        1 "NFTA_DATA_VALUE" => value: Raw,
        2 "NFTA_DATA_VERDICT" => verdict: nested Verdict,
    }
}

attrs! {
    pub(super) wordless struct Verdict {
        1 "NFTA_VERDICT_CODE" => code: Be<u32>,
        2 "NFTA_VERDICT_CHAIN" => chain: Text,
    }
}

attrs! {
    pub(super) wordless struct Counted {
        1 "NFTA_COUNTER_BYTES" => bytes: Be<u64>,
        2 "NFTA_COUNTER_PACKETS" => packets: Be<u64>,
    }
}

attrs! {
    /// What of a connection is looked at.
    pub(super) wordless struct Flow {
        8 "CTA_MARK" => mark: Be<u32>,
        21 "CTA_MARK_MASK" => mask: Be<u32>,
    }
}

/// The attribute tables, for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![
        Table::of::<TableAttrs>(),
        Table::of::<ChainAttrs>(),
        Table::of::<HookAttrs>(),
        Table::of::<RuleAttrs>(),
        Table::of::<Element>(),
        Table::of::<Meta>(),
        Table::of::<Ct>(),
        Table::of::<Bitwise>(),
        Table::of::<Cmp>(),
        Table::of::<Payload>(),
        Table::of::<Fib>(),
        Table::of::<Immediate>(),
        Table::of::<Nat>(),
        Table::of::<Reject>(),
        Table::of::<Data>(),
        Table::of::<Verdict>(),
        Table::of::<Counted>(),
        Table::of::<Flow>(),
        Table::layout::<Header>(),
    ]
}
