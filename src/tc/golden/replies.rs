use super::{assert_stats, dumps, Dump, Json};
use crate::clock::Clock;
use crate::request::Object;
use crate::tc::ingress::Ingress;
use crate::tc::{Class, ClassKind, Qdisc, QdiscKind};
use crate::units::{Handle, Rate, Size};

/// The dumps of an object with what iproute2 showed of each; it asks for all devices and shows one.
fn shown<O: Object>(
    noun: &str,
    handle: impl Fn(&O) -> Handle,
    index: impl Fn(&O) -> u32,
) -> Vec<(String, O, Json)> {
    let of = |dump: Dump| -> Vec<(String, O, Json)> {
        let json: Vec<Json> = dump.json.into_iter().filter(|json| json.get("handle").is_some()).collect();
        let dev = if dump.show.ends_with("ifb0") { 20 } else { 10 };
        let objects: Vec<O> = dump
            .replies
            .iter()
            .filter(|(header, _)| header.ty == O::NEW)
            .map(|(_, body)| O::decode(body).unwrap_or_else(|e| panic!("{}: {e}", dump.id)))
            .filter(|object| index(object) == dev)
            .collect();
        assert_eq!(objects.len(), json.len(), "{} {}", dump.id, dump.show);
        for (object, json) in objects.iter().zip(&json) {
            let shown = json["handle"].as_str().unwrap();
            assert!(handle(object).to_string() == shown || shown == "0:", "{} {shown}", dump.id);
        }
        objects.into_iter().zip(json).map(|(object, json)| (dump.id.clone(), object, json)).collect()
    };
    let pattern = format!(" {noun} show dev ");
    let wanted = |dump: &Dump| dump.show.starts_with("tc -j") && dump.show.contains(&pattern);
    dumps("").into_iter().filter(wanted).flat_map(of).collect()
}

fn rate(json: &Json) -> Rate {
    Rate::bytes_per_second(json.as_u64().unwrap())
}

#[test]
fn qdiscs_read_as_iproute2_shows_them() {
    let shown = shown::<Qdisc>("qdisc", |qdisc| qdisc.handle, |qdisc| qdisc.dev.index);
    let mut sfqs = 0;
    for (id, qdisc, json) in &shown {
        assert!(qdisc.unknown.is_empty(), "{id}");
        let kind = qdisc.kind.as_ref().unwrap();
        assert_eq!(json["kind"], kind.name(), "{id}");
        assert_stats(qdisc.stats.as_ref().unwrap(), json);
        let options = &json["options"];
        match kind {
            QdiscKind::Htb(htb) => {
                assert_eq!(options["r2q"], htb.r2q, "{id}");
                let default = if htb.default_class == 0 { "0".to_owned() } else { format!("{:#x}", htb.default_class) };
                assert_eq!(options["default"], default, "{id}");
                assert_eq!(options["direct_packets_stat"], htb.direct_packets, "{id}");
                assert_eq!(options["direct_qlen"], htb.direct_qlen.unwrap().0, "{id}");
            }
            QdiscKind::Sfq(sfq) => {
                sfqs += 1;
                for (word, value) in [
                    ("limit", sfq.limit.0),
                    ("quantum", sfq.quantum),
                    ("depth", sfq.depth),
                    ("flows", sfq.flows),
                    ("divisor", sfq.divisor),
                ] {
                    assert_eq!(options[word], value, "{id} {word}");
                }
                assert_eq!(options["perturb"].as_u64().unwrap_or(0), u64::from(sfq.perturb), "{id}");
                assert_eq!(options["headdrop"].as_bool().unwrap_or(false), sfq.headdrop, "{id}");
                assert_eq!(options.get("min").is_some(), sfq.red.is_some(), "{id}");
                if let Some(red) = sfq.red {
                    assert_eq!(
                        (&options["min"], &options["max"]),
                        (&red.min.into(), &red.max.into()),
                        "{id}"
                    );
                    assert_eq!(options["ecn"].as_bool(), Some(red.flags & 1 != 0), "{id}");
                    assert_eq!(options["prob_mark"], sfq.red_stats.prob_mark, "{id}");
                    let shown = options["probability"].as_f64().unwrap();
                    assert!((shown - red.probability.as_fraction()).abs() < 1e-5, "{id}");
                }
            }
            QdiscKind::Tbf(tbf) => {
                assert_eq!(rate(&options["rate"]), tbf.rate, "{id}");
                let burst = tbf.burst.unwrap().size(&Clock::default(), tbf.rate);
                // iproute2 rounds sizes that are nearly a whole number of units.
                let shown: Size = options["burst"].as_str().unwrap().trim_end_matches("/1").parse().unwrap();
                assert!(shown.as_bytes().abs_diff(burst.as_bytes()) < 1024, "{id} {shown} {burst}");
            }
            QdiscKind::Ingress(ingress) => assert_eq!(*ingress, Ingress::new()),
            _ => (),
        }
    }
    assert!(shown.len() > 60 && sfqs >= 14, "{} {sfqs}", shown.len());
}

#[test]
fn classes_read_as_iproute2_shows_them() {
    let shown = shown::<Class>("class", |class| class.id, |class| class.dev.index);
    for (id, class, json) in &shown {
        assert!(class.unknown.is_empty(), "{id}");
        let kind = class.kind.as_ref().unwrap();
        assert_eq!(json["class"], kind.name(), "{id}");
        assert_stats(class.stats.as_ref().unwrap(), &json["stats"]);
        let ClassKind::Htb(htb) = kind else { continue };
        assert_eq!(rate(&json["rate"]), htb.rate, "{id}");
        assert_eq!(rate(&json["ceil"]), htb.ceil_or_rate(), "{id}");
        assert_eq!(json["level"], htb.level, "{id}");
        if htb.level == 0 {
            assert_eq!((&json["prio"], &json["quantum"]), (&htb.prio.into(), &htb.quantum.into()), "{id}");
        }
        let clock = Clock::default();
        let (burst, cburst) = (htb.burst.unwrap(), htb.cburst.unwrap());
        assert_eq!(json["burst"], burst.size(&clock, htb.rate).as_bytes(), "{id}");
        assert_eq!(json["cburst"], cburst.size(&clock, htb.ceil_or_rate()).as_bytes(), "{id}");
    }
    assert!(shown.len() > 60, "{}", shown.len());
}
