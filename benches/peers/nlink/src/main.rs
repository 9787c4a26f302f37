// nlink 0.33: typed HTB class + u32 filter API (its Batch has no class/filter verbs, so it is one request+ack each)
use nlink::{
    Rate, TcHandle,
    netlink::{Connection, Route, filter::U32Filter, tc::HtbClassConfig},
};
use std::{net::Ipv4Addr, time::Instant};
#[tokio::main(flavor = "current_thread")]
async fn main() -> nlink::Result<()> {
    let n: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let c = Connection::<Route>::new()?;
    let t = Instant::now();
    for i in 1..=n {
        c.add_class_by_index(
            10,
            TcHandle::major_only(1),
            TcHandle::new(1, i as u16),
            HtbClassConfig::new(Rate::mbit(1)).ceil(Rate::mbit(10)).build(),
        )
        .await?;
    }
    let ta = t.elapsed();
    let mut td = f64::MAX;
    let mut rate = 0u64;
    for _ in 0..3 {
        let t = Instant::now();
        let v = c.get_classes_by_index(10).await?;
        for m in &v {
            if let Some(o) = m.raw_options().and_then(nlink::netlink::tc_options::parse_htb_class_options) {
                rate = rate.wrapping_add(o.rate + m.bytes());
            }
        }
        td = td.min(t.elapsed().as_secs_f64());
        assert_eq!(v.len() as u32, n);
    }
    let t = Instant::now();
    for i in 1..=n {
        let f = U32Filter::new()
            .classid(TcHandle::new(1, i as u16))
            .priority(nlink::FilterPriority::new(5))
            .ht(U32Filter::handle(1, (i & 255) as u8, 0))
            .match_dst_ipv4(Ipv4Addr::from(0x0a000000 | i), 32)
            .build();
        c.add_filter_by_index(10, TcHandle::major_only(1), f).await?;
    }
    let tf = t.elapsed();
    let t = Instant::now();
    let fc = c.get_filters_by_parent_index(10, TcHandle::major_only(1)).await?.len();
    let fd = t.elapsed();
    c.flush_filters_by_index(10, TcHandle::major_only(1)).await?;
    let t = Instant::now();
    for i in 1..=n {
        c.del_class_by_index(10, TcHandle::major_only(1), TcHandle::new(1, i as u16)).await?;
    }
    println!(
        "rust-nlink N={n} add_ms={:.2} dump_ms={:.2} filt_ms={:.2} fdump_ms={:.2} del_ms={:.2} nfilt={fc} rate={rate}",
        ta.as_secs_f64() * 1e3,
        td * 1e3,
        tf.as_secs_f64() * 1e3,
        fd.as_secs_f64() * 1e3,
        t.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}
