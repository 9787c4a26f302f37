//! This program once more, as a child that something is done to.

use crate::common::{fed, has_program, Outcome, Stop};
use nix::sched::{unshare, CloneFlags};
use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Command, ExitCode};
use std::{env, iter};
use tcnl::netlink::{Capabilities, Connection, Group, Namespace, Protocol};
use tcnl::route::{Link, Rule};
use tcnl::tc::{fifo::Pfifo, Qdisc};
use tcnl::uplink::Machine;

/// Says what the child is to do.
const CHILD: &str = "TCNL_TEST_FAULTS";

/// The whole of a process that a test here started; `None` in any other.
pub fn child() -> Option<ExitCode> {
    let done = match env::var_os(CHILD)?.to_str() {
        Some("verbs") => verbs(),
        _ => run_out(),
    };
    Some(done.map_or_else(
        |stop| {
            eprintln!("{stop:?}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    ))
}

/// Does a bit of everything, and says what came of it.
fn verbs() -> Outcome {
    // Each child in a namespace of its own, which is the same in the beginning.
    unshare(CloneFlags::CLONE_NEWNET)?;
    let mut events = Connection::builder().timeout(super::SOON).events(&[Group::RuleV4])?;
    let mut nl = Connection::open()?;
    println!("{:?}", nl.add(&Qdisc::root(1).handle("1:".parse()?).kind(Pfifo::default())));
    println!("{}", nl.add(&Qdisc::root(1).handle("1:".parse()?).kind(Pfifo::default())).unwrap_err());
    println!("{}", nl.get(&Qdisc::root(1))?);
    println!("{}", nl.link("nowhere").unwrap_err());
    let mut batch = nl.batch();
    for priority in 0..400 {
        batch.add(&Rule::v4().priority(1 + priority / 2 * 2).table(100))?;
    }
    for result in nl.run(&batch) {
        println!("{}", result.map_or_else(|error| error.to_string(), |ack| format!("{ack:?}")));
    }
    for rule in nl.list(Rule::all_v4())? {
        println!("{}", rule?);
    }
    println!("{} links", nl.snapshot(Link::all())?.len());
    let mut heard = 0;
    while let Some(event) = events.next()? {
        heard += u32::from(event.object::<Rule>().is_some());
    }
    println!("{heard} events");
    Ok(())
}

/// Lets every second system call by which the connection is driven fail in this way.
pub fn under(errno: &str) -> Outcome {
    if !has_program("strace") {
        return Err(Stop::Skip("`strace` is not installed".into()));
    }
    let this = env::current_exe()?;
    let plain = fed(Command::new(&this).env(CHILD, "verbs"), "")?;
    let plain_said = String::from_utf8(plain.stdout)?;
    assert!(plain.status.success(), "{}", String::from_utf8_lossy(&plain.stderr));
    assert!(plain_said.ends_with("1 links\n200 events\n"), "{plain_said}");
    let mut command = Command::new("strace");
    // Only waits and what is tried again: a send that fails with EAGAIN is an error.
    let calls = if errno == "EINTR" { "sendto,recvfrom,?poll,?ppoll" } else { "recvfrom" };
    let inject = format!("inject={calls}:error={errno}:when=1+2");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=sendto,recvfrom,?poll,?ppoll", "-e", &inject]);
    let disturbed = fed(command.arg(&this).env(CHILD, "verbs"), "")?;
    let complaint = String::from_utf8_lossy(&disturbed.stderr);
    if complaint.contains("ptrace") {
        return Err(Stop::Skip(format!("strace may not look at processes here: {complaint}")));
    }
    assert_eq!(String::from_utf8(disturbed.stdout)?, plain_said, "{complaint}");
    Ok(())
}

pub fn no_descriptors() -> Outcome {
    let limited = "ulimit -n 24 && exec \"$0\"";
    let mut command = Command::new("sh");
    let output = fed(command.args(["-c", limited]).arg(env::current_exe()?).env(CHILD, "descriptors"), "")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let said = String::from_utf8(output.stdout)?;
    for words in [
        "cannot open a netlink socket (Route): Too many open files (os error 24)",
        "cannot open a netlink socket (Netfilter): Too many open files (os error 24)",
        "cannot open the network namespace /proc/self/ns/net: Too many open files (os error 24)",
    ] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    Ok(())
}

/// As many descriptors as there are.
fn all() -> Vec<File> {
    iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

type Opens = fn(BorrowedNamespace<'_>) -> tcnl::Result<String>;
type BorrowedNamespace<'a> = std::os::fd::BorrowedFd<'a>;

/// Opens all that can be opened, with none, one, two and more descriptors left: it works, or it says why not; and all are there again.
fn run_out() -> Outcome {
    let here = File::open("/proc/self/ns/net")?;
    let known = Capabilities::probe()?.to_string();
    let openers: [(&str, Opens); 7] = [
        ("a connection", |_| Connection::open().map(|_| String::new())),
        ("one to netfilter", |_| {
            Connection::builder().protocol(Protocol::Netfilter).open().map(|_| String::new())
        }),
        ("events", |_| Connection::builder().events(&[Group::Link]).map(|_| String::new())),
        ("one by descriptor", |fd| Connection::open_in(Namespace::Fd(fd)).map(|_| String::new())),
        ("one by path", |_| {
            Connection::open_in(Namespace::Path("/proc/self/ns/net".as_ref())).map(|_| String::new())
        }),
        ("a machine", |_| Machine::open().map(|_| String::new())),
        ("the probe", |_| Capabilities::probe().map(|has| has.to_string())),
    ];
    for (what, open) in openers {
        let mut works = false;
        for left in 0..6 {
            let mut taken = all();
            let limit = taken.len();
            taken.truncate(limit - left);
            match open(here.as_fd()) {
                // What is half known is not given for the whole.
                Ok(found) => {
                    assert!(found.is_empty() || found == known, "{found}");
                    works = true;
                }
                Err(error) => {
                    assert!(!works, "{what} failed with {left} left and worked with fewer: {error}");
                    assert_eq!(error.errno(), Some(nix::libc::EMFILE), "{what}, {left} left: {error}");
                    println!("{what}, {left} left: {error}");
                }
            }
            drop(taken);
            assert_eq!(all().len(), limit, "{what}, {left} left, keeps descriptors");
        }
        assert!(works, "{what} never worked");
    }
    Ok(())
}
