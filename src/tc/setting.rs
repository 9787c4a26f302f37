use crate::clock::Clock;

/// What a kernel takes its defaults from: the device and the qdisc that an object belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The packet scheduler's clock.
    pub clock: Clock,
    /// The device's MTU, in bytes.
    pub mtu: u32,
    /// The bytes of a link header in front of it (`hard_header_len`), if they are known: kernels do not report them.
    pub header: Option<u32>,
    /// The length of the device's queue, in packets (`txqueuelen`).
    pub queue_len: u32,
    /// HTB's r2q: what divides a class's rate to give its quantum.
    pub r2q: u32,
    /// Whether the class has classes below it.
    pub inner: bool,
}

/// More than any link header has, in bytes.
const LONG_HEADER: u32 = 128;

impl Setting {
    /// The device's longest frame, in bytes, as far as its header is known: `psched_mtu` of `include/net/pkt_sched.h`.
    pub(super) fn frame(&self) -> u32 {
        self.mtu.wrapping_add(self.header.unwrap_or(0))
    }

    /// Whether a kernel can have reckoned with this longest frame: any header may stand before the MTU where it is not known.
    pub(super) fn may_be_frame(&self, bytes: u32) -> bool {
        match self.header {
            Some(_) => bytes == self.frame(),
            None => bytes.checked_sub(self.mtu).is_some_and(|header| header <= LONG_HEADER),
        }
    }
}
