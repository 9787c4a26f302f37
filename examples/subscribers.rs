//! A line that thousands of subscribers share, in a network namespace of this process: `cargo run --release --example subscribers [N]`.
//!
//! Builds the tree of N subscribers (2000 if not given) over the transmit queues of a virtual device, plans again, changes one
//! subscriber, and shows the meter of that one's class while packets come. Works for root, and for users who may have namespaces.

use nix::sched::{unshare, CloneFlags};
use nix::unistd::{getegid, geteuid};
use std::io::{stderr, IsTerminal, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::ExitCode;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};
use tcnl::netlink::{Capabilities, Connection};
use tcnl::plan::{Meter, Plan, Progress, Severity, Steering, Subscriber, Subscribers};
use tcnl::route::{Address, IfAddr, Link, LinkKind, Prefix, Route};
use tcnl::tc::sfq::Sfq;
use tcnl::tc::Class;
use tcnl::units::Rate;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const DEVICE: &str = "line";
const QUEUES: u16 = 4;

fn main() -> ExitCode {
    let count = std::env::args().nth(1).map_or(Ok(2000), |word| word.parse());
    let Some(count) = count.ok().filter(|count| (1..=60_000).contains(count)) else {
        eprintln!("usage: subscribers [N]   N is 1 to 60000");
        return ExitCode::from(2);
    };
    match run(count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("subscribers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(count: u32) -> Result<()> {
    leave_the_machine()?;
    let kernel = Capabilities::probe()?;
    let mut nl = Connection::open()?;
    let mut line = Subscribers::new(device(&mut nl)?, QUEUES, Rate::gbit(10))?;
    if !kernel.has_action("skbedit") {
        println!("This kernel has no skbedit: the device chooses the queue, and what misses the subscriber's is in the class for the rest.");
        line = line.steering(Steering::Filters);
    }
    if kernel.has_qdisc("sfq") {
        line = line.leaf(Sfq::new().perturb(10));
    }
    for number in 0..count {
        line.insert(key(number), subscriber(number, Rate::mbit(100))?)?;
    }

    apply(&mut nl, &mut line)?;
    let again = Instant::now();
    let plan = Plan::new(&mut nl, line.tree()?)?;
    println!("Planned again in {} ms: {} steps.\n", again.elapsed().as_millis(), plan.steps().len());

    let chosen = count / 2;
    let class = line.insert(key(chosen), subscriber(chosen, Rate::mbit(200))?)?;
    println!("{} has {} and more now:", key(chosen), Rate::mbit(200));
    apply(&mut nl, &mut line)?;

    println!("What class {class} sends:");
    spawn(move || traffic(address(chosen)));
    let dev = nl.link(DEVICE)?.dev;
    let mut meter = Meter::new(Duration::from_secs(2));
    for _ in 0..8 {
        // One request about one class, however many there are.
        let stats = nl.get(&Class::with_id(dev, class))?.stats.unwrap_or_default();
        if let Some(measured) = meter.sample_stats(Instant::now(), &stats) {
            let kbit = measured.rate.as_bits_per_second() / 1000;
            println!("  {kbit:6} kbit/s  {:6.0} packets/s", measured.packets_per_second);
        }
        sleep(Duration::from_millis(500));
    }
    Ok(())
}

fn apply(nl: &mut Connection, line: &mut Subscribers<String>) -> Result<()> {
    let start = Instant::now();
    let plan = Plan::new(nl, line.tree()?)?;
    let errors = plan.findings().iter().filter(|finding| finding.severity == Severity::Error);
    errors.for_each(|finding| println!("{finding}"));
    println!("{} steps, planned in {} ms.", plan.steps().len(), start.elapsed().as_millis());
    if plan.steps().len() < 20 {
        print!("As commands:\n{plan}As a tree:\n{}", plan.tree());
    }
    let start = Instant::now();
    plan.apply(nl, bar)?;
    if stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    println!("Done in {} ms.", start.elapsed().as_millis());
    for table in line.tables() {
        println!(
            "{} prefixes ({}): at most {} look-ups a packet.",
            table.len(),
            table.layout(),
            table.lookups()
        );
    }
    println!();
    Ok(())
}

fn bar(progress: Progress<'_>) {
    const WIDTH: usize = 50;
    if stderr().is_terminal() {
        let full = WIDTH * progress.done / progress.all.max(1);
        eprint!("\r[{:<WIDTH$}] {}/{}", "#".repeat(full), progress.done, progress.all);
        // A bar that cannot be seen is no reason to stop.
        let _ = stderr().flush();
    }
}

fn key(number: u32) -> String {
    format!("subscriber-{number}")
}

fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 1, 0, 0).to_bits() + number)
}

fn subscriber(number: u32, ceil: Rate) -> Result<Subscriber> {
    let six: Prefix = format!("2001:db8:{number:x}::/48").parse()?;
    Ok(Subscriber::new(Rate::mbit(4), ceil).prefix(address(number)).prefix(six))
}

/// A device that takes all packets and keeps none, with a way to it.
fn device(nl: &mut Connection) -> Result<tcnl::units::Dev> {
    nl.add(&Link::named(DEVICE)?.kind(LinkKind::Ifb).tx_queues(QUEUES.into()).up())?;
    let dev = nl.link(DEVICE)?.dev;
    nl.add(&Address::new(IfAddr::new(Ipv4Addr::new(10, 0, 0, 1), 32)?).on(dev))?;
    nl.add(&Route::default_v4().dev(dev))?;
    Ok(dev)
}

/// A thousand packets of a thousand bytes a second, of several flows, as a device spreads flows over its queues.
fn traffic(to: Ipv4Addr) {
    let sockets: Vec<UdpSocket> = (0..16).filter_map(|_| UdpSocket::bind("10.0.0.1:0").ok()).collect();
    for socket in sockets.iter().cycle() {
        // A full queue drops it, as it should.
        let _ = socket.send_to(&[0; 972], (to, 9));
        sleep(Duration::from_millis(1));
    }
}

/// Moves this process, which has one thread yet, out of the machine's network.
fn leave_the_machine() -> Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    if unshare(CloneFlags::CLONE_NEWNET).is_ok() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
        .map_err(|error| format!("the kernel gives this user no namespaces of its own: {error}"))?;
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    Ok(())
}
