use crate::error::{Error, Refusal, Warning};
use crate::request::{Object, Verb};
use crate::wire::{Reader, HEADER_LEN};

pub(super) const NLM_F_CAPPED: u16 = 0x100;
pub(super) const NLM_F_ACK_TLVS: u16 = 0x200;

const NLMSGERR_ATTR_MSG: u16 = 1;
const NLMSGERR_ATTR_OFFS: u16 = 2;
const NLMSGERR_ATTR_MISS_TYPE: u16 = 5;

/// What happened with a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply<'a> {
    /// A message that describes something; more follows.
    Object {
        /// Its type, such as RTM_NEWQDISC.
        ty: u16,
        /// All of it, with the header.
        message: &'a [u8],
    },
    /// The request was carried out, or the dump is complete.
    Done(Report<'a>),
    /// The request or the dump failed.
    Refused {
        /// Positive, as in `errno`.
        errno: i32,
        report: Report<'a>,
    },
}

/// An extended acknowledgement: what the kernel said beside the errno. `include/uapi/linux/netlink.h`, `enum nlmsgerr_attrs`
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Report<'a> {
    message: Option<&'a [u8]>,
    offset: Option<u32>,
    missing: Option<u32>,
}

/// Whether a message of this type says what an object is. Kernels answer with RTM_NEW, but of actions, and of a chain
/// that was asked for, with the type of the request. `net/sched/act_api.c`, `net/sched/cls_api.c`
pub(super) fn describes<O: Object>(ty: u16) -> bool {
    ty == O::NEW || ty == Verb::Get.message(O::NEW)
}

impl<'a> Reply<'a> {
    /// Reads NLMSG_DONE: an error code, and the attributes of an extended acknowledgement.
    pub fn done(flags: u16, body: &'a [u8]) -> Self {
        let mut r = Reader::new(body);
        // Some protocols end a dump without the code.
        let code = r.u32().unwrap_or(0);
        Reply::from_code(code, if flags & NLM_F_ACK_TLVS != 0 { Report::read(r) } else { Report::default() })
    }

    /// Reads NLMSG_ERROR: an error code (0 for an acknowledgement), the header of the request, the rest of the request unless
    /// the message is capped, and the attributes of an extended acknowledgement.
    ///
    /// `None` if it is too short for the code.
    pub fn error(flags: u16, body: &'a [u8]) -> Option<Self> {
        let mut r = Reader::new(body);
        let code = r.u32().ok()?;
        let report = match flags & NLM_F_ACK_TLVS {
            0 => Report::default(),
            _ => skip_request(r, flags).map(Report::read).unwrap_or_default(),
        };
        Some(Reply::from_code(code, report))
    }

    fn from_code(code: u32, report: Report<'a>) -> Self {
        // The kernel says errors as negative numbers; nothing is lost if one comes as a positive one.
        match i32::try_from(code.cast_signed().unsigned_abs()) {
            Ok(0) => Reply::Done(report),
            Ok(errno) => Reply::Refused { errno, report },
            Err(_) => Reply::Refused { errno: i32::MAX, report },
        }
    }
}

/// Passes over the echo of the request.
fn skip_request(mut r: Reader<'_>, flags: u16) -> Option<Reader<'_>> {
    let len = r.u32().ok()? as usize;
    let echoed = if flags & NLM_F_CAPPED != 0 { HEADER_LEN } else { len.max(HEADER_LEN) };
    // The length has been taken already.
    r.take(echoed.checked_next_multiple_of(4)?.checked_sub(4)?).ok()?;
    Some(r)
}

impl<'a> Report<'a> {
    /// Reads as far as there is sense: a report that cannot be read must not hide the error that it goes with.
    fn read(r: Reader<'a>) -> Self {
        let mut report = Report::default();
        for attr in r.attrs().map_while(Result::ok) {
            let number = || Reader::new(attr.payload).u32().ok();
            match attr.ty {
                NLMSGERR_ATTR_MSG => report.message = Some(attr.payload),
                NLMSGERR_ATTR_OFFS => report.offset = number(),
                NLMSGERR_ATTR_MISS_TYPE => report.missing = number(),
                _ => (),
            }
        }
        report
    }

    fn message(&self) -> Option<String> {
        let text = self.message?.split(|&byte| byte == 0).next()?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// The name of the attribute that the report is about; `name` knows the names by their offset in the request's body.
    fn attribute(&self, name: impl FnOnce(usize) -> Option<&'static str>) -> Option<&'static str> {
        name((self.offset? as usize).checked_sub(HEADER_LEN)?)
    }

    /// The refusal of `request` with this report.
    pub fn refusal(
        &self,
        errno: i32,
        request: String,
        name: impl FnOnce(usize) -> Option<&'static str>,
    ) -> Error {
        let mut refusal = Refusal::new(request, errno);
        refusal.message = self.message();
        refusal.offset = self.offset;
        refusal.attribute = self.attribute(name);
        refusal.missing = self.missing;
        Error::Refused(Box::new(refusal))
    }

    /// The acknowledgement with this report: what the kernel says of a request that it carried out is a warning.
    pub fn ack(&self, name: impl FnOnce(usize) -> Option<&'static str>) -> Ack {
        match self.message() {
            None => Ack::default(),
            Some(message) => Ack { warnings: vec![Warning::new(message, self.attribute(name))] },
        }
    }
}

/// The kernel carried a request out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ack {
    /// What it had to say about it all the same: HTB clamps a quantum, for example.
    pub warnings: Vec<Warning>,
}
