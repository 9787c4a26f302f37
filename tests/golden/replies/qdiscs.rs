use super::{stats, Json, Reply, Shown};
use serde_json::Value;
use tcnl::tc::htb::Htb;
use tcnl::tc::{Qdisc, QdiscKind};
use tcnl::units::{Dev, Handle};

pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    let dev = if reply.show.ends_with("dev ifb0") { 20 } else { 10 };
    all.objects(reply, &Qdisc::of(Dev::index(dev))).iter().map(qdisc).collect()
}

fn qdisc(qdisc: &Qdisc) -> Value {
    let mut json = Json::default();
    let kind = qdisc.kind.as_ref().expect("a qdisc in a dump has a kind");
    json.put("kind", kind.name());
    json.put("handle", format!("{:x}:", qdisc.handle.major()));
    match qdisc.parent {
        Handle::ROOT => json.put("root", true),
        parent => json.put("parent", parent.to_string()),
    }
    json.some("refcnt", Some(qdisc.references).filter(|references| *references != 1));
    json.some("ingress_block", qdisc.ingress_block);
    json.some("egress_block", qdisc.egress_block);
    let mut options = Json::default();
    match kind {
        QdiscKind::Htb(htb) => put_htb(&mut options, htb),
        QdiscKind::Pfifo(fifo) => options.some("limit", fifo.limit.map(|limit| limit.0)),
        QdiscKind::PfifoHeadDrop(fifo) => options.some("limit", fifo.limit.map(|limit| limit.0)),
        QdiscKind::Bfifo(fifo) => options.some("limit", fifo.limit.map(|limit| limit.as_bytes())),
        _ => (),
    }
    json.put("options", options.done());
    if let QdiscKind::Other(other) = kind {
        json.not_yet(&other.name);
    }
    if let Some(counted) = &qdisc.stats {
        stats::put(&mut json, counted);
    }
    json.done()
}

fn put_htb(json: &mut Json, htb: &Htb) {
    let glob = htb.init.expect("an htb in a dump has its parameters");
    json.put("r2q", glob.rate2quantum);
    json.put("default", if glob.defcls == 0 { "0".to_owned() } else { format!("{:#x}", glob.defcls) });
    json.put("direct_packets_stat", glob.direct_pkts);
    json.put("ver", format!("{}.{}", glob.version >> 16, glob.version & 0xffff));
    json.some("direct_qlen", htb.direct_qlen.map(|packets| packets.0));
    json.flag("offload", htb.offload);
}
