//! What is left behind, and what others have.

use crate::common::{has_program, ip, ip_batch, nft, tc, tc_batch, trial, Outcome};
use crate::lab::{Lab, Result};
use crate::running::Running;
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use tcnl::units::Rate;
use tcnl::uplink::{Choice, Forced, Gateway, Machine, Shaping, Transport, Weighted};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("what is applied twice changes nothing the second time", twice),
        trial("cleaning up leaves what was there before, and nothing else", cleaned),
        trial("what others change is repaired", repaired),
        trial("another controller takes over what the first one left", taken_over),
        trial("a table of another's with our name is refused, and nothing is done", in_the_way),
        trial("a failure in the last part undoes the others", undone),
    ]
}

const FAST: (Rate, Rate) = (Rate::mbit(100), Rate::mbit(100));

/// All that a gateway's configuration is made of, as iproute2, nft and the files of the system show it.
pub fn picture(lab: &Lab) -> Result<String> {
    lab.gateway.run(|| {
        // Few programs: some trials look at it a hundred times.
        let mut all = ip_batch("", "rule show\nroute show table all\nnexthop show\naddr show\n")?;
        all += &ip_batch("-6", "rule show\nroute show table all\n")?;
        let devices = ["w1", "w2"].map(|dev| {
            format!("class show dev {dev}\nfilter show dev {dev}\nfilter show dev {dev} ingress\n")
        });
        all += &tc_batch(&format!("qdisc show\n{}", devices.concat()))?;
        // Where nft is not installed, the rest is still something. What rules have counted is not shown.
        if has_program("nft") {
            all += &nft("-s list ruleset")?;
        }
        for dev in ["all", "w1", "w2"] {
            for key in ["ipv4/conf/DEV/rp_filter", "ipv4/conf/DEV/src_valid_mark", "ipv6/conf/DEV/accept_ra"]
            {
                let key = key.replace("DEV", dev);
                all += &format!("{key} {}", std::fs::read_to_string(format!("/proc/sys/net/{key}"))?);
            }
        }
        for family in ["ipv4", "ipv6"] {
            let key = format!("{family}/fib_multipath_hash_policy");
            all += &format!("{key} {}", std::fs::read_to_string(format!("/proc/sys/net/{key}"))?);
        }
        // Ages move; neighbours and routers come and go.
        let still = all
            .lines()
            .filter(|line| !line.contains("lft") && !line.contains("expires") && !line.contains("multicast"));
        // Link-local addresses come by themselves a moment after a link.
        let still = still.filter(|line| !line.contains("fe80::"));
        // Kernels number actions as they come.
        let still = still.filter(|line| !line.trim_start().starts_with("index "));
        Ok(still.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join("\n"))
    })
}

fn shaped(lab: &Lab) -> Gateway {
    let mut gateway = lab.model(&[FAST; 2]);
    let mut shaping = Shaping::default();
    gateway.uplinks[1].shaping = Some(shaping.clone());
    shaping.ingress = true;
    gateway.uplinks[0].shaping = Some(shaping);
    gateway.force(Forced::by("isp-2").ports(Transport::Tcp, 25..=25))
}

fn twice() -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    lab.gateway.run(|| {
        let (mut machine, gateway) = (Machine::open()?, shaped(&lab));
        let choice = Choice::first(&gateway);
        let changes = machine.plan(&gateway, &choice)?;
        assert!(!changes.is_empty());
        let commands = changes.to_string();
        for words in ["ip rule add", "ip nexthop", "tc class", "nft 'add", "sysctl"] {
            assert!(commands.contains(words), "{words} in {commands}");
        }
        machine.apply(&changes)?;
        let again = machine.plan(&gateway, &choice)?;
        assert!(again.is_empty(), "{again}");
        // What is forced to an uplink that does not work is refused from then on.
        let choice = Choice { usable: vec![true, false], weights: vec![1, 0] };
        let changes = machine.plan(&gateway, &choice)?;
        assert!(changes.to_string().contains("jump refuse"), "{changes}");
        machine.apply(&changes)?;
        let again = machine.plan(&gateway, &choice)?;
        assert!(again.is_empty(), "{again}");
        Ok(())
    })
}

fn cleaned() -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    lab.gateway.sysctl("ipv4/conf/w2/rp_filter", "1")?;
    // Others' things.
    lab.gateway.run(|| {
        ip("rule add pref 900 fwmark 0x40 lookup 200")?;
        ip("route add 198.51.100.0/24 via 192.168.7.2 table 200")?;
        ip("nexthop add id 5 via 192.168.7.2 dev lan")?;
        tc("qdisc add dev lan root handle 5: pfifo limit 77")?;
        Ok(())
    })?;
    let before = picture(&lab)?;
    lab.gateway.run(|| {
        let (mut machine, gateway) = (Machine::open()?, shaped(&lab));
        let changes = machine.plan(&gateway, &Choice::first(&gateway))?;
        machine.apply(&changes)?;
        Ok(())
    })?;
    assert_ne!(picture(&lab)?, before);
    lab.gateway.run(|| {
        let (mut machine, gateway) = (Machine::open()?, shaped(&lab));
        let changes = machine.cleanup(&gateway)?;
        machine.apply(&changes)?;
        let again = machine.cleanup(&gateway)?;
        assert!(again.is_empty(), "{again}");
        Ok(())
    })?;
    assert_eq!(picture(&lab)?, before);
    Ok(())
}

fn repaired() -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    let gateway = shaped(&lab);
    let selector = Box::new(Weighted::new(&gateway.uplinks));
    let running = Running::start(&lab, gateway, selector)?;
    std::thread::sleep(std::time::Duration::from_millis(500));
    let wanted = picture(&lab)?;
    lab.gateway.run(|| {
        ip("rule del pref 1000")?;
        ip("-6 rule del pref 1010")?;
        ip("route flush table 7701")?;
        Ok(())
    })?;
    crate::traffic::until(std::time::Duration::from_secs(5), || picture(&lab).is_ok_and(|now| now == wanted))
        .map_err(|_| format!("{}\n{:#?}", picture(&lab).unwrap_or_default(), running.told()))?;
    Ok(())
}

fn taken_over() -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    let gateway = shaped(&lab);
    let selector = || Box::new(Weighted::new(&gateway.uplinks));
    Running::start(&lab, gateway.clone(), selector())?.end()?;
    let left = picture(&lab)?;
    let mut second = Running::start(&lab, gateway.clone(), selector())?;
    std::thread::sleep(std::time::Duration::from_millis(500));
    second.end()?;
    assert_eq!(picture(&lab)?, left);
    assert!(!second.told().iter().any(|line| line.contains("repaired")), "{:#?}", second.told());
    Ok(())
}

fn in_the_way() -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    lab.gateway.run(|| {
        let mut firewall =
            tcnl::netlink::Builder::default().protocol(tcnl::netlink::Protocol::Netfilter).open()?;
        let mut theirs = tcnl::netfilter::Transaction::new();
        theirs.add_table(&tcnl::netfilter::Table::inet("tcnl_uplink").comment("somebody else's"));
        Ok(firewall.commit(&theirs)?)
    })?;
    let before = picture(&lab)?;
    lab.gateway.run(|| {
        let (mut machine, gateway) = (Machine::open()?, lab.model(&[FAST; 2]));
        let error = machine.plan(&gateway, &Choice::first(&gateway)).unwrap_err().to_string();
        assert!(error.contains("tcnl_uplink") && error.contains("not ours"), "{error}");
        Ok(())
    })?;
    assert_eq!(picture(&lab)?, before);
    Ok(())
}

fn undone() -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    // As the gateway wants them: so the first part is the plan of rules, routes and queues, and the last one nf_tables.
    for key in
        ["ipv4/conf/all/src_valid_mark", "ipv4/fib_multipath_hash_policy", "ipv6/fib_multipath_hash_policy"]
    {
        lab.gateway.sysctl(key, "1")?;
    }
    let before = picture(&lab)?;
    lab.gateway.run(|| {
        let mut gateway = lab.model(&[FAST; 2]);
        gateway.uplinks[1].shaping = Some(Shaping::default());
        // More rules than one transaction can take.
        for port in 1..3000 {
            gateway = gateway.force(Forced::by("isp-1").ports(Transport::Tcp, port..=port));
        }
        let mut machine = Machine::open()?;
        let changes = machine.plan(&gateway, &Choice::first(&gateway))?;
        let error = machine.apply(&changes).unwrap_err();
        assert!(error.left.is_empty(), "{error}");
        assert!(error.what.contains("nft"), "{}", error.what);
        Ok(())
    })?;
    assert_eq!(picture(&lab)?, before);
    Ok(())
}
