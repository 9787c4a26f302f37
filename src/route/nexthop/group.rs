use crate::text::Say;
use crate::wire::{DecodeError, EncodeError, Fixed, Reader, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// How a group chooses among its members: NEXTHOP_GRP_TYPE_ of `include/uapi/linux/nexthop.h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct GroupType(pub u16);

impl GroupType {
    /// By hash thresholds: a change of members moves many flows.
    #[doc(alias = "NEXTHOP_GRP_TYPE_MPATH")]
    pub const MPATH: GroupType = GroupType(0);
    /// By a table of buckets: a change moves only the flows that must move, or idle ones.
    #[doc(alias = "NEXTHOP_GRP_TYPE_RES")]
    pub const RESILIENT: GroupType = GroupType(1);
}

/// One member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "nexthop_grp")]
pub struct Member {
    /// The nexthop's id.
    pub id: u32,
    /// Its share among the weights of all, 1 to 256; up to 65535 since Linux 6.12.
    pub weight: u16,
}

attrs! {
    /// The table of a resilient group. `include/uapi/linux/nexthop.h`
    pub wordless struct Resilient {
        0 "NHA_RES_GROUP_PAD" => pad,
        /// How many buckets the table has.
        1 "NHA_RES_GROUP_BUCKETS" => buckets: u16,
        /// How long a bucket must be idle before it may move to another member, in 1/100 s.
        2 "NHA_RES_GROUP_IDLE_TIMER" => idle_timer: u32,
        /// How long the table may stay unbalanced before busy buckets move as well, in 1/100 s; 0 is for ever.
        3 "NHA_RES_GROUP_UNBALANCED_TIMER" => unbalanced_timer: u32,
        /// How long it has been unbalanced, in 1/100 s. Kernels report it.
        4 "NHA_RES_GROUP_UNBALANCED_TIME" => unbalanced_time: u64,
    }
}

/// A group of nexthops. `man 8 ip-nexthop`
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Group {
    /// The members.
    pub members: Vec<Member>,
    /// How it chooses; `None` is [`GroupType::MPATH`].
    #[doc(alias = "NHA_GROUP_TYPE")]
    pub kind: Option<GroupType>,
    /// The table of a resilient group.
    #[doc(alias = "NHA_RES_GROUP")]
    pub resilient: Option<Resilient>,
}

impl Group {
    /// A group without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// A group that moves as few flows as it can when its members change.
    pub fn resilient(table: Resilient) -> Self {
        Group { members: Vec::new(), kind: Some(GroupType::RESILIENT), resilient: Some(table) }
    }

    /// Adds a member; a weight of 0 is an error when the request is encoded.
    #[must_use]
    pub fn member(mut self, id: u32, weight: u16) -> Self {
        self.members.push(Member { id, weight });
        self
    }
}

layout! {
    pub(super) struct Grp = "nexthop_grp" {
        id: u32,
        weight: u8,
        weight_high: u8,
        pad _reserved: 2,
    }
}

/// NHA_GROUP: an array of `struct nexthop_grp`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Members(pub Vec<Member>);

impl Value for Members {
    fn encode(&self, w: &mut Writer) {
        for member in &self.0 {
            let Some(weight) = member.weight.checked_sub(1) else {
                w.fail(EncodeError::out_of_range("weight", 0, "1 to 65535"));
                return;
            };
            let [weight_high, weight] = weight.to_be_bytes();
            w.fixed(&Grp { id: member.id, weight, weight_high });
        }
    }

    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(payload);
        let mut members = Vec::with_capacity(payload.len() / Grp::SIZE);
        while !r.rest().is_empty() {
            let Grp { id, weight, weight_high } = Value::decode(r.take(Grp::SIZE)?)?;
            let weight = u16::from_be_bytes([weight_high, weight])
                .checked_add(1)
                .ok_or_else(|| DecodeError::invalid("a weight over 65535"))?;
            members.push(Member { id, weight });
        }
        Ok(Members(members))
    }
}

impl Display for Group {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, member) in self.members.iter().enumerate() {
            let slash = if index == 0 { "" } else { "/" };
            write!(f, "{slash}{}", member.id)?;
            if member.weight != 1 {
                write!(f, ",{}", member.weight)?;
            }
        }
        match self.kind {
            Some(GroupType::RESILIENT) => f.write_str(" type resilient")?,
            Some(GroupType::MPATH) | None => (),
            Some(GroupType(number)) => write!(f, " type {number}")?,
        }
        let Some(table) = &self.resilient else { return Ok(()) };
        table.buckets.say("buckets", f)?;
        // ip knows whole seconds only.
        table.idle_timer.map(|ticks| ticks / 100).say("idle_timer", f)?;
        table.unbalanced_timer.map(|ticks| ticks / 100).say("unbalanced_timer", f)
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Members {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        let member = |g: &mut crate::wire::generate::Source<'_>| Member {
            id: g.number() as u32,
            weight: (g.number() as u16).max(1),
        };
        Members((0..g.below(4)).map(|_| member(g)).collect())
    }
}
