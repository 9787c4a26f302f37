use super::{fair, stats, Json, Reply, Shown};
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
        QdiscKind::Sfq(sfq) => fair::put_sfq(&mut options, sfq),
        QdiscKind::Tbf(tbf) => fair::put_tbf(&mut options, tbf),
        QdiscKind::Pfifo(fifo) => options.some("limit", fifo.limit.map(|limit| limit.0)),
        QdiscKind::PfifoHeadDrop(fifo) => options.some("limit", fifo.limit.map(|limit| limit.0)),
        QdiscKind::Bfifo(fifo) => options.some("limit", fifo.limit.map(|limit| limit.as_bytes())),
        _ => (),
    }
    match kind {
        QdiscKind::Other(other) => json.not_yet(&other.name),
        _ => json.put("options", options.done()),
    }
    if let Some(counted) = &qdisc.stats {
        stats::put(&mut json, counted);
    }
    json.done()
}

fn put_htb(json: &mut Json, htb: &Htb) {
    json.put("r2q", htb.r2q);
    json.put(
        "default",
        if htb.default_class == 0 { "0".to_owned() } else { format!("{:#x}", htb.default_class) },
    );
    json.put("direct_packets_stat", htb.direct_packets);
    json.put("ver", format!("{}.{}", htb.version >> 16, htb.version & 0xffff));
    json.some("direct_qlen", htb.direct_qlen.map(|packets| packets.0));
    json.flag("offload", htb.offload);
}
