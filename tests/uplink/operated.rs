//! The example `dual_uplink` on the lab's gateway, and how it behaves as a program.

use crate::common::{example, has_program, ip, trial, Outcome, Stop};
use crate::lab::{Lab, Result, SERVER};
use crate::program::{call, well, Place, Running, PATIENCE};
use crate::traces::picture;
use crate::traffic::{serve, tcp_seen_as, until, Talk};
use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::net::UdpSocket;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;
use tcnl::units::Rate;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("the program keeps a gateway, tells why, and takes a new file while connections live", life),
        trial("with --json all lines are JSON, and --cleanup-on-exit leaves the machine as it was", json),
        trial("the program ends when nobody reads what it says, and the next one takes over", unread),
        trial(
            "a directory for the socket that others may enter is refused, and what is no socket stays",
            distrust,
        ),
        trial("a UDP server for all addresses is found", audited),
        trial("on a terminal a table stays at the bottom", live),
    ]
}

const FAST: (Rate, Rate) = (Rate::mbit(100), Rate::mbit(100));

/// The lab's uplinks, of which the first is preferred, or the second.
pub fn configuration(lab: &Lab, preferred: usize) -> String {
    let mut text = "lans = [\"lan\"]\nselector = \"failover\"\nfailover_hold = \"500ms\"\n".to_owned();
    for (number, line) in lab.lines.iter().enumerate() {
        let (dev, [v4, v6]) = (line.device, line.router);
        text += &format!(
            "[[uplink]]\nname = \"isp-{}\"\ndev = \"{dev}\"\ndown = \"100mbit\"\nup = \"100mbit\"\ntier = {}\n\
             v4 = {{ via = \"{v4}\" }}\nv6 = {{ via = \"{v6}\" }}\n[uplink.shaping]\n",
            number + 1,
            u8::from(number != preferred)
        );
    }
    text + &format!("[probing]\ntargets = [\"icmp {}\", \"icmp {}\"]\n", SERVER[0], SERVER[1])
}

fn life() -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    SERVER.into_iter().try_for_each(|address| serve(&lab.internet, address))?;
    let place = Place::new()?;
    let (file, socket) = (place.write("gateway.toml", &configuration(&lab, 0))?, place.path("socket"));
    let (config, at) = (["--config", &file], ["--socket", &socket]);
    let with_file = |word| [&[word], &config[..]].concat();
    let with_socket = |words: &[&'static str]| [words, &at[..]].concat();
    let before = picture(&lab)?;
    let absent = lab.gateway.run(|| call(&with_socket(&["status"])))?;
    assert!(absent.status == 1 && absent.stderr.contains("is `run` running?"), "{}", absent.stderr);
    let commands = well(&lab.gateway, &with_file("plan"))?;
    for words in ["ip rule add", "ip nexthop add", "tc class add dev w1", "nft 'add table", "sysctl -w"] {
        assert!(commands.contains(words), "{words} in {commands}");
    }
    assert_eq!(picture(&lab)?, before, "plan changes nothing");

    let mut running = lab.gateway.run(|| Running::start(&[&config[..], &at].concat()))?;
    running.says("decision: new connections go to isp-1")?;
    running.says("health: isp-2 works")?;
    let second = running.says("% used")?;
    assert!(second.contains(" isp-1 ") && second.contains("Mbit/s") && second.contains("works"), "{second}");
    let by = |line: usize| {
        SERVER.into_iter().enumerate().all(|(family, server)| {
            tcp_seen_as(&lab.lan, server).is_ok_and(|seen| seen == lab.lines[line].address[family])
        })
    };
    until(PATIENCE, || by(0))?;
    assert_eq!(well(&lab.gateway, &with_file("plan"))?, "", "all is done");

    let talk = Talk::open(&lab.lan, SERVER[0])?;
    for (path, mode) in [(&socket, 0o600), (&place.path(""), 0o700)] {
        assert_eq!(fs::metadata(path)?.mode() & 0o777, mode, "{path}");
    }
    let status = || -> Result<Value> {
        Ok(serde_json::from_str(&well(&lab.gateway, &with_socket(&["status", "--json"]))?)?)
    };
    let flows = |status: Value| status["uplinks"][0]["flows"].as_u64().unwrap_or_default();
    until(PATIENCE, || status().is_ok_and(|status| flows(status) > 0))?;
    let lines = well(&lab.gateway, &with_socket(&["status"]))?;
    assert!(
        lines.lines().count() == 2 && lines.starts_with("isp-1 ") && lines.contains("weight 1"),
        "{lines}"
    );

    // What others must not do while it runs.
    for words in [[&["run"], &config[..], &at].concat(), [&["cleanup"], &config[..], &at].concat()] {
        let refused = lab.gateway.run(|| call(&words))?;
        assert!(refused.status == 1 && refused.stderr.contains("running"), "{words:?}: {}", refused.stderr);
    }

    let said = running.lines().len();
    place.write("gateway.toml", &configuration(&lab, 1))?;
    running.signal(Signal::SIGHUP)?;
    running.says_behind(said, "the configuration was read again")?;
    running.says_behind(said, "decision: new connections go to isp-2")?;
    until(PATIENCE, || by(1))?;
    let good = configuration(&lab, 0);
    let foreign = good.clone() + "[owned]\nprotocol = 99\n";
    for (wrong, words) in [
        (good.replacen("tier = 0", "tier = soon", 1), "gateway.toml:9: tier: "),
        (foreign, "[owned] cannot change"),
    ] {
        let said = running.lines().len();
        place.write("gateway.toml", &wrong)?;
        running.signal(Signal::SIGHUP)?;
        let told = running.says_behind(said, "the configuration stays as it was")?;
        assert!(told.contains(words), "{told}");
    }
    let said = running.lines().len();
    place
        .write("gateway.toml", &configuration(&lab, 1).replacen("tier = 0", "tier = 0\ndrained = true", 1))?;
    running.signal(Signal::SIGHUP)?;
    running.says_behind(said, "isp-2 is not usable any more; new connections go to isp-1")?;
    until(PATIENCE, || by(0))?;
    place.write("gateway.toml", &configuration(&lab, 1))?;
    running.signal(Signal::SIGHUP)?;
    until(PATIENCE, || by(1))?;
    let heard = talk.answers();
    until(PATIENCE, || talk.answers() > heard + 3)?;
    assert!(by(1) && talk.end().is_none() && talk.seen_as == lab.lines[0].address[0]);

    let kept = picture(&lab)?;
    running.signal(Signal::SIGTERM)?;
    assert_eq!(running.ended()?, (Some(0), String::new()));
    assert!(fs::metadata(&socket).is_err(), "the socket is gone");
    assert_eq!(picture(&lab)?, kept, "the routing stays");
    assert!(by(1));
    place.write("gateway.toml", &configuration(&lab, 1))?;
    assert_eq!(well(&lab.gateway, &with_file("plan"))?, "");
    assert_ne!(kept, before);
    assert!(well(&lab.gateway, &[&["cleanup"], &config[..], &at].concat())?.contains("ip rule del"));
    assert_eq!(picture(&lab)?, before);
    assert_eq!(well(&lab.gateway, &[&["cleanup"], &config[..], &at].concat())?, "");
    Ok(())
}

fn json() -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    let place = Place::new()?;
    let (file, socket) = (place.write("gateway.toml", &configuration(&lab, 0))?, place.path("socket"));
    let before = picture(&lab)?;
    let words = ["--config", &file, "--socket", &socket, "--json", "--cleanup-on-exit"];
    let mut running = lab.gateway.run(|| Running::start(&words))?;
    running.says("\"health\"")?;
    running.says_behind(4, "\"status\"")?;
    running.signal(Signal::SIGHUP)?;
    running.says("\"note\"")?;
    assert_ne!(picture(&lab)?, before);
    running.signal(Signal::SIGINT)?;
    assert_eq!(running.ended()?, (Some(0), String::new()));
    assert_eq!(picture(&lab)?, before);
    running.says("as it was before")?;
    let mut events = Vec::new();
    for line in running.lines() {
        let object: Value = serde_json::from_str(&line)?;
        assert!(object["time"].as_f64().is_some_and(|time| time > 1e9), "{line}");
        match object["event"].as_str() {
            Some("status") => assert_eq!(object["uplinks"][1]["name"], "isp-2"),
            Some("decision") => assert_eq!(object["weights"]["isp-1"], 1),
            Some("health") => assert_eq!(object["up"], true),
            _ => assert!(object["text"].is_string(), "{line}"),
        }
        events.extend(object["event"].as_str().map(str::to_owned));
    }
    for kind in ["status", "decision", "health", "note"] {
        assert!(events.iter().any(|event| event == kind), "{kind} in {events:?}");
    }
    Ok(())
}

/// For a machine that has none of the devices yet.
pub const ELSEWHERE: &str = "lans = []\n[[uplink]]\nname = 'a'\ndev = 'w1'\ndown = '1mbit'\nup = '1mbit'\nv4 = { via = '192.0.2.1' }\n\
                         [[uplink]]\nname = 'b'\ndev = 'w2'\ndown = '1mbit'\nup = '1mbit'\nv4 = { via = 'link' }\n";

fn unread() -> Outcome {
    let place = Place::new()?;
    let (file, socket) = (place.write("gateway.toml", ELSEWHERE)?, place.path("socket"));
    let run = ["run", "--config", &file, "--socket", &socket];
    let program = example("dual_uplink")?;
    let begin = |out| Command::new(&program).args(run).stdout(out).stderr(Stdio::piped()).spawn();
    let mut child = begin(Stdio::piped())?;
    drop(child.stdout.take());
    let mut running = Running { child, lines: Arc::default() };
    assert_eq!(running.ended()?, (Some(0), String::new()));
    assert!(fs::metadata(&socket).is_err());
    // A full disk is no reason to stop, and one that was killed leaves a socket that is in nobody's way.
    for out in ["/dev/full", "/dev/null"] {
        let out = Stdio::from(fs::OpenOptions::new().write(true).open(out)?);
        let mut running = Running { child: begin(out)?, lines: Arc::default() };
        until(PATIENCE, || call(&["status", "--socket", &socket]).is_ok_and(|ended| ended.status == 0))?;
        running.signal(Signal::SIGKILL)?;
        running.ended()?;
        assert!(fs::metadata(&socket).is_ok());
    }
    assert_eq!(call(&["status", "--socket", &socket])?.status, 1);
    assert_eq!(call(&["cleanup", "--config", &file])?.status, 0);
    Ok(())
}

fn distrust() -> Outcome {
    let place = Place::new()?;
    let (file, socket) = (place.write("gateway.toml", ELSEWHERE)?, place.path("socket"));
    let run = ["run", "--config", &file, "--socket", &socket];
    let refused = |words: &[&str], why: &str| -> Outcome {
        let ended = call(words)?;
        assert!(ended.status == 1 && ended.stderr.contains(why), "{words:?}: {}", ended.stderr);
        Ok(())
    };
    fs::write(&socket, "somebody's")?;
    refused(&run, "in use")?;
    assert_eq!(fs::read_to_string(&socket)?, "somebody's");
    fs::set_permissions(place.path(""), Permissions::from_mode(0o711))?;
    refused(&run, "others may enter")?;
    refused(&["status", "--socket", &socket], "others may enter")?;
    std::os::unix::fs::symlink(place.path(""), place.path("link"))?;
    refused(&["status", "--socket", &place.path("link/socket")], "is no directory")?;
    refused(&["status", "--socket", "/tmp/socket"], "not trusted")
}

fn audited() -> Outcome {
    let place = Place::new()?;
    let file = place.write("gateway.toml", ELSEWHERE)?;
    let words = ["audit", "--config", &file];
    let ended = call(&words)?;
    assert_eq!((ended.status, ended.stdout.as_str()), (0, ""), "{}", ended.stderr);
    let server = UdpSocket::bind("0.0.0.0:5300")?;
    let ended = call(&words)?;
    assert!(ended.status == 1 && ended.stdout.starts_with("udp 0.0.0.0:5300 of "), "{}", ended.stdout);
    drop(server);
    Ok(())
}

fn live() -> Outcome {
    if !has_program("script") {
        return Err(Stop::Skip("`script` is not installed, which makes a terminal".into()));
    }
    let place = Place::new()?;
    let (file, socket) = (place.write("gateway.toml", ELSEWHERE)?, place.path("socket"));
    let run = format!("{} run --config {file} --socket {socket}", example("dual_uplink")?.display());
    let mut terminal = Running::of(Command::new("script").args(["-qefc", &run, "/dev/null"]))?;
    // The second table takes the place of the first, which has two lines.
    terminal.says("\x1b[2A\x1b[J\x1b[?7la ")?;
    // A line takes the table's place, and the table comes again below it.
    for words in [
        "link add w2 type veth peer name w3",
        "link set w2 up",
        "link set w3 up",
        "addr add 192.0.2.7/24 dev w2",
    ] {
        ip(words)?;
    }
    let decision = terminal.says("new connections go to b")?;
    assert!(decision.contains("\x1b[2A\x1b[J") && decision.contains(" decision: "), "{decision:?}");
    let lines = terminal.lines();
    let below = lines.iter().position(|line| *line == decision).and_then(|place| lines.get(place + 1));
    assert!(below.is_some_and(|line| line.starts_with("\x1b[?7la  ")), "{lines:#?}");
    // The terminal goes away: that is the end, too.
    terminal.signal(Signal::SIGKILL)?;
    terminal.ended()?;
    let begin = Instant::now();
    until(PATIENCE, || fs::metadata(&socket).is_err())?;
    println!("without its terminal it ended after {} ms", begin.elapsed().as_millis());
    Ok(())
}
