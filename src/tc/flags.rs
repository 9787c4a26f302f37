use crate::wire::{DecodeError, EncodeError, Value, Writer};
use std::fmt::{self, Display, Formatter};

bitflags::bitflags! {
    /// Whether a filter works in hardware, in software or in both: TCA_CLS_FLAGS of `include/uapi/linux/pkt_cls.h`.
    ///
    /// Where a filter ended up (`IN_HW`, `NOT_IN_HW`) is the kernel's to say: it refuses these bits in requests, so they are
    /// not sent. `SKIP_HW` and `SKIP_SW` exclude each other; asking for both is an error.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct FilterFlags: u32 {
        /// Only in software.
        const SKIP_HW = 1;
        /// Only in hardware; the filter is refused where the hardware cannot do it.
        const SKIP_SW = 2;
        /// It is in hardware. Kernels report it.
        const IN_HW = 4;
        /// It is not in hardware. Kernels report it.
        const NOT_IN_HW = 8;
        /// Say why the hardware does not take it.
        const VERBOSE = 16;
        /// Bits of later kernels.
        const _ = !0;
    }
}

impl FilterFlags {
    /// What only kernels say.
    pub(super) const REPORTED: FilterFlags = FilterFlags::IN_HW.union(FilterFlags::NOT_IN_HW);
}

impl Value for FilterFlags {
    fn encode(&self, w: &mut Writer) {
        if self.contains(FilterFlags::SKIP_HW | FilterFlags::SKIP_SW) {
            w.fail(EncodeError::Invalid("skip_hw and skip_sw exclude each other"));
        }
        w.put_u32(self.difference(FilterFlags::REPORTED).bits());
    }
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        u32::decode(payload).map(FilterFlags::from_bits_retain)
    }
}

/// `tc`'s words for what a request can ask for.
impl Display for FilterFlags {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (flag, word) in [(FilterFlags::SKIP_HW, " skip_hw"), (FilterFlags::SKIP_SW, " skip_sw")] {
            if self.contains(flag) {
                f.write_str(word)?;
            }
        }
        Ok(())
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for FilterFlags {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        g.pick(&[FilterFlags::empty(), FilterFlags::SKIP_HW, FilterFlags::SKIP_SW])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_reports_is_read_but_not_sent() {
        let reported = FilterFlags::decode(&9u32.to_ne_bytes()).unwrap();
        assert_eq!(reported, FilterFlags::SKIP_HW | FilterFlags::NOT_IN_HW);
        let mut w = Writer::default();
        reported.encode(&mut w);
        assert_eq!(w.finish(), Ok(()));
        assert_eq!(w.bytes(), 1u32.to_ne_bytes());
    }

    #[test]
    fn nothing_is_left_where_hardware_and_software_are_skipped() {
        let mut w = Writer::default();
        (FilterFlags::SKIP_HW | FilterFlags::SKIP_SW).encode(&mut w);
        assert_eq!(w.finish(), Err(EncodeError::Invalid("skip_hw and skip_sw exclude each other")));
    }
}
