//! Real traffic: servers, downloads, uploads, requests and answers. Everything is bounded in time, and a socket belongs to the
//! host it was opened in.

use crate::lab::{Host, SERVER};
use crate::Result;
use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Ports. What comes in at `UPLOAD` and `BULK` (rsync's: the nightly backup) is dropped, what asks at `ECHO` is answered.
pub const ECHO: u16 = 7;
pub const UPLOAD: u16 = 9;
pub const DOWNLOAD: u16 = 80;
pub const BULK: u16 = 873;

/// What marks a packet as interactive: DSCP EF, in the place it has in the header.
pub const INTERACTIVE: u8 = 46 << 2;

/// How long an answer may take before it counts as none.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// How long a running flow may stand still before it counts as dead.
const STANDSTILL: Duration = Duration::from_secs(5);

/// Serves TCP at every port and UDP at `ECHO` of this address, until the process ends.
pub fn serve(host: &Host, address: Ipv4Addr) -> Result<()> {
    for port in [ECHO, UPLOAD, DOWNLOAD, BULK] {
        let listener = host.run(|| Ok(TcpListener::bind((address, port))?))?;
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                thread::spawn(move || answer(connection, port));
            }
        });
    }
    let socket = host.run(|| Ok(UdpSocket::bind((address, ECHO))?))?;
    thread::spawn(move || {
        let mut packet = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let _ = socket.send_to(packet.get(..length).unwrap_or_default(), from);
        }
    });
    Ok(())
}

/// One connection: first the server says where it sees the client, which tells the uplink, then it does what its port is for.
fn answer(mut stream: TcpStream, port: u16) -> io::Result<()> {
    let IpAddr::V4(client) = stream.peer_addr()?.ip() else { return Ok(()) };
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(STANDSTILL))?;
    stream.set_write_timeout(Some(STANDSTILL))?;
    stream.write_all(&client.octets())?;
    let mut buffer = [0; 16 << 10];
    loop {
        let length = if port == DOWNLOAD { buffer.len() } else { stream.read(&mut buffer)? };
        if length == 0 {
            return Ok(());
        }
        if matches!(port, DOWNLOAD | ECHO) {
            stream.write_all(buffer.get(..length).unwrap_or_default())?;
        }
    }
}

/// Whether a TCP server at this address answers.
pub fn tcp_answers(from: &Host, address: Ipv4Addr) -> bool {
    from.run(|| {
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((address, ECHO)), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"hello")?;
        Ok(stream.read_exact(&mut [0; 9])?)
    })
    .is_ok()
}

/// Whether a UDP server at this address answers, from the address that was asked.
pub fn udp_answers(from: &Host, address: Ipv4Addr) -> bool {
    from.run(|| {
        let socket = UdpSocket::bind((SERVER, 0))?;
        socket.connect((address, ECHO))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.send(b"hello")?;
        Ok(socket.recv(&mut [0; 9])?)
    })
    .is_ok()
}

/// A TCP connection to the Internet with a thread that keeps it busy until it is dropped.
pub struct Flow {
    /// The address the server sees: that of the uplink which carries the flow.
    pub seen_as: Ipv4Addr,
    stream: TcpStream,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    bytes: AtomicU64,
    rounds: Mutex<Vec<Duration>>,
    dead: AtomicBool,
}

impl Flow {
    /// Takes in what the server sends as fast as it comes.
    pub fn download(from: &Host) -> Result<Flow> {
        Flow::open(from, DOWNLOAD, 0, |stream, counts| {
            let mut buffer = [0; 16 << 10];
            loop {
                match stream.read(&mut buffer)? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    length => counts.bytes.fetch_add(length as u64, Relaxed),
                };
            }
        })
    }

    /// Sends to this port as fast as it goes.
    pub fn upload(from: &Host, port: u16) -> Result<Flow> {
        Flow::open(from, port, 0, |stream, counts| loop {
            counts.bytes.fetch_add(stream.write(&[0; 4 << 10])? as u64, Relaxed);
        })
    }

    /// Asks for a small answer at every `interval`, as people at a terminal do, and measures how long it takes.
    pub fn dialogue(from: &Host, tos: u8, interval: Duration) -> Result<Flow> {
        Flow::open(from, ECHO, tos, move |stream, counts| loop {
            let asked = Instant::now();
            stream.write_all(&[0; 64])?;
            stream.read_exact(&mut [0; 64])?;
            counts.rounds.lock().unwrap_or_else(PoisonError::into_inner).push(asked.elapsed());
            thread::sleep(interval.saturating_sub(asked.elapsed()));
        })
    }

    fn open(
        from: &Host,
        port: u16,
        tos: u8,
        mut work: impl FnMut(&mut TcpStream, &Counts) -> io::Result<()> + Send + 'static,
    ) -> Result<Flow> {
        let mut stream = from.run(|| Ok(TcpStream::connect_timeout(&(SERVER, port).into(), STANDSTILL)?))?;
        setsockopt(&stream, sockopt::Ipv4Tos, &tos.into())?;
        // What is not sent yet when the flow ends shall not disturb the next measurement.
        setsockopt(&stream, sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 })?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(STANDSTILL))?;
        stream.set_write_timeout(Some(STANDSTILL))?;
        let mut seen_as = [0; 4];
        stream.read_exact(&mut seen_as)?;
        let flow = Flow { seen_as: seen_as.into(), stream: stream.try_clone()?, counts: Arc::default() };
        let counts = Arc::clone(&flow.counts);
        thread::spawn(move || {
            let end = work(&mut stream, &counts);
            counts.dead.store(end.is_err(), Relaxed);
        });
        Ok(flow)
    }

    /// Bytes carried so far.
    pub fn bytes(&self) -> u64 {
        self.counts.bytes.load(Relaxed)
    }

    /// How long the answers since the last call took, in ascending order.
    pub fn take_rounds(&self) -> Vec<Duration> {
        let mut rounds =
            std::mem::take(&mut *self.counts.rounds.lock().unwrap_or_else(PoisonError::into_inner));
        rounds.sort();
        rounds
    }

    /// Whether the connection broke, or stood still for too long.
    pub fn is_dead(&self) -> bool {
        self.counts.dead.load(Relaxed)
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        // Its thread is waiting in a read or a write, which this ends.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
