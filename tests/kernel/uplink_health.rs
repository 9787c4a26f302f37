//! Probes of uplinks against real providers: each packet goes by the uplink whose mark it has, and only an answer counts as one.

mod forger;
mod providers;

use crate::common::{ip, trial, trial_on_fast_machines, Outcome, Stop};
use forger::Forgery;
use libtest_mimic::Trial;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sched::{unshare, CloneFlags};
use providers::{Providers, SILENT_NET};
use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use tcnl::uplink::{Health, Interest, Prober, Probing, Round, Sources, Target};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("probes by raw ICMP go by the uplink whose mark they have", || icmp(None)),
        trial_on_fast_machines("probes by ping sockets go by the uplink whose mark they have", || {
            icmp(Some("0 0"))
        }),
        trial("probes by TCP go by the uplink whose mark they have", tcp),
        trial_on_fast_machines("a connection that is refused is an answer", refused),
        trial_on_fast_machines(
            "silent loss is seen after as many rounds as said, and so is the end of it",
            silence,
        ),
        trial_on_fast_machines("what is unreachable is known at once", unreachable),
        trial_on_fast_machines("raw ICMP replies that somebody forged do not count", || forged(None)),
        trial_on_fast_machines("replies to ping sockets that somebody forged do not count", || {
            forged(Some("0 0"))
        }),
        trial_on_fast_machines("one target that answers is enough", one_of_several),
        trial_on_fast_machines(
            "an address that is gone is no answer, and another one is used at once",
            readdressed,
        ),
        trial_on_fast_machines(
            "rounds end in the order in which they began, and their number is bounded",
            bounded,
        ),
        trial_on_fast_machines(
            "a process without descriptors left loses rounds, and goes on",
            no_descriptors,
        ),
        trial_on_fast_machines("without privileges there is a clear error", no_privileges),
    ]
}

const SLACK: Duration = Duration::from_secs(30);

/// The mark of the second uplink, which is not the one of the main table.
const B: u32 = 0x200;

fn probing() -> Probing {
    let mut probing = Probing::default();
    (probing.interval, probing.timeout) = (Duration::from_millis(100), Duration::from_millis(400));
    probing
}

fn prober_of(targets: &[Target]) -> tcnl::Result<Prober> {
    Prober::new(&probing(), targets, B, Providers::sources_of_b(), Instant::now())
}

/// Drives a prober as a program would, until so many rounds have ended.
fn rounds(prober: &mut Prober, count: usize) -> Result<Vec<Round>, Stop> {
    let begun = Instant::now();
    let mut rounds = Vec::new();
    while rounds.len() < count {
        if begun.elapsed() > SLACK {
            return Err(Stop::Fail(format!("{} of {count} rounds ended", rounds.len())));
        }
        wait(prober)?;
        rounds.extend(prober.drive(Instant::now()));
    }
    Ok(rounds)
}

fn wait(prober: &Prober) -> Outcome {
    let fd = |(fd, interest)| match interest {
        Interest::Read => PollFd::new(fd, PollFlags::POLLIN),
        Interest::Write => PollFd::new(fd, PollFlags::POLLOUT),
    };
    let mut fds: Vec<_> = prober.fds().map(fd).collect();
    let next = prober.next().ok_or("nothing to wait for")?;
    // Rounded up, so that nobody turns in circles.
    let patience = next.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
    poll(&mut fds, PollTimeout::try_from(patience)?)?;
    Ok(())
}

fn all_good(rounds: &[Round], who: &Target) {
    for round in rounds {
        assert!(round.answer.is_some_and(|time| time < Duration::from_millis(400)), "{round:?}");
        assert_eq!(round.who, who.to_string());
    }
}

/// Lets these groups have ping sockets, from and to. In a new namespace none may.
fn allow_ping_sockets(groups: Option<&str>) -> Outcome {
    let switch = "/proc/sys/net/ipv4/ping_group_range";
    groups.map_or(Ok(()), |groups| Ok(fs::write(switch, groups)?))
}

fn icmp(groups: Option<&str>) -> Outcome {
    let providers = Providers::build()?;
    allow_ping_sockets(groups)?;
    for (target, counter) in [
        (Target::Icmp(providers::V4.into()), "InEchos"),
        (Target::Icmp(providers::V6.into()), "Icmp6InEchos"),
    ] {
        let mut prober = prober_of(&[target])?;
        all_good(&rounds(&mut prober, 4)?, &target);
        // Each kind of socket has a list, of which the first line is a head.
        let list = |name: &str| fs::read_to_string(format!("/proc/thread-self/net/{name}"));
        let lists = if groups.is_some() { ["icmp", "icmp6"] } else { ["raw", "raw6"] };
        assert_eq!(list(lists[0])?.lines().count() + list(lists[1])?.lines().count(), 3);
        let [a, b] = providers.counters(counter)?;
        assert_eq!(a, 0, "{counter} of the provider that has the default route");
        assert!(b >= 4, "{counter}: {b}");
    }
    Ok(())
}

fn tcp() -> Outcome {
    let providers = Providers::build()?;
    for (address, before) in providers::BOTH.into_iter().zip([0, 4]) {
        let listener = providers.in_b(|| Ok(TcpListener::bind((address, 443))?))?;
        let target = Target::Tcp((address, 443).into());
        let mut prober = prober_of(&[target])?;
        all_good(&rounds(&mut prober, 4)?, &target);
        // To the customer a connection is there one packet before it is to the provider.
        let begun = Instant::now();
        let [a, b] = loop {
            let counted = providers.counters("PassiveOpens")?;
            if counted[1] >= before + 4 || begun.elapsed() > SLACK {
                break counted;
            }
        };
        assert_eq!(a, 0, "connections with the provider that has the default route");
        assert!(b >= before + 4, "{b}");
        let (_, from) = listener.accept()?;
        assert!(Providers::is_b(from.ip()), "{from}");
        drop(listener);
    }
    // Nothing is kept of them: no connection waits for its last packets.
    let sockets = fs::read_to_string("/proc/thread-self/net/sockstat")?;
    assert!(sockets.contains(" tw 0 "), "{sockets}");
    Ok(())
}

fn refused() -> Outcome {
    let _providers = Providers::build()?;
    for address in providers::BOTH {
        let target = Target::Tcp((address, 444).into());
        all_good(&rounds(&mut prober_of(&[target])?, 3)?, &target);
    }
    Ok(())
}

fn silence() -> Outcome {
    let providers = Providers::build()?;
    let targets = [Target::Icmp(providers::V4.into()), Target::Tcp((providers::V4, 443).into())];
    let mut prober = prober_of(&targets)?;
    let mut health = Health::new(&probing());
    let changes = |rounds: Vec<Round>, health: &mut Health| {
        let changes = rounds.into_iter().filter_map(|round| health.round(round));
        changes.map(|change| (change.up, change.reason)).collect::<Vec<_>>()
    };
    let up = changes(rounds(&mut prober, 3)?, &mut health);
    assert!(matches!(&up[..], [(true, why)] if why.starts_with("3 of 3 probes answered")), "{up:?}");
    let answers = |yes: bool| {
        let verb = if yes { "add" } else { "del" };
        providers.in_b(|| ip(&format!("address {verb} {}/32 dev lo", providers::V4)))
    };
    answers(false)?;
    // A round may be under way that was answered.
    let mut down = Vec::new();
    let begun = Instant::now();
    while down.is_empty() && begun.elapsed() < SLACK {
        down = changes(rounds(&mut prober, 1)?, &mut health);
    }
    let why = "3 of 3 probes lost: icmp 203.0.113.9, tcp 203.0.113.9:443";
    assert_eq!(down, [(false, why.to_owned())]);
    // Three intervals and the timeout; the machine may be slow.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(health.last(), None);
    answers(true)?;
    let begun = Instant::now();
    let mut up = Vec::new();
    while up.is_empty() && begun.elapsed() < SLACK {
        up = changes(rounds(&mut prober, 1)?, &mut health);
    }
    assert!(matches!(&up[..], [(true, _)]), "{up:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(health.last().is_some());
    Ok(())
}

fn unreachable() -> Outcome {
    let providers = Providers::build()?;
    let lost = |target: Target, words: &str| -> Outcome {
        let mut probing = probing();
        probing.timeout = SLACK;
        let begun = Instant::now();
        let mut prober = Prober::new(&probing, &[target], B, Providers::sources_of_b(), begun)?;
        for round in rounds(&mut prober, 3)? {
            assert_eq!((round.answer, round.who), (None, format!("{target} ({words})")));
        }
        assert!(begun.elapsed() < SLACK / 10, "{:?}", begun.elapsed());
        Ok(())
    };
    // The provider says so.
    providers.in_b(|| {
        fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
        ip(&format!("route add unreachable {SILENT_NET}"))
    })?;
    lost(Target::Tcp("203.0.113.77:443".parse()?), "cannot connect: No route to host")?;
    // This machine knows.
    for family in ["-4", "-6"] {
        ip(&format!("{family} route del default table 102"))?;
        ip(&format!("{family} rule add fwmark {B} unreachable priority 1001"))?;
    }
    for address in providers::BOTH {
        let rule = "Network is unreachable";
        lost(Target::Tcp((address, 443).into()), &format!("cannot connect: {rule}"))?;
        lost(Target::Icmp(address), &format!("cannot send: {rule}"))?;
    }
    Ok(())
}

fn forged(groups: Option<&str>) -> Outcome {
    let providers = Providers::build()?;
    allow_ping_sockets(groups)?;
    providers.in_b(|| Ok(fs::write("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1")?))?;
    let target = Target::Icmp(providers::V4.into());
    for forgery in [Forgery::Address, Forgery::Id, Forgery::Sequence, Forgery::Payload, Forgery::Request] {
        let forger = providers.in_b(|| forger::start(forgery))?;
        for round in rounds(&mut prober_of(&[target])?, 2)? {
            assert_eq!(round.answer, None, "{forgery:?}");
        }
        let sent = forger.stop()?;
        assert!(sent >= 2, "{forgery:?}: {sent} sent");
    }
    // The same hand, honest: it is the forgery that is told apart.
    let forger = providers.in_b(|| forger::start(Forgery::None))?;
    all_good(&rounds(&mut prober_of(&[target])?, 2)?, &target);
    forger.stop().map(drop)
}

fn one_of_several() -> Outcome {
    let _providers = Providers::build()?;
    let silent = [Target::Icmp("203.0.113.77".parse()?), Target::Tcp("[2001:db8:f::77]:443".parse()?)];
    let good = Target::Icmp(providers::V6.into());
    let targets = [silent[0], good, silent[1]];
    all_good(&rounds(&mut prober_of(&targets)?, 3)?, &good);
    // Without an address of its family a target is not asked, though the main table has a way to it.
    let sources = Sources { v4: Providers::sources_of_b().v4, v6: None };
    let mut prober = Prober::new(&probing(), &[good], B, sources, Instant::now())?;
    let round = rounds(&mut prober, 1)?.remove(0);
    assert_eq!((round.answer, &*round.who), (None, "icmp 2001:db8:f::9 (the uplink has no IPv6 address)"));
    Ok(())
}

fn readdressed() -> Outcome {
    let _providers = Providers::build()?;
    let targets = [Target::Icmp(providers::V4.into()), Target::Tcp((providers::V4, 444).into())];
    let mut prober = prober_of(&targets)?;
    assert!(rounds(&mut prober, 1)?.remove(0).answer.is_some());
    ip("address del 198.51.100.1/24 dev b")?;
    ip("address add 198.51.100.2/24 dev b")?;
    ip("route replace default via 198.51.100.254 table 102")?;
    let lost = rounds(&mut prober, 2)?.remove(1);
    let gone = "cannot probe from 198.51.100.1: Cannot assign requested address";
    assert_eq!(
        (lost.answer, lost.who),
        (None, format!("icmp 203.0.113.9 ({gone}), tcp 203.0.113.9:444 ({gone})"))
    );
    let v4 = Some(Ipv4Addr::new(198, 51, 100, 2));
    let now = Instant::now();
    prober.readdress(Sources { v4, v6: None }, now);
    assert_eq!(prober.next(), Some(now));
    assert!(rounds(&mut prober, 3)?.iter().all(|round| round.answer.is_some()));
    Ok(())
}

fn bounded() -> Outcome {
    let providers = Providers::build()?;
    let mut probing = probing();
    (probing.interval, probing.timeout) = (Duration::from_millis(10), Duration::from_millis(2500));
    let silent = Target::Tcp("203.0.113.77:443".parse()?);
    let targets = [silent, Target::Tcp("203.0.113.78:443".parse()?)];
    let mut prober = Prober::new(&probing, &targets, B, Providers::sources_of_b(), Instant::now())?;
    let begun = Instant::now();
    let mut most = 0;
    while begun.elapsed() < Duration::from_millis(1800) {
        assert_eq!(prober.drive(Instant::now()), []);
        most = most.max(prober.fds().count());
        wait(&prober)?;
    }
    assert_eq!(most, 128);
    // What is answered now waits for those that began before.
    providers.in_b(|| ip("address add 203.0.113.77/32 dev lo"))?;
    let ended = rounds(&mut prober, 100)?;
    let first = ended.iter().position(|round| round.answer.is_some()).ok_or("no answer")?;
    assert!(ended[first..].iter().all(|round| round.who == silent.to_string()), "{ended:?}");
    assert!(first <= 64, "{first}");
    Ok(())
}

/// Says what to do to a process that one of these tests starts: another one has limits and privileges of its own.
const CHILD: &str = "TCNL_TEST_PROBER";

fn no_descriptors() -> Outcome {
    let _providers = Providers::build()?;
    let limited = "ulimit -n 12 && exec \"$0\"";
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(env::current_exe()?)
        .env(CHILD, "descriptors")
        .output()?;
    let said = String::from_utf8(output.stdout)?;
    let lines: Vec<_> = said.lines().collect();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(lines.len(), 3, "{}: {said}{complaint}", output.status);
    let none_left = "(cannot open a socket: Too many open files)";
    for lost in &lines[..2] {
        assert!(lost.contains(&format!("tcp 203.0.113.77:16 {none_left}")), "{lost}");
        assert!(lost.contains(&format!("icmp 203.0.113.9 {none_left}")), "{lost}");
    }
    assert_eq!(lines[2], "then icmp 203.0.113.9");
    Ok(())
}

/// Asks with nothing left for the last targets, and then with room.
fn run_out() -> Outcome {
    let icmp = Target::Icmp(providers::V4.into());
    let silent = (1..=16).map(|port| Target::Tcp((Ipv4Addr::new(203, 0, 113, 77), port).into()));
    let mut prober = prober_of(&silent.chain([icmp]).collect::<Vec<_>>())?;
    // Those that fail at once wait for the first one, and end with it.
    for round in rounds(&mut prober, 2)?.iter().take(2) {
        println!("{}", round.who);
    }
    drop(prober);
    println!("then {}", rounds(&mut prober_of(&[icmp])?, 1)?.remove(0).who);
    Ok(())
}

fn no_privileges() -> Outcome {
    let output = Command::new(env::current_exe()?).env(CHILD, "privileges").output()?;
    let said = String::from_utf8(output.stdout)?;
    let denied = "Operation not permitted (os error 1)";
    let icmp = "cannot open and mark an ICMP socket \
                (it takes CAP_NET_ADMIN, and CAP_NET_RAW or a group in net.ipv4.ping_group_range)";
    let tcp = "cannot mark a probe (SO_MARK needs CAP_NET_ADMIN)";
    let expected = format!("{icmp}: {denied}\n{tcp}: {denied}\n");
    assert_eq!(said, expected, "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn try_without() -> Outcome {
    // All capabilities are now for a new user namespace, which owns no network.
    unshare(CloneFlags::CLONE_NEWUSER)?;
    for target in [Target::Icmp(providers::V4.into()), Target::Tcp((providers::V4, 443).into())] {
        println!("{}", prober_of(&[target]).err().ok_or("it may probe")?);
    }
    Ok(())
}

/// The whole of a process that a test here started; `None` in any other.
pub fn child() -> Option<ExitCode> {
    let done = match env::var_os(CHILD)?.to_str() {
        Some("descriptors") => run_out(),
        _ => try_without(),
    };
    Some(done.map_or_else(
        |stop| {
            eprintln!("{stop:?}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    ))
}
