//! What is said of a route beside its words.

bitflags::bitflags! {
    /// Flags of a route or of one of its ways: RTNH_F_ and RTM_F_ of `include/uapi/linux/rtnetlink.h`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct RouteFlags: u32 {
        /// The way is dead. Kernels report it.
        const DEAD = 1;
        /// Do a recursive gateway look-up.
        const PERVASIVE = 2;
        /// The gateway is on the link whatever the addresses say.
        const ONLINK = 4;
        /// The way is in hardware. Kernels report it.
        const OFFLOAD = 8;
        /// The link is down. Kernels report it.
        const LINKDOWN = 16;
        /// The way is not resolved. Kernels report it.
        const UNRESOLVED = 32;
        /// The way traps packets to the CPU. Kernels report it.
        const TRAP = 64;
        /// Tell user space of changes.
        const NOTIFY = 0x100;
        /// The answer to a look-up. Kernels report it.
        const CLONED = 0x200;
        /// In a look-up: report the table, too. Every look-up asks for it.
        const LOOKUP_TABLE = 0x1000;
        /// In a look-up: report the route that matches instead of its answer.
        const FIB_MATCH = 0x2000;
        /// The route is in hardware. Kernels report it.
        const RT_OFFLOAD = 0x4000;
        /// The route traps packets to the CPU. Kernels report it.
        const RT_TRAP = 0x8000;
        /// The route did not fit into the hardware. Kernels report it.
        const OFFLOAD_FAILED = 0x2000_0000;
        const _ = !0;
    }
}

impl RouteFlags {
    /// What kernels only report, and refuse or misread in requests.
    pub(in crate::route) const STATUS: RouteFlags = RouteFlags::DEAD
        .union(RouteFlags::OFFLOAD)
        .union(RouteFlags::LINKDOWN)
        .union(RouteFlags::UNRESOLVED)
        .union(RouteFlags::TRAP)
        .union(RouteFlags::CLONED)
        .union(RouteFlags::RT_OFFLOAD)
        .union(RouteFlags::RT_TRAP)
        .union(RouteFlags::OFFLOAD_FAILED);
}

layout! {
    /// What the kernel knows of a route's use. `include/uapi/linux/rtnetlink.h`
    pub struct RouteCache = "rta_cacheinfo" {
        /// References.
        pub references: u32,
        /// Time since the last use, in ticks of 1/100 s.
        pub last_use: u32,
        /// Time until it is removed, in ticks of 1/100 s; 0 is never.
        pub expires: i32,
        /// The error that the route answers with, as a negative errno; 0 is none.
        pub error: i32,
        /// How often it was used.
        pub used: u32,
        /// Not in use any more.
        pub id: u32,
        /// Not in use any more.
        pub ts: u32,
        /// Not in use any more.
        pub ts_age: u32,
    }
}
