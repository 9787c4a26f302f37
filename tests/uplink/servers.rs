//! Real servers on the gateway, bound to each uplink's address: bind9's `named`, and OpenSMTPD's `smtpd`.

use crate::common::{has_program, trial_on_fast_machines, Outcome, Stop};
use crate::lab::{Lab, Result, SERVER};
use crate::running::Running;
use crate::traffic::{until, PATIENCE};
use libtest_mimic::Trial;
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{self, Child, Command, Stdio};
use std::time::Duration;
use tcnl::units::Rate;
use tcnl::uplink::EmptierUplink;

pub fn trials() -> Vec<Trial> {
    vec![
        trial_on_fast_machines("queries to bind9 on each uplink's address are answered from it", || {
            answered(named, |internet, address| lookup(internet, address).and_then(|()| lookup_tcp(address)))
        }),
        trial_on_fast_machines("mails to an SMTP server on each uplink's address are taken by it", || {
            answered(smtpd, |_, address| mail(address))
        }),
    ]
}

/// A server of the gateway, until it is dropped.
struct Server {
    program: Child,
    port: u16,
    files: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = i32::try_from(self.program.id()).map(Pid::from_raw);
        // It ends its own children.
        let asked = pid.is_ok_and(|pid| kill(pid, Signal::SIGTERM).is_ok());
        if !asked || until(Duration::from_secs(3), || matches!(self.program.try_wait(), Ok(Some(_)))).is_err()
        {
            let _ = self.program.kill();
        }
        let _ = self.program.wait();
        let _ = fs::remove_dir_all(&self.files);
    }
}

/// Starts a server in the gateway with this command, which is told the directory of its files, and waits until it listens everywhere.
fn start(lab: &Lab, port: u16, files: PathBuf, command: &str) -> Result<Server> {
    let log = files.join("log");
    let mut server = lab.gateway.run(|| {
        let (out, err) = (File::create(&log)?, File::options().append(true).open(&log)?);
        // Programs of the system: an ordinary user's PATH often lacks their directory.
        let program = Command::new("sh")
            .args(["-c", command, "sh"])
            .arg(&files)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()?;
        Ok(Server { program, port, files })
    })?;
    let addresses: Vec<_> = lab.lines.iter().flat_map(|line| line.address).collect();
    let listens = || {
        let all = || addresses.iter().all(|address| TcpStream::connect((*address, server.port)).is_ok());
        lab.gateway.run(|| Ok(all())).is_ok_and(|all| all)
    };
    let started = until(Duration::from_secs(10), listens);
    let ended = server.program.try_wait()?;
    started.map_err(|_| format!("{ended:?}: {}", fs::read_to_string(&log).unwrap_or_default()))?;
    Ok(server)
}

fn directory(name: &str) -> Result<PathBuf> {
    let files = env::temp_dir().join(format!("tcnl-{name}-{}", process::id()));
    fs::create_dir_all(&files)?;
    Ok(files)
}

fn needs(program: &str, package: &str) -> Result<()> {
    match has_program(program) {
        true => Ok(()),
        false => Err(Stop::Skip(format!("`{program}` of {package} is not installed"))),
    }
}

fn named(lab: &Lab) -> Result<Server> {
    needs("named", "bind9")?;
    let files = directory("named")?;
    let all = |family: usize| -> String {
        lab.lines.iter().map(|line| format!("{}; ", line.address[family])).collect()
    };
    let here = files.display();
    let configuration = format!(
        r#"options {{
            directory "{here}"; managed-keys-directory "{here}"; session-keyfile "{here}/session.key"; pid-file none;
            listen-on {{ {}}}; listen-on-v6 {{ {}}};
            recursion no; allow-query {{ any; }}; dnssec-validation no;
        }};
        controls {{ }};
        zone "uplinks.test" {{ type primary; file "{here}/zone"; }};
        "#,
        all(0),
        all(1)
    );
    fs::write(files.join("configuration"), configuration)?;
    let zone =
        "$TTL 60\n@ IN SOA ns mail 1 60 60 60 60\n@ IN NS ns\nns IN A 192.0.2.53\nwww IN A 192.0.2.80\n";
    fs::write(files.join("zone"), zone)?;
    start(lab, 53, files, r#"exec named -g -n 1 -c "$1/configuration""#)
}

/// What it writes to is a file system of its own, so that it never meets one of the machine's; nor does it ask the machine's
/// name servers who its clients are.
fn smtpd(lab: &Lab) -> Result<Server> {
    needs("smtpd", "opensmtpd")?;
    if fs::read_to_string("/proc/self/uid_map")?.split_whitespace().nth(2) == Some("1") {
        return Err(Stop::Skip(
            "smtpd becomes other users, and there are none in an ordinary user's namespace".into(),
        ));
    }
    let files = directory("smtpd")?;
    let mut configuration = String::new();
    for address in lab.lines.iter().flat_map(|line| line.address) {
        configuration += &format!("listen on \"{address}\" port 25 hostname \"mail.uplinks.test\"\n");
    }
    configuration += "action \"keep\" maildir \"/var/spool/kept\" user root\n";
    configuration += "match from any for domain \"uplinks.test\" action \"keep\"\n";
    fs::write(files.join("configuration"), configuration)?;
    fs::write(files.join("resolv.conf"), "nameserver 127.0.0.1\n")?;
    let command = r#"exec unshare --mount sh -ec '
        mount -t tmpfs none /var/spool
        mount -t tmpfs none /run
        mount --bind "$1/resolv.conf" /etc/resolv.conf
        exec smtpd -d -f "$1/configuration"' sh "$1""#;
    start(lab, 25, files, command)
}

/// A question for www.uplinks.test, and what must be in its answer.
const QUESTION: &[u8] = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x03www\x07uplinks\x04test\0\0\x01\0\x01";
const ANSWER: [u8; 4] = [192, 0, 2, 80];

fn is_answer(message: &[u8]) -> io::Result<()> {
    let is = message.starts_with(&QUESTION[..2]) && message.windows(4).any(|part| part == ANSWER);
    is.then_some(()).ok_or_else(|| io::Error::other(format!("no answer: {message:x?}")))
}

/// The socket is connected: an answer from another address never gets to it.
fn lookup(from: IpAddr, to: IpAddr) -> io::Result<()> {
    let socket = UdpSocket::bind((from, 0))?;
    socket.connect((to, 53))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(QUESTION)?;
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer)?;
    is_answer(answer.get(..length).unwrap_or_default())
}

fn connect(to: IpAddr, port: u16, patience: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((to, port)), PATIENCE)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

fn lookup_tcp(to: IpAddr) -> io::Result<()> {
    let mut stream = connect(to, 53, PATIENCE)?;
    let length = u16::try_from(QUESTION.len()).unwrap_or(u16::MAX).to_be_bytes();
    stream.write_all(&[&length, QUESTION].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut answer)?;
    is_answer(&answer)
}

fn mail(to: IpAddr) -> io::Result<()> {
    // It may look for the client's name first.
    let stream = connect(to, 25, Duration::from_secs(3))?;
    let (mut lines, mut writer) = (BufReader::new(stream.try_clone()?).take(64 << 10), stream);
    let mut expect = |code: &str| {
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            // A minus behind the code: there is more.
            if line.as_bytes().get(3) != Some(&b'-') {
                break;
            }
            line.clear();
        }
        line.starts_with(code)
            .then_some(())
            .ok_or_else(|| io::Error::other(format!("{line:?} and not {code}")))
    };
    expect("220")?;
    for (said, code) in [
        ("HELO client.test", "250"),
        ("MAIL FROM:<somebody@client.test>", "250"),
        ("RCPT TO:<root@uplinks.test>", "250"),
        ("DATA", "354"),
        ("Subject: uplinks\r\n\r\nOver each of them.\r\n.", "250"),
        ("QUIT", "221"),
    ] {
        writer.write_all(format!("{said}\r\n").as_bytes())?;
        expect(code)?;
    }
    Ok(())
}

fn answered(
    server: fn(&Lab) -> Result<Server>,
    ask: impl Fn(IpAddr, IpAddr) -> io::Result<()> + Sync,
) -> Outcome {
    let capacities = [(Rate::mbit(100), Rate::mbit(100)); 2];
    let lab = Lab::build(&capacities)?;
    let _server = server(&lab)?;
    let ask = |line: usize, family: usize| {
        let (from, to) = (SERVER[family], lab.lines[line].address[family]);
        lab.internet.run(|| Ok(ask(from, to)?))
    };
    // The control: its provider drops the answers that leave by the one default route.
    for family in 0..2 {
        ask(0, family)?;
        assert!(ask(1, family).is_err(), "the second uplink's server is reached without anything of ours");
    }
    let gateway = lab.model(&capacities);
    let selector = Box::new(EmptierUplink::new(&gateway.uplinks));
    let running = Running::start(&lab, gateway, selector)?;
    for (line, family) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        ask(line, family)
            .map_err(|why| format!("line {line}, family {family}: {why:?}: {:#?}", running.told()))?;
    }
    Ok(())
}
