// neli 0.7: traffic control messages are a header and attributes; what stands in TCA_OPTIONS is bytes made by hand, and of lists only
// the attributes are decoded. Its blocking router has a thread that reads.
use neli::consts::nl::NlmF;
use neli::consts::rtnl::{Rtm, Tca};
use neli::consts::socket::NlFamily;
use neli::nl::NlPayload;
use neli::router::synchronous::NlRouter;
use neli::rtnl::{RtattrBuilder, Tcmsg, TcmsgBuilder};
use neli::types::RtBuffer;
use neli::utils::Groups;
use std::time::Instant;

const ROOT: u32 = 0x10000;

fn header() -> TcmsgBuilder {
    TcmsgBuilder::default().tcm_family(0).tcm_ifindex(10).tcm_handle(0).tcm_parent(0).tcm_info(0)
}

fn with_options(message: TcmsgBuilder, kind: &str, options: Vec<u8>) -> Tcmsg {
    let mut attrs = RtBuffer::new();
    attrs.push(RtattrBuilder::default().rta_type(Tca::Kind).rta_payload(kind).build().unwrap());
    attrs.push(RtattrBuilder::default().rta_type(Tca::Options).rta_payload(options).build().unwrap());
    message.rtattrs(attrs).build().unwrap()
}

fn attr(ty: u16, payload: &[u8]) -> Vec<u8> {
    let len = payload.len() as u16 + 4;
    [&len.to_ne_bytes(), &ty.to_ne_bytes(), payload].concat()
}

/// TCA_HTB_PARMS.
fn htb() -> Vec<u8> {
    let mut parms = [0u8; 44];
    for (at, rate) in [(0, 125_000u32), (12, 1_250_000)] {
        parms[at] = 3;
        parms[at + 1] = 1;
        parms[at + 8..at + 12].copy_from_slice(&rate.to_ne_bytes());
    }
    parms[24..28].copy_from_slice(&200_000u32.to_ne_bytes());
    parms[28..32].copy_from_slice(&20_000u32.to_ne_bytes());
    attr(1, &parms)
}

/// A key for a destination address, in a bucket of table 1.
fn u32(i: u32) -> Vec<u8> {
    let mut selector = [0u8; 32];
    selector[0] = 1;
    selector[2] = 1;
    selector[16..20].copy_from_slice(&[0xff; 4]);
    selector[20..24].copy_from_slice(&(0x0a00_0000 | i).to_be_bytes());
    selector[24..28].copy_from_slice(&16u32.to_ne_bytes());
    let (class, bucket) = (ROOT | i, 0x0010_0000 | (i & 255) << 12);
    [attr(1, &class.to_ne_bytes()), attr(2, &bucket.to_ne_bytes()), attr(5, &selector)].concat()
}

fn request(nl: &NlRouter, ty: Rtm, flags: NlmF, message: Tcmsg) {
    let answers = nl.send::<_, _, Rtm, Tcmsg>(ty, flags | NlmF::ACK, NlPayload::Payload(message)).unwrap();
    for answer in answers {
        answer.unwrap();
    }
}

/// How many objects are listed, with how many attributes.
fn list(nl: &NlRouter, ty: Rtm, parent: u32) -> (u32, usize) {
    let message = header().tcm_parent(parent).build().unwrap();
    let answers = nl.send::<_, _, Rtm, Tcmsg>(ty, NlmF::DUMP, NlPayload::Payload(message)).unwrap();
    let mut found = (0, 0);
    for answer in answers {
        if let NlPayload::Payload(object) = answer.unwrap().nl_payload() {
            found = (found.0 + 1, found.1 + object.rtattrs().len());
        }
    }
    found
}

fn main() {
    let n: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let (nl, _) = NlRouter::connect(NlFamily::Route, None, Groups::empty()).unwrap();
    let create = NlmF::CREATE | NlmF::EXCL;
    let t = Instant::now();
    for i in 1..=n {
        let class = with_options(header().tcm_handle(ROOT | i).tcm_parent(ROOT), "htb", htb());
        request(&nl, Rtm::Newtclass, create, class);
    }
    let add = t.elapsed();
    let mut dump = f64::MAX;
    for _ in 0..3 {
        let t = Instant::now();
        let (classes, attributes) = list(&nl, Rtm::Gettclass, 0);
        dump = dump.min(t.elapsed().as_secs_f64());
        assert!(classes == n && attributes > n as usize);
    }
    let t = Instant::now();
    let info = 5 << 16 | u32::from(0x0800u16.to_be());
    for i in 1..=n {
        let filter = with_options(header().tcm_parent(ROOT).tcm_info(info), "u32", u32(i));
        request(&nl, Rtm::Newtfilter, create, filter);
    }
    let filters = t.elapsed();
    let t = Instant::now();
    let (listed, _) = list(&nl, Rtm::Gettfilter, ROOT);
    let filter_dump = t.elapsed();
    assert!(listed >= n);
    request(&nl, Rtm::Deltfilter, NlmF::empty(), header().tcm_parent(ROOT).build().unwrap());
    let t = Instant::now();
    for i in 1..=n {
        request(&nl, Rtm::Deltclass, NlmF::empty(), header().tcm_handle(ROOT | i).build().unwrap());
    }
    println!(
        "rust-neli N={n} add_ms={:.2} dump_ms={:.2} filt_ms={:.2} fdump_ms={:.2} del_ms={:.2}",
        add.as_secs_f64() * 1e3,
        dump * 1e3,
        filters.as_secs_f64() * 1e3,
        filter_dump.as_secs_f64() * 1e3,
        t.elapsed().as_secs_f64() * 1e3
    );
}
