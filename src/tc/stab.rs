use crate::wire::Raw;
use std::fmt::{self, Display, Formatter};

attrs! {
    /// A size table (TCA_STAB): what packets cost on the link. `man 8 tc-stab`, `net/sched/sch_api.c`
    pub wordless struct SizeTable {
        /// How the table is to be read.
        1 "TCA_STAB_BASE" => base: SizeSpec,
        /// The costs: 16-bit numbers.
        2 "TCA_STAB_DATA" => data: Raw,
    }
}

layout! {
    /// How a size table is to be read. `include/uapi/linux/pkt_sched.h`
    pub struct SizeSpec = "tc_sizespec" {
        /// A cell holds packets of 2^cell_log sizes.
        pub cell_log: u8,
        /// The costs in the table are to be multiplied by 2^size_log.
        pub size_log: u8,
        /// Added to a packet's size before its cell is looked up.
        pub cell_align: i16,
        /// Bytes that each packet costs on top of its length; may be negative.
        pub overhead: i32,
        /// How the link counts bytes.
        pub linklayer: u32,
        /// The least number of bytes that a packet costs.
        pub mpu: u32,
        /// The largest packet the table is made for.
        pub mtu: u32,
        /// The number of entries in the table.
        pub tsize: u32,
    }
}

impl Display for SizeTable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("stab")
    }
}
