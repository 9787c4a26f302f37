//! Real traffic: servers that say how they see their clients, connections that stay, downloads and uploads. Everything is bounded in
//! time, and a socket belongs to the host that it was opened in.

#![allow(dead_code, reason = "not every program uses all of it")]

mod server;
mod talk;

pub use server::serve;
pub use talk::{End, Talk};

use crate::lab::{Host, Result};
use std::io::Read;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

/// Says how it sees its client, and then all that it is told.
pub const ECHO: u16 = 7;
/// Says how it sees its client, and then drops all that it is told.
pub const UPLOAD: u16 = 9;
/// Says how it sees its client, and then sends as fast as it can.
pub const DOWNLOAD: u16 = 80;

/// How long an answer may take before it counts as none.
pub const PATIENCE: Duration = Duration::from_millis(500);
/// How long a running connection may stand still before it counts as dead.
const STANDSTILL: Duration = Duration::from_secs(8);

fn written(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

fn read(bytes: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(bytes).to_canonical()
}

fn connect(from: &Host, to: SocketAddr) -> Result<(TcpStream, IpAddr)> {
    from.run(|| {
        let mut stream =
            TcpStream::connect_timeout(&to, PATIENCE).map_err(|error| format!("connect to {to}: {error}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut seen = [0; 16];
        stream.read_exact(&mut seen)?;
        Ok((stream, read(seen)))
    })
}

/// The address that a TCP server sees a new connection come from.
pub fn tcp_seen_as(from: &Host, to: IpAddr) -> Result<IpAddr> {
    connect(from, (to, ECHO).into()).map(|(_, seen)| seen)
}

/// The address that a UDP server sees a question come from; the answer comes from the address that was asked.
pub fn udp_seen_as(from: &Host, by: IpAddr, to: IpAddr) -> Result<IpAddr> {
    from.run(|| {
        let socket = UdpSocket::bind((by, 0))?;
        socket.connect((to, ECHO))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.send(b"who am I?")?;
        let mut seen = [0; 16];
        socket.recv(&mut seen)?;
        Ok(read(seen))
    })
}

/// A TCP connection that was tried.
pub struct Attempt {
    /// When it was begun, counted from the first one.
    pub begun: Duration,
    /// The address that the server saw it come from, if it was there.
    pub seen_as: Option<IpAddr>,
}

/// Tries a connection every 40 ms for as long as `window`, to one of these after the other. None waits for those before it.
pub fn attempts(from: &Host, to: &[IpAddr], window: Duration) -> Vec<Attempt> {
    let start = Instant::now();
    thread::scope(|scope| {
        let mut tried = Vec::new();
        for to in to.iter().cycle() {
            let begun = start.elapsed();
            if begun >= window {
                break;
            }
            tried.push((begun, scope.spawn(move || tcp_seen_as(from, *to).ok())));
            thread::sleep(Duration::from_millis(40));
        }
        let end = |(begun, attempt): (_, thread::ScopedJoinHandle<'_, _>)| Attempt {
            begun,
            seen_as: attempt.join().ok().flatten(),
        };
        tried.into_iter().map(end).collect()
    })
}

/// Waits until something holds, and says how long that took.
pub fn until(limit: Duration, mut holds: impl FnMut() -> bool) -> Result<Duration> {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > limit {
            return Err(format!("not within {limit:?}").into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(start.elapsed())
}
