use super::*;
use crate::units::Percent;
use crate::uplink::{Leg, Queues};

fn gateway(shaping: Option<Shaping>) -> Gateway {
    let mut uplink = Uplink::new("a", "eth1".parse().unwrap(), Rate::mbit(100), Rate::mbit(20))
        .v4(Leg::via([192, 0, 2, 1]));
    uplink.shaping = shaping;
    Gateway::new([uplink], [])
}

fn seen() -> Seen {
    let dev = Some(Dev::named(3, "eth1".parse().unwrap()));
    Seen { uplinks: vec![SeenUplink { dev, ..SeenUplink::default() }], ..Seen::default() }
}

fn hook(ours: bool, others: bool) -> Hook {
    Hook { qdisc: Qdisc::ingress(3).kind(Ingress::new()), ours, others }
}

fn ingress() -> Shaping {
    Shaping { ingress: true, ..Shaping::default() }
}

fn lines(trees: &[Tree]) -> String {
    let mut lines = String::new();
    for tree in trees {
        let qdiscs = tree.qdiscs().iter().map(ToString::to_string);
        let classes = tree.classes().iter().map(ToString::to_string);
        let filters = tree.filters().iter().map(ToString::to_string);
        qdiscs.chain(classes).chain(filters).for_each(|line| lines += &format!("{line}\n"));
    }
    lines
}

fn made(gateway: &Gateway, seen: &Seen) -> Vec<Tree> {
    trees(gateway, seen, &Pfifo::new().limit(Packets(50)).into())
}

#[test]
fn an_uplink_is_shaped_a_little_below_its_capacity() {
    let shaping = Shaping {
        shares: vec![
            Share::new("first", Percent::new(25.0), 0).dscps([46]),
            Share::new("rest", Percent::new(75.0), 1),
        ],
        ..Shaping::default()
    };
    let trees = made(&gateway(Some(shaping)), &seen());
    assert_eq!(
        lines(&trees),
        "tc qdisc add dev eth1 root handle 7700: htb default 0x11\n\
         tc qdisc add dev eth1 parent 7700:10 handle 7710: pfifo limit 50\n\
         tc qdisc add dev eth1 parent 7700:11 handle 7711: pfifo limit 50\n\
         tc class add dev eth1 parent 7700: classid 7700:1 htb rate 19Mbit ceil 19Mbit burst 47500b cburst 47500b\n\
         tc class add dev eth1 parent 7700:1 classid 7700:10 htb rate 4750Kbit ceil 19Mbit burst 47500b cburst 47500b quantum 59375\n\
         tc class add dev eth1 parent 7700:1 classid 7700:11 htb rate 14250Kbit ceil 19Mbit burst 47500b cburst 47500b prio 1 quantum 60000\n\
         tc filter add dev eth1 parent 7700: protocol ip prio 65000 u32 match u32 0x00b80000 0x00fc0000 at 0 classid 7700:10\n\
         tc filter add dev eth1 parent 7700: protocol ipv6 prio 65001 u32 match u32 0x0b800000 0x0fc00000 at 0 classid 7700:10\n"
    );
    assert_eq!(trees.len(), 1);
}

#[test]
fn what_comes_in_is_shaped_only_while_its_device_is_there() {
    let gateway = gateway(Some(ingress()));
    let mut seen = seen();
    let trees = made(&gateway, &seen);
    assert!(!lines(&trees).contains("ingress"), "{}", lines(&trees));
    assert_eq!(trees.len(), 1);
    seen.uplinks[0].ifb = Some(Dev::named(9, "ifb-eth1".parse().unwrap()));
    let trees = made(&gateway, &seen);
    let all = lines(&trees);
    for line in [
        "tc qdisc add dev eth1 ingress",
        "tc filter add dev eth1 ingress protocol all prio 65002 u32 match u32 0x00000000 0x00000000 at 0 action mirred egress redirect dev ifb-eth1",
        "tc qdisc add dev ifb-eth1 root handle 7700: htb default 0x12",
        "tc class add dev ifb-eth1 parent 7700: classid 7700:1 htb rate 95Mbit ceil 95Mbit burst 237500b cburst 237500b",
    ] {
        assert!(all.lines().any(|there| there == line), "{line}\n{all}");
    }
    assert_eq!(trees.len(), 2);
    // It is gone: what comes in must not be sent to nowhere.
    (seen.uplinks[0].ifb, seen.uplinks[0].queues.hook) = (None, Some(hook(true, false)));
    let trees = made(&gateway, &seen);
    assert!(!lines(&trees).contains("ingress"), "{}", lines(&trees));
}

#[test]
fn a_place_for_filters_is_shared_and_left_to_others() {
    let mut seen = seen();
    seen.uplinks[0].queues = Queues { root: true, hook: Some(hook(true, true)) };
    let trees = made(&gateway(None), &seen);
    assert_eq!(lines(&trees), "tc qdisc add dev eth1 ingress\n", "it stays, without our filter");
    assert_eq!(lines(&cleared(&seen.uplinks)), "tc qdisc add dev eth1 ingress\n");
    seen.uplinks[0].queues.hook = Some(hook(true, false));
    let trees = made(&gateway(None), &seen);
    assert_eq!((trees.len(), lines(&trees).as_str()), (1, ""), "what is left of an earlier run goes");
}

#[test]
fn a_device_on_which_nothing_is_ours_is_left_alone() {
    let mut seen = seen();
    assert!(made(&gateway(None), &seen).is_empty());
    seen.uplinks[0].queues.hook = Some(hook(false, true));
    assert!(made(&gateway(None), &seen).is_empty());
    assert!(cleared(&seen.uplinks).is_empty());
    assert!(made(&gateway(Some(ingress())), &Seen::default()).is_empty());
}

#[test]
fn the_smallest_rates_are_still_rates() {
    let mut gateway = gateway(Some(Shaping::default()));
    gateway.uplinks[0].up = Rate::bytes_per_second(1);
    let all = lines(&made(&gateway, &seen()));
    assert!(!all.contains("rate 0bit"), "{all}");
}
