use super::LinkLayer;
use crate::text::{Hear, Page, Show, WordError, Words};
use crate::units::ParseError;
use crate::wire::{DecodeError, EncodeError, Reader, Table, Unknown, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// TCA_STAB_ attribute table for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![Table::of::<StabAttrs>(), Table::layout::<SizeSpec>()]
}

/// A size table (TCA_STAB): what packets cost on the link. `man 8 tc-stab`, `net/sched/sch_api.c`
///
/// `SizeTable::new().overhead(24).linklayer(LinkLayer::Atm)`. The table itself follows from the description: it is
/// computed when it is sent, and kernels report only the description.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[doc(alias = "TCA_STAB")]
pub struct SizeTable {
    /// How the table is to be read, and what it was made from.
    #[doc(alias = "TCA_STAB_BASE")]
    pub base: SizeSpec,
    /// The costs, where they are not those that the description gives.
    #[doc(alias = "TCA_STAB_DATA")]
    pub data: Option<Vec<u16>>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
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

/// The most entries: an attribute is at most 64 KiB long.
const MOST: u32 = 32_765;

impl SizeTable {
    /// The largest packet a table is made for where nothing is said, in bytes.
    const DEFAULT_MTU: u32 = 2047;
    /// The number of entries where nothing is said.
    const DEFAULT_TSIZE: u32 = 512;

    /// A table by which packets cost their length.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes to each packet's length; may be negative.
    #[must_use]
    pub fn overhead(mut self, overhead: i32) -> Self {
        self.base.overhead = overhead;
        self
    }

    /// Lets each packet cost at least this many bytes.
    #[must_use]
    pub fn mpu(mut self, mpu: u32) -> Self {
        self.base.mpu = mpu;
        self.sized()
    }

    /// Sets the largest packet the table is made for, in bytes; 2047 if not given.
    #[must_use]
    pub fn mtu(mut self, mtu: u32) -> Self {
        self.base.mtu = mtu;
        self.sized()
    }

    /// Sets the number of entries, up to 32765; 512 if not given.
    #[must_use]
    pub fn tsize(mut self, tsize: u32) -> Self {
        self.base.tsize = tsize;
        self.sized()
    }

    /// Sets how the link counts bytes.
    #[must_use]
    pub fn linklayer(mut self, linklayer: LinkLayer) -> Self {
        self.base.linklayer = linklayer.raw().into();
        self.sized()
    }

    /// Makes of it what kernels report: the description stands for the costs, and without a table only an overhead counts.
    pub(crate) fn settle(&mut self) {
        (self.data, self.unknown) = (None, Unknown::new());
        if self.base.tsize == 0 {
            self.base = SizeSpec { overhead: self.base.overhead, ..SizeSpec::default() };
        }
    }

    /// Chooses the cells. Only an overhead needs no table; the cells are the smallest that reach the MTU, and the costs are
    /// halved until they fit 16 bits, as in iproute2's `tc/tc_core.c`.
    fn sized(mut self) -> Self {
        let base = &mut self.base;
        if base.linklayer <= 1 && base.mpu == 0 {
            return self;
        }
        if base.mtu == 0 {
            base.mtu = Self::DEFAULT_MTU;
        }
        if base.tsize == 0 {
            base.tsize = Self::DEFAULT_TSIZE;
        }
        let last = base.tsize - 1;
        base.cell_log = (0..=30).find(|log| base.mtu >> log <= last).unwrap_or(30);
        base.cell_align = -1;
        let largest = base.cost(last);
        base.size_log = (0..=16).find(|log| largest >> log <= u16::MAX.into()).unwrap_or(16);
        self
    }

    /// The costs that the description gives; none where only an overhead is said.
    fn costs(&self) -> Vec<u16> {
        (0..self.base.tsize.min(MOST))
            .map(|i| (self.base.cost(i).checked_shr(self.base.size_log.into()).unwrap_or(0)) as u16)
            .collect()
    }
}

impl SizeSpec {
    /// What packets of cell `i` cost.
    fn cost(&self, i: u32) -> u32 {
        let size = (u64::from(i) + 1).checked_shl(self.cell_log.into()).unwrap_or(u64::MAX);
        let size = u32::try_from(size).unwrap_or(u32::MAX).max(self.mpu);
        LinkLayer::from_raw(self.linklayer as u8).cost(size)
    }
}

attrs! {
    wordless struct StabAttrs {
        1 "TCA_STAB_BASE" => base: SizeSpec,
        2 "TCA_STAB_DATA" => data: Costs,
    }
}

/// 16-bit numbers.
#[derive(Clone, Debug, PartialEq)]
struct Costs(Vec<u16>);

impl Value for Costs {
    fn encode(&self, w: &mut Writer) {
        self.0.iter().for_each(|cost| w.fixed(cost));
    }
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(payload);
        Ok(Costs(std::iter::from_fn(|| r.u16().ok()).collect()))
    }
}

impl Value for SizeTable {
    fn encode(&self, w: &mut Writer) {
        if self.base.tsize > MOST {
            w.fail(EncodeError::out_of_range("tsize of the size table", self.base.tsize, "up to 32765"));
        }
        let data = self.data.clone().unwrap_or_else(|| self.costs());
        let data = Some(Costs(data)).filter(|data| !data.0.is_empty());
        StabAttrs { base: Some(self.base), data, unknown: self.unknown.clone() }.encode(w);
    }

    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let attrs = StabAttrs::decode(payload)?;
        let base = attrs.base.ok_or_else(|| DecodeError::missing("TCA_STAB_BASE"))?;
        let mut table = SizeTable { base, data: None, unknown: attrs.unknown };
        // Without data it is a kernel's reply, and what would be computed anyway says nothing.
        table.data = attrs.data.map(|data| data.0).filter(|data| !data.is_empty() && *data != table.costs());
        Ok(table)
    }

    fn name_at(path: &[u16]) -> Option<&'static str> {
        StabAttrs::name_at(path)
    }
}

/// The words in front of the qdisc's kind.
impl Display for SizeTable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let base = &self.base;
        f.write_str("stab")?;
        if base.overhead != 0 {
            write!(f, " overhead {}", base.overhead)?;
        }
        let mut number = |word, value: u32, default| match value == default || value == 0 {
            true => Ok(()),
            false => write!(f, " {word} {value}"),
        };
        number("mtu", base.mtu, Self::DEFAULT_MTU)?;
        number("mpu", base.mpu, 0)?;
        number("tsize", base.tsize, Self::DEFAULT_TSIZE)?;
        match base.linklayer {
            0 => Ok(()),
            layer => write!(f, " linklayer {}", LinkLayer::from_raw(layer as u8)),
        }
    }
}

/// The description, as details of a qdisc: what is not 0.
impl Show for SizeTable {
    fn show(&self, page: &mut Page) {
        let SizeSpec { linklayer, overhead, mpu, mtu, tsize, .. } = self.base;
        page.text(" ");
        if linklayer != 0 {
            let word = u8::try_from(linklayer).map_or(LinkLayer::Other(u8::MAX), LinkLayer::from_raw).shown();
            page.field("linklayer", word, format_args!("linklayer {word} "));
        }
        if overhead != 0 {
            page.field("overhead", overhead, format_args!("overhead {overhead} "));
        }
        for (word, value) in [("mpu", mpu), ("mtu", mtu), ("tsize", tsize)] {
            if value != 0 {
                page.field(word, value, format_args!("{word} {value} "));
            }
        }
    }
}

/// The words behind `stab`.
impl Hear for SizeTable {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        // The fields are filled in one by one, and the cells are chosen at the end.
        let base = &mut self.base;
        let once = |is: bool, words: &mut Words<'_>| if is { Err(words.said_twice()) } else { Ok(()) };
        if words.take_if_short("mtu") {
            once(base.mtu != 0, words)?;
            base.mtu = words.number(10)?;
        } else if words.take_if_short("mpu") {
            once(base.mpu != 0, words)?;
            base.mpu = words.number(10)?;
        } else if words.take_if_short("overhead") {
            once(base.overhead != 0, words)?;
            base.overhead = words.read("a number of bytes", signed)?;
        } else if words.take_if_short("tsize") {
            once(base.tsize != 0, words)?;
            base.tsize = words.number(10)?;
        } else if words.take_if_short("linklayer") {
            once(base.linklayer != 0, words)?;
            base.linklayer = words.value::<LinkLayer>()?.raw().into();
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn heard(&mut self, words: &Words<'_>) -> Result<(), WordError> {
        let base = &mut self.base;
        if base.linklayer == 0 && base.mpu == 0 && base.overhead == 0 {
            return Err(words.error("what packets cost: linklayer, overhead or mpu"));
        }
        if base.linklayer <= 1 && base.mpu == 0 {
            // An overhead needs no table.
            (base.mtu, base.tsize) = (0, 0);
        }
        *self = std::mem::take(self).sized();
        Ok(())
    }
}

/// A number of bytes that may be negative.
fn signed(word: &str) -> Result<i32, ParseError> {
    let what = "a number of bytes: expected a decimal number from -2147483648 to 2147483647";
    word.parse().map_err(|_| ParseError::new(word, what))
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for SizeTable {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        let table = SizeTable::new().overhead(g.number() as i32).mpu(g.below(2000) as u32);
        let table = table.mtu(g.below(100_000) as u32).tsize(g.below(4096) as u32);
        table.linklayer(LinkLayer::generate(g))
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Costs {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        Costs(g.list(8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::generate::{Generate, Source};
    use proptest::prelude::*;

    fn bytes(table: &SizeTable) -> Vec<u8> {
        let mut w = Writer::default();
        table.encode(&mut w);
        w.finish().unwrap();
        w.bytes().to_vec()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    #[cfg_attr(target_endian = "big", ignore = "recorded on a little-endian machine")]
    fn tables_are_those_that_tc_sends() {
        // The start of what tc 6.1 sent for these words.
        let adsl = SizeTable::new().overhead(-4).linklayer(LinkLayer::Atm).mtu(9000);
        for (table, words, start) in [
            (
                SizeTable::new().overhead(24).linklayer(LinkLayer::Atm),
                "stab overhead 24 linklayer atm",
                "1c0001000200ffff180000000200000000000000ff070000000200000404020035003500350035003500350035003500350035003500\
                 35006a006a006a006a006a006a006a006a006a006a006a006a009f00",
            ),
            (SizeTable::new().overhead(24), "stab overhead 24", "1c0001000000000018000000000000000000000000000000"),
            (
                SizeTable::new().overhead(18).mpu(64).mtu(2047).tsize(512).linklayer(LinkLayer::Ethernet),
                "stab overhead 18 mpu 64 linklayer ethernet",
                "1c0001000200ffff120000000100000040000000ff07000000020000040402004000400040004000400040004000400040004000\
                 400040004000400040004000440048004c00",
            ),
            (
                adsl,
                "stab overhead -4 mtu 9000 linklayer atm",
                "1c0001000500fffffcffffff020000000000000028230000000200000404020035006a006a009f00d400d40009013e01",
            ),
            (
                SizeTable::new().linklayer(LinkLayer::Atm).mtu(100_000).tsize(64),
                "stab mtu 100000 tsize 64 linklayer atm",
                "1c0001000b02ffff000000000200000000000000a0860100400000008400020039027304a006d908130b400d790fb311",
            ),
            (
                SizeTable::new().linklayer(LinkLayer::Atm).mtu(40_000).tsize(4096),
                "stab mtu 40000 tsize 4096 linklayer atm",
                "1c0001000401ffff000000000200000000000000409c000000100000042002001a001a001a00350035003500",
            ),
        ] {
            assert_eq!(table.to_string(), words);
            assert!(hex(&bytes(&table)).starts_with(start), "{words}: {}", hex(&bytes(&table)));
        }
    }

    #[test]
    fn a_kernels_reply_without_data_can_be_sent_back() {
        let sent = SizeTable::new().mpu(64).linklayer(LinkLayer::Atm);
        let (base, empty) =
            (&bytes(&sent)[..28], [5u16.to_ne_bytes(), 2u16.to_ne_bytes(), [9, 0], [0, 0]].concat());
        for reply in [base, &[base, &empty].concat()] {
            let reply = SizeTable::decode(reply).unwrap();
            assert_eq!(reply, sent);
            assert_eq!(bytes(&reply), bytes(&sent));
        }
    }

    #[test]
    fn data_of_another_maker_is_kept() {
        let mut sent = bytes(&SizeTable::new().mpu(64));
        sent[40] ^= 1;
        let read = SizeTable::decode(&sent).unwrap();
        assert!(read.data.is_some());
        assert_eq!(bytes(&read), sent);
    }

    proptest! {
        #[test]
        fn every_table_decodes_to_what_was_encoded(seed in proptest::collection::vec(any::<u8>(), 0..40)) {
            let table = SizeTable::generate(&mut Source::new(&seed));
            prop_assert_eq!(SizeTable::decode(&bytes(&table)).unwrap(), table);
        }
    }
}
