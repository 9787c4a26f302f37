//! How connections do while something happens to their uplink: how long new ones do not work, and what becomes of old ones.

use crate::common::is_slow;
use crate::lab::{Host, Lab, Result, SERVER};
use crate::traffic::{tcp_seen_as, until, End, Talk, ECHO, PATIENCE};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{channel, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How soon new connections work again after something that the kernel tells, and after something that only probes find.
pub const BY_EVENT: Duration = Duration::from_millis(500);
pub const BY_PROBE: Duration = Duration::from_secs(2);

/// From one attempt to the next: they do not wait for each other, or a lost one would hide when the next one works.
fn step() -> Duration {
    Duration::from_millis(if is_slow() { 250 } else { 25 })
}

/// How long something that takes no time may take.
fn limit(seconds: u64) -> Duration {
    Duration::from_secs(if is_slow() { 5 * seconds } else { seconds })
}

/// How long it takes from now until a new connection of the LAN is seen as one of these addresses: for each address, with its server.
pub fn works_again(lab: &Lab, wanted: &[(IpAddr, IpAddr)]) -> Result<Vec<Duration>> {
    let start = Instant::now();
    thread::scope(|scope| {
        let waiting =
            wanted.iter().map(|(server, seen)| scope.spawn(|| attempts(&lab.lan, *server, *seen, start)));
        // All are started before any is waited for.
        let waiting: Vec<_> = waiting.collect();
        waiting
            .into_iter()
            .map(|one| one.join().unwrap_or_else(|_| Err("a thread panicked".into())))
            .collect()
    })
}

fn attempts(from: &Host, server: IpAddr, wanted: IpAddr, start: Instant) -> Result<Duration> {
    let (works, first) = channel();
    while start.elapsed() < Duration::from_secs(10) {
        let (host, works) = (from.again()?, works.clone());
        thread::spawn(move || {
            let begun = start.elapsed();
            if tcp_seen_as(&host, server).is_ok_and(|seen| seen == wanted) {
                let _ = works.send(begun);
            }
        });
        match first.recv_timeout(step()) {
            Ok(begun) => return Ok(begun),
            Err(RecvTimeoutError::Timeout) => (),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Err(format!("no new connection to {server} was seen as {wanted} within 10 s").into())
}

/// What [`works_again`] is asked for: connections of both families by this line.
pub fn by_line(lab: &Lab, line: usize) -> [(IpAddr, IpAddr); 2] {
    [0, 1].map(|family| (SERVER[family], lab.lines[line].address[family]))
}

/// Says how long new connections did not work, and holds it against a bound where the machine is fast.
pub fn judge(what: &str, took: &[Duration], bound: Duration) {
    let millis: Vec<_> = took.iter().map(Duration::as_millis).collect();
    println!("{what}: new connections worked again after {millis:?} ms");
    assert!(is_slow() || took.iter().all(|took| *took < bound), "{what}: {took:?}, not within {bound:?}");
}

/// Old connections of the LAN over one line: TCP and UDP, IPv4 and IPv6.
pub struct Old {
    tcp: [Talk; 2],
    pub udp: [Questions; 2],
}

impl Old {
    pub fn open(lab: &Lab, line: usize) -> Result<Old> {
        let [v4, v6] = SERVER;
        let old = Old {
            tcp: [Talk::open(&lab.lan, v4)?, Talk::open(&lab.lan, v6)?],
            udp: [Questions::open(&lab.lan, v4)?, Questions::open(&lab.lan, v6)?],
        };
        let here = |family: usize| {
            let (tcp, udp) = (&old.tcp[family], &old.udp[family]);
            let address = lab.lines[line].address[family];
            tcp.seen_as == address && udp.last().is_some_and(|(seen, _)| seen == address)
        };
        until(limit(2), || here(0) && here(1))?;
        Ok(old)
    }

    /// Waits until those of TCP are reset, and those of UDP go on over another line.
    pub fn end(&self, lab: &Lab, line: usize) -> Result<()> {
        until(limit(3), || self.tcp.iter().all(|talk| talk.end().is_some()))
            .map_err(|_| "old connections hang")?;
        let ends: Vec<_> = self.tcp.iter().map(Talk::end).collect();
        assert_eq!(ends, [Some(End::Reset); 2], "IPv4, IPv6");
        self.moves(lab, line)
    }

    /// Waits until those of UDP are seen as this line's.
    pub fn moves(&self, lab: &Lab, line: usize) -> Result<()> {
        let at = |family: usize| {
            let seen = self.udp[family].last();
            seen.is_some_and(|(seen, _)| seen == lab.lines[line].address[family])
        };
        until(limit(3), || at(0) && at(1)).map_err(|_| {
            let last: Vec<_> = self.udp.iter().map(Questions::last).collect();
            format!("questions of old sockets are not answered over line {line}: {last:?}")
        })?;
        Ok(())
    }

    /// Waits until all have either ended by a reset or been answered again: nothing hangs.
    pub fn live_or_end(&self) -> Result<()> {
        let (answers, start) = (self.tcp.each_ref().map(Talk::answers), Instant::now());
        let goes_on =
            |(talk, before): (&Talk, &u64)| talk.answers() > *before || talk.end() == Some(End::Reset);
        let asked = |questions: &Questions| questions.last().is_some_and(|(_, when)| when > start);
        until(limit(3), || self.tcp.iter().zip(&answers).all(goes_on) && self.udp.iter().all(asked))
            .map_err(|_| "old connections hang")?;
        Ok(())
    }
}

/// A UDP socket that asks the server every 50 ms how it sees it, until it is dropped.
pub struct Questions {
    last: Arc<Mutex<Option<(IpAddr, Instant)>>>,
    stop: Arc<AtomicBool>,
}

impl Questions {
    pub fn open(from: &Host, server: IpAddr) -> Result<Questions> {
        let any: IpAddr =
            if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = from.run(|| {
            let socket = UdpSocket::bind((any, 0))?;
            socket.connect((server, ECHO))?;
            socket.set_read_timeout(Some(Duration::from_millis(50)))?;
            Ok(socket)
        })?;
        let questions = Questions { last: Arc::default(), stop: Arc::default() };
        let (last, stop) = (Arc::clone(&questions.last), Arc::clone(&questions.stop));
        thread::spawn(move || {
            while !stop.load(Relaxed) {
                let asked = Instant::now();
                let mut seen = [0; 16];
                // What is refused for a moment is asked again.
                let answer = socket.send(b"who am I?").and_then(|_| socket.recv(&mut seen));
                if answer.is_ok_and(|length| length == seen.len()) {
                    let seen = (Ipv6Addr::from(seen).to_canonical(), Instant::now());
                    *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
                }
                thread::sleep(Duration::from_millis(50).saturating_sub(asked.elapsed()));
            }
        });
        let is_answered = || questions.last().is_some();
        until(PATIENCE * 4, is_answered).map_err(|_| format!("{server} does not answer"))?;
        Ok(questions)
    }

    /// How the server saw it in the last answer, and when that came.
    pub fn last(&self) -> Option<(IpAddr, Instant)> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}
