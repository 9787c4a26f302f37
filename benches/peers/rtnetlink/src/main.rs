// rtnetlink 0.24: no HTB/class API, so classes are TcMessage + raw Other nlas sent through Handle::request (the crate's own escape hatch).
use futures_util::{StreamExt, TryStreamExt};
use netlink_packet_core::{
    DefaultNla, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use rtnetlink::packet_route::{RouteNetlinkMessage, tc::*};
use std::time::Instant;
fn opt() -> Vec<u8> {
    let mut h = vec![0u8; 44];
    let spec = |h: &mut [u8], o: usize, rate: u32| {
        h[o] = 3;
        h[o + 1] = 1;
        h[o + 8..o + 12].copy_from_slice(&rate.to_ne_bytes())
    };
    spec(&mut h, 0, 125000);
    spec(&mut h, 12, 1250000);
    h[24..28].copy_from_slice(&200000u32.to_ne_bytes());
    h[28..32].copy_from_slice(&20000u32.to_ne_bytes());
    h
}
async fn req(h: &mut rtnetlink::Handle, m: RouteNetlinkMessage, fl: u16) {
    let mut r = NetlinkMessage::from(m);
    r.header.flags = NLM_F_REQUEST | NLM_F_ACK | fl;
    let mut s = h.request(r).unwrap();
    while let Some(m) = s.next().await {
        if let NetlinkPayload::Error(e) = m.payload {
            if e.code.is_some() {
                panic!("{e:?}")
            }
        }
    }
}
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let n: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let (c, mut h, _) = rtnetlink::new_connection().unwrap();
    tokio::spawn(c);
    let t = Instant::now();
    for i in 1..=n {
        let mut m = TcMessage::default();
        m.header.index = 10;
        m.header.handle = (0x10000 | i).into();
        m.header.parent = 0x10000.into();
        m.attributes.push(TcAttribute::Kind("htb".into()));
        m.attributes.push(TcAttribute::Options(vec![TcOption::Other(DefaultNla::new(1, opt()))]));
        req(&mut h, RouteNetlinkMessage::NewTrafficClass(m), NLM_F_CREATE | NLM_F_EXCL).await;
    }
    let ta = t.elapsed();
    let mut td = f64::MAX;
    for _ in 0..3 {
        let t = Instant::now();
        let v: Vec<TcMessage> = h.traffic_class(10).get().execute().try_collect().await.unwrap();
        td = td.min(t.elapsed().as_secs_f64());
        assert_eq!(v.len() as u32, n);
    }
    let t = Instant::now();
    for i in 1..=n {
        use rtnetlink::packet_route::tc::*;
        let mut k = TcU32Key::default();
        k.val = 0x0a000000 | i;
        k.mask = !0;
        k.off = 16;
        let mut s = TcU32Selector::default();
        s.flags = TcU32SelectorFlags::Terminal;
        s.nkeys = 1;
        s.keys = vec![k];
        h.traffic_filter(10)
            .add()
            .parent(0x10000)
            .priority(5)
            .protocol(0x0800u16.to_be())
            .u32(&[
                TcFilterU32Option::ClassId((0x10000 | i).into()),
                TcFilterU32Option::Hash(0x00100000 | ((i & 255) << 12)),
                TcFilterU32Option::Selector(s),
            ])
            .unwrap()
            .execute()
            .await
            .unwrap();
    }
    let tf = t.elapsed();
    let t = Instant::now();
    let v: Vec<TcMessage> = h.traffic_filter(10).get().execute().try_collect().await.unwrap();
    let fd = t.elapsed();
    let fc = v.len();
    h.traffic_filter(10).del().parent(0x10000).execute().await.unwrap();
    let t = Instant::now();
    for i in 1..=n {
        let mut m = TcMessage::default();
        m.header.index = 10;
        m.header.handle = (0x10000 | i).into();
        req(&mut h, RouteNetlinkMessage::DelTrafficClass(m), 0).await;
    }
    println!(
        "rust-rtnetlink N={n} add_ms={:.2} dump_ms={:.2} filt_ms={:.2} fdump_ms={:.2} del_ms={:.2} nfilt={fc}",
        ta.as_secs_f64() * 1e3,
        td * 1e3,
        tf.as_secs_f64() * 1e3,
        fd.as_secs_f64() * 1e3,
        t.elapsed().as_secs_f64() * 1e3
    );
}
