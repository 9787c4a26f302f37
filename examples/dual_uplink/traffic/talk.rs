//! Connections that stay.

use super::{connect, DOWNLOAD, ECHO, STANDSTILL, UPLOAD};
use crate::lab::{Host, Result};
use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was reset.
    Reset,
    /// Nothing came for too long.
    Hung,
}

/// A connection that is kept busy in a thread of its own, until it is dropped.
pub struct Talk {
    /// The address that the server sees: that of the uplink which carries it.
    pub seen_as: IpAddr,
    stream: TcpStream,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    answers: AtomicU64,
    bytes: AtomicU64,
    /// How long the answers took.
    rounds: Mutex<Vec<Duration>>,
    reset: AtomicBool,
    hung: AtomicBool,
}

impl Talk {
    /// Asks for a small answer again and again.
    pub fn open(from: &Host, to: IpAddr) -> Result<Talk> {
        Talk::paced(from, to, 0, Duration::from_millis(50))
    }

    /// Asks for a small answer at every `interval`, as people at a terminal do, with this DSCP.
    pub fn paced(from: &Host, to: IpAddr, dscp: u8, interval: Duration) -> Result<Talk> {
        Talk::begin(from, (to, ECHO).into(), dscp, move |stream, state| {
            let asked = Instant::now();
            stream.write_all(&[0; 64])?;
            stream.read_exact(&mut [0; 64])?;
            state.answers.fetch_add(1, Relaxed);
            state.rounds().push(asked.elapsed());
            thread::sleep(interval.saturating_sub(asked.elapsed()));
            Ok(())
        })
    }

    /// Takes in what the server sends as fast as it comes.
    pub fn download(from: &Host, to: IpAddr) -> Result<Talk> {
        let mut buffer = vec![0; 64 << 10];
        Talk::begin(from, (to, DOWNLOAD).into(), 0, move |stream, state| match stream.read(&mut buffer)? {
            0 => Err(ErrorKind::ConnectionReset.into()),
            length => {
                state.bytes.fetch_add(length as u64, Relaxed);
                Ok(())
            }
        })
    }

    /// Sends as fast as it goes, with this DSCP.
    pub fn upload(from: &Host, to: IpAddr, dscp: u8) -> Result<Talk> {
        Talk::begin(from, (to, UPLOAD).into(), dscp, |stream, state| {
            state.bytes.fetch_add(stream.write(&[0; 4 << 10])? as u64, Relaxed);
            Ok(())
        })
    }

    fn begin(
        from: &Host,
        to: SocketAddr,
        dscp: u8,
        mut work: impl FnMut(&mut TcpStream, &State) -> io::Result<()> + Send + 'static,
    ) -> Result<Talk> {
        let (mut stream, seen_as) = connect(from, to)?;
        stream.set_read_timeout(Some(STANDSTILL))?;
        stream.set_write_timeout(Some(STANDSTILL))?;
        // The upper six bits.
        let tos = i32::from(dscp) << 2;
        match to {
            SocketAddr::V4(_) => setsockopt(&stream, sockopt::Ipv4Tos, &tos)?,
            SocketAddr::V6(_) => setsockopt(&stream, sockopt::Ipv6TClass, &tos)?,
        }
        // What is not sent yet when it is dropped shall not disturb the next measurement.
        setsockopt(&stream, sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 })?;
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

    /// How many bytes came, or went.
    pub fn bytes(&self) -> u64 {
        self.state.bytes.load(Relaxed)
    }

    /// How long the answers since the last call took, in ascending order.
    pub fn take_rounds(&self) -> Vec<Duration> {
        let mut rounds = std::mem::take(&mut *self.state.rounds());
        rounds.sort();
        rounds
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

impl State {
    fn rounds(&self) -> MutexGuard<'_, Vec<Duration>> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // Its thread is waiting in a read or a write, which this ends.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
