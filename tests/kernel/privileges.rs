//! Without privileges: everything that reads works, and what writes fails with an error that names the capability that was missing.

use crate::common::{example, fed, ip, tc, trial, unprivileged, Outcome, Stop};
use libtest_mimic::Trial;
use std::env;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::process::{Command, ExitCode};
use tcnl::command::{AnyObject, Script};
use tcnl::netfilter::{Flows, Table, Transaction};
use tcnl::netlink::{Capabilities, Connection, Group, Namespace, Protocol};
use tcnl::plan::{Plan, Policy, Tree};
use tcnl::request::Query;
use tcnl::route::{Address, Bridge, Link, Nexthop, Route, RouteProtocol, Rule};
use tcnl::tc::fifo::Pfifo;
use tcnl::tc::fw::Fw;
use tcnl::tc::htb::{Htb, HtbClass};
use tcnl::tc::{ActionTable, Chain, Class, Filter, Place, Qdisc};
use tcnl::units::{Handle, Rate};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("whoever has no privileges reads all that root reads", reads),
        trial("what takes a privilege fails with an error that names the capability", writes),
        trial("the programs show the same to whoever has no privileges", programs),
    ]
}

const ROOT: Handle = Handle::new(1, 0);

/// Says what a process that has no privileges is to do, in the namespace that it starts in.
const CHILD: &str = "TCNL_TEST_WITHOUT_PRIVILEGES";

/// The whole of a process that a test here started; `None` in any other.
pub fn child() -> Option<ExitCode> {
    let what = env::var(CHILD).ok()?;
    let lines = if what == "read" { read() } else { write() };
    Some(match lines {
        Ok(lines) => {
            println!("{}", lines.join("\n"));
            ExitCode::SUCCESS
        }
        Err(stop) => {
            eprintln!("{stop:?}");
            ExitCode::FAILURE
        }
    })
}

/// What this program says as such a child.
fn said(what: &str) -> Result<Vec<String>, Stop> {
    let output = unprivileged(Command::new(env::current_exe()?).env(CHILD, what))?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect()),
        false => Err(Stop::Fail(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

/// Some of everything.
fn set_up() -> Outcome {
    for devices in ["all", "default"] {
        // Its addresses and routes change by themselves.
        let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{devices}/disable_ipv6"), "1");
    }
    for words in
        ["link set lo up", "link add wan type bridge", "link set wan up", "address add 192.0.2.1/24 dev wan"]
    {
        ip(words)?;
    }
    for words in [
        "nexthop add id 7 via 192.0.2.9 dev wan",
        "rule add fwmark 5 table 100",
        "route add 198.51.100.0/24 via 192.0.2.8",
    ] {
        ip(words)?;
    }
    for words in [
        "qdisc add dev wan root handle 1: htb default 1",
        "class add dev wan parent 1: classid 1:1 htb rate 1mbit",
        "filter add dev wan parent 1: protocol ip prio 1 u32 match u32 0 0 classid 1:1",
        "qdisc add dev wan clsact",
    ] {
        tc(words)?;
    }
    Ok(())
}

fn listed<Q: Query>(nl: &mut Connection, what: &str, query: Q) -> Result<String, Stop>
where
    Q::Object: std::fmt::Display,
{
    let objects = nl.snapshot(query).map_err(|error| format!("{what}: {error}"))?;
    let objects: Vec<_> = objects.iter().map(ToString::to_string).collect();
    Ok(format!("{what}: {}", objects.join(" | ")))
}

/// Reads in every way that there is.
fn read() -> Result<Vec<String>, Stop> {
    let mut nl = Connection::open()?;
    let dev = nl.link("wan")?.dev;
    let place = Place::on(dev, ROOT);
    let mut lines = vec![
        listed(&mut nl, "addresses", Address::all())?,
        listed(&mut nl, "routes", Route::all_v4())?,
        listed(&mut nl, "routes of IPv6", Route::all_v6())?,
        listed(&mut nl, "rules", Rule::all_v4())?,
        listed(&mut nl, "nexthops", Nexthop::all())?,
        listed(&mut nl, "qdiscs", Qdisc::all())?,
        listed(&mut nl, "classes", Class::of(dev))?,
        listed(&mut nl, "filters", Filter::of(dev).parent(ROOT))?,
        listed(&mut nl, "chains", Chain::of(place))?,
        format!("links: {}", nl.list(Link::all())?.count()),
        format!("one class: {}", nl.get(&Class::with_id(dev, Handle::new(1, 1)))?.id),
        format!("one nexthop: {}", nl.get(&Nexthop::id(7))?),
    ];
    Connection::builder().events(&[Group::Link, Group::Tc, Group::RouteV4])?;
    // A plan is made by reading alone.
    let tree = Tree::new(dev).qdisc(Qdisc::root(dev).handle(ROOT).kind(Htb::new()));
    lines.push(format!("plan: {}", Plan::new(&mut nl, tree)?));
    let policy = Policy::new(RouteProtocol::STATIC).rule(Rule::v4().priority(9).table(100));
    lines.push(format!("plan: {}", Plan::new(&mut nl, policy)?));
    let rules = nl.snapshot(Rule::all_v4())?.into_iter().map(AnyObject::from);
    lines.push(format!("script: {}", Script::rebuilding(rules)));
    Ok(lines)
}

fn reads() -> Outcome {
    set_up()?;
    let (theirs, ours) = (said("read")?.join("\n"), read()?.join("\n"));
    assert_eq!(theirs.trim_end(), ours.trim_end());
    for words in ["192.0.2.1/24", "fwmark 0x5", "htb", "u32", "nexthop", "links: 2", "ip rule add"] {
        assert!(ours.contains(words), "no {words} in {ours}");
    }
    Ok(())
}

/// Tries in every way to change something, and gives the errors.
fn write() -> Result<Vec<String>, Stop> {
    let mut nl = Connection::open()?;
    let dev = nl.link("wan")?.dev;
    let class = Class::under(dev, ROOT).id(Handle::new(1, 2)).kind(HtbClass::rate(Rate::mbit(1)));
    let filter = Filter::on(dev, ROOT).prio(7).kind(Fw::mark(7));
    let mut batch = nl.batch();
    batch.delete(&Link::of(dev))?;
    let mut errors = vec![
        nl.add(&Link::named("new")?.kind(Bridge::new())).err(),
        nl.change(&Link::of(dev).down()).err(),
        nl.add(&Address::new("192.0.2.2/24".parse()?).on(dev)).err(),
        nl.add(&Route::default_v4().via(Ipv4Addr::new(192, 0, 2, 9)).dev(dev)).err(),
        nl.add(&Nexthop::id(8).blackhole()).err(),
        nl.add(&Rule::v4().fwmark(6).table(100)).err(),
        nl.replace(&Qdisc::root(dev).kind(Pfifo::new())).err(),
        nl.delete(&Class::with_id(dev, Handle::new(1, 1))).err(),
        nl.add(&class).err(),
        nl.add(&filter).err(),
        nl.add(&Chain::on(dev, ROOT, 9)).err(),
        nl.add(&ActionTable::of([tcnl::tc::gact::Gact::drop()])).err(),
        nl.run(&batch).remove(0).err(),
    ];
    // nfnetlink lets nobody else even look.
    let mut firewall = Connection::builder().protocol(Protocol::Netfilter).open()?;
    let mut transaction = Transaction::new();
    transaction.add_table(&Table::inet("new"));
    let flows = Flows::marked(1, 1)?;
    errors.extend([
        firewall.commit(&transaction).err(),
        firewall.nft_table("tcnl").err(),
        firewall.has_flowtable().err(),
        firewall.count_flows(&flows).err(),
        firewall.delete_flows(&flows).err(),
    ]);
    // Nobody enters even the one that he is in.
    let here = File::open("/proc/self/ns/net")?;
    errors.extend([
        Connection::open_in(Namespace::Fd(here.as_fd())).err(),
        Connection::open_in(Namespace::Pid(1)).err(),
        Capabilities::probe().err(),
    ]);
    let nothing = || "nothing was refused".to_owned();
    Ok(errors.into_iter().map(|error| error.map_or_else(nothing, |error| error.to_string())).collect())
}

fn writes() -> Outcome {
    set_up()?;
    let state = || Ok::<_, Stop>((ip("link")?, ip("address")?, ip("rule")?, ip("route")?, tc("qdisc")?));
    let before = state()?;
    let errors = said("write")?;
    let [requests @ .., here, init, probe] = errors.as_slice() else {
        return Err(Stop::Fail(errors.join("\n")));
    };
    assert_eq!(requests.len(), 18, "{errors:#?}");
    for error in requests {
        let refused = "` was refused: Operation not permitted (os error 1) (it takes CAP_NET_ADMIN)";
        assert!(error.starts_with('`') && error.ends_with(refused), "{error}");
    }
    let denied = "(it takes CAP_SYS_ADMIN): Operation not permitted (os error 1)";
    assert_eq!(*here, format!("cannot enter the network namespace {denied}"));
    assert!(init.contains("CAP_SYS_PTRACE") || init.ends_with(denied), "{init}");
    assert_eq!(*probe, format!("cannot make a network namespace to try things out in {denied}"));
    assert_eq!(state()?, before);
    Ok(())
}

fn programs() -> Outcome {
    set_up()?;
    let [ip, tc] = [example("ip")?, example("tc")?];
    for (program, words) in [
        (&ip, "link show"),
        (&ip, "-json address show"),
        (&ip, "route show table all"),
        (&ip, "rule show"),
        (&ip, "nexthop show"),
        (&tc, "qdisc show"),
        (&tc, "-json class show dev wan"),
        (&tc, "filter show dev wan"),
        (&tc, "chain show dev wan ingress"),
    ] {
        let mut command = Command::new(program);
        command.args(words.split(' '));
        let (theirs, ours) = (unprivileged(&command)?, fed(&mut command, "")?);
        assert!(
            theirs.status.success() && !ours.stdout.is_empty() || words.starts_with("chain"),
            "{words}: {theirs:?}"
        );
        assert_eq!(String::from_utf8(theirs.stdout)?, String::from_utf8(ours.stdout)?, "{words}");
    }
    let refused = unprivileged(Command::new(&ip).args(["link", "set", "wan", "down"]))?;
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(String::from_utf8(refused.stderr)?, "RTNETLINK answers: Operation not permitted\n");
    Ok(())
}
