//! Real traffic: servers that say how they see their clients, connections that stay, downloads. Everything is bounded in time.

use crate::lab::{Host, Result};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Says how it sees its client, and then all that it is told.
pub const ECHO: u16 = 7;
/// Says how it sees its client, and then sends as fast as it can.
pub const DOWNLOAD: u16 = 80;

/// How long an answer may take before it counts as none.
pub const PATIENCE: Duration = Duration::from_millis(500);
/// How long a running connection may stand still before it counts as dead.
const STANDSTILL: Duration = Duration::from_secs(4);

/// Serves TCP at both ports and UDP at `ECHO` of this address, until the process ends.
pub fn serve(host: &Host, address: IpAddr) -> Result<()> {
    for port in [ECHO, DOWNLOAD] {
        let listener = host.run(|| Ok(TcpListener::bind((address, port))?))?;
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                thread::spawn(move || answer(connection, port));
            }
        });
    }
    let socket = host.run(|| Ok(UdpSocket::bind((address, ECHO))?))?;
    thread::spawn(move || {
        while let Ok((_, from)) = socket.recv_from(&mut [0; 1500]) {
            let _ = socket.send_to(&written(from.ip()), from);
        }
    });
    Ok(())
}

fn written(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

fn read(bytes: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(bytes).to_canonical()
}

fn answer(mut stream: TcpStream, port: u16) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_write_timeout(Some(STANDSTILL))?;
    stream.write_all(&written(stream.peer_addr()?.ip()))?;
    let mut buffer = [0; 16 << 10];
    loop {
        let length = if port == DOWNLOAD { buffer.len() } else { stream.read(&mut buffer)? };
        if length == 0 {
            return Ok(());
        }
        stream.write_all(buffer.get(..length).unwrap_or_default())?;
    }
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

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was reset.
    Reset,
    /// Nothing came for too long.
    Hung,
}

/// A connection that asks for a small answer again and again, in a thread of its own, until it is dropped.
pub struct Talk {
    pub seen_as: IpAddr,
    stream: TcpStream,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    answers: AtomicU64,
    bytes: AtomicU64,
    reset: AtomicBool,
    hung: AtomicBool,
}

impl Talk {
    pub fn open(from: &Host, to: IpAddr) -> Result<Talk> {
        Talk::begin(from, (to, ECHO).into(), |stream, state| {
            stream.write_all(&[0; 64])?;
            stream.read_exact(&mut [0; 64])?;
            state.answers.fetch_add(1, Relaxed);
            thread::sleep(Duration::from_millis(50));
            Ok(())
        })
    }

    pub fn download(from: &Host, to: IpAddr) -> Result<Talk> {
        let mut buffer = vec![0; 64 << 10];
        Talk::begin(from, (to, DOWNLOAD).into(), move |stream, state| match stream.read(&mut buffer)? {
            0 => Err(ErrorKind::ConnectionReset.into()),
            length => {
                state.bytes.fetch_add(length as u64, Relaxed);
                Ok(())
            }
        })
    }

    fn begin(
        from: &Host,
        to: SocketAddr,
        mut work: impl FnMut(&mut TcpStream, &State) -> io::Result<()> + Send + 'static,
    ) -> Result<Talk> {
        let (mut stream, seen_as) = connect(from, to)?;
        stream.set_read_timeout(Some(STANDSTILL))?;
        stream.set_write_timeout(Some(STANDSTILL))?;
        let talk = Talk { seen_as, stream: stream.try_clone()?, state: Arc::default() };
        let state = Arc::clone(&talk.state);
        thread::spawn(move || loop {
            if let Err(error) = work(&mut stream, &state) {
                let hung = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                let ended = if hung { &state.hung } else { &state.reset };
                return ended.store(true, Relaxed);
            }
        });
        Ok(talk)
    }

    /// How many answers came.
    pub fn answers(&self) -> u64 {
        self.state.answers.load(Relaxed)
    }

    /// How many bytes came.
    pub fn bytes(&self) -> u64 {
        self.state.bytes.load(Relaxed)
    }

    /// Whether and how it ended.
    pub fn end(&self) -> Option<End> {
        let State { reset, hung, .. } = &*self.state;
        match (reset.load(Relaxed), hung.load(Relaxed)) {
            (true, _) => Some(End::Reset),
            (_, true) => Some(End::Hung),
            _ => None,
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
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
