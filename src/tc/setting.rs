use crate::clock::Clock;

/// What a kernel takes its defaults from: the device and the qdisc that an object belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The packet scheduler's clock.
    pub clock: Clock,
    /// The device's MTU, in bytes.
    pub mtu: u32,
    /// The bytes of a link header in front of it (`hard_header_len`), as far as they are known.
    pub header: u32,
    /// The length of the device's queue, in packets (`txqueuelen`).
    pub queue_len: u32,
    /// HTB's r2q: what divides a class's rate to give its quantum.
    pub r2q: u32,
    /// Whether the class has classes below it.
    pub inner: bool,
}
