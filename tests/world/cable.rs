use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use panel_driver::clock;

use super::deadline;

/// The cable between daemon and panel, with somebody who pulls it: a TCP relay that counts, listens, injects and cuts.
#[derive(Clone)]
pub(crate) struct Cable {
    pub(crate) addr: SocketAddr,
    panel: SocketAddr,
    shared: Arc<(Mutex<State>, Condvar)>,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToPanel,
    FromPanel,
}

#[derive(Default)]
struct State {
    connections: usize,
    /// The present connection's ends: at the daemon, at the panel.
    ends: Option<(TcpStream, TcpStream)>,
    unplugged: bool,
    to_panel: Vec<u8>,
    from_panel: Vec<u8>,
    cut: Option<Cut>,
}

/// Where the cable is to break: right after the first `keep` bytes of `text`.
struct Cut {
    direction: Direction,
    text: Vec<u8>,
    keep: usize,
}

impl Cable {
    pub(crate) fn to(panel: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let cable = Self { addr, panel, shared: Arc::default() };
        let here = cable.clone();
        std::thread::spawn(move || {
            for daemon in listener.incoming().flatten() {
                here.connect(daemon);
            }
        });
        cable
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }

    fn connect(&self, daemon: TcpStream) {
        let mut state = self.lock();
        state.connections += 1;
        self.shared.1.notify_all();
        if state.unplugged {
            return; // dropped: the daemon sees its connection end at once
        }
        let Ok(panel) = TcpStream::connect(self.panel) else { return };
        daemon.set_nodelay(true).unwrap();
        panel.set_nodelay(true).unwrap();
        state.ends = Some((daemon.try_clone().unwrap(), panel.try_clone().unwrap()));
        drop(state);
        self.relay(Direction::ToPanel, daemon.try_clone().unwrap(), panel.try_clone().unwrap());
        self.relay(Direction::FromPanel, panel, daemon);
    }

    fn relay(&self, direction: Direction, mut from: TcpStream, mut to: TcpStream) {
        let here = self.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                let (pass, cut) = here.lock().take(direction, &buffer[..n]);
                here.shared.1.notify_all();
                if to.write_all(&buffer[..pass]).is_err() || cut {
                    break;
                }
            }
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }

    /// Breaks the present connection.
    pub(crate) fn cut(&self) {
        if let Some((daemon, panel)) = self.lock().ends.take() {
            let _ = daemon.shutdown(Shutdown::Both);
            let _ = panel.shutdown(Shutdown::Both);
        }
    }

    /// Breaks the connection once `text` passes, after `keep` bytes of it, and stays unplugged.
    pub(crate) fn cut_within(&self, direction: Direction, text: &str, keep: usize) {
        self.lock().cut = Some(Cut { direction, text: text.into(), keep });
    }

    /// Waits until the cut of [`Self::cut_within`] has happened.
    pub(crate) fn wait_cut(&self) {
        self.wait("the cable to be cut", |state| state.cut.is_none());
    }

    /// Pulls the cable: connections end at once, until it is plugged in again.
    pub(crate) fn unplug(&self) {
        self.lock().unplugged = true;
        self.cut();
    }

    pub(crate) fn plug_in(&self) {
        self.lock().unplugged = false;
    }

    /// Puts bytes on the wire that the panel did not send.
    pub(crate) fn inject(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.ends.as_mut().expect("connected").0.write_all(bytes).unwrap();
    }

    /// How often somebody connected.
    pub(crate) fn connections(&self) -> usize {
        self.lock().connections
    }

    /// Waits until somebody connected more often than `before`.
    pub(crate) fn wait_connection(&self, before: usize) {
        self.wait("a connection", |state| state.connections > before);
    }

    /// All that was sent that way so far, as text.
    pub(crate) fn sent(&self, direction: Direction) -> String {
        String::from_utf8_lossy(self.lock().bytes(direction)).into_owned()
    }

    /// Waits until `text` was sent that way.
    pub(crate) fn wait_sent(&self, direction: Direction, text: &str) {
        let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|w| w == text.as_bytes());
        self.wait(text, |state| holds(state.bytes(direction)));
    }

    fn wait(&self, what: &str, mut enough: impl FnMut(&mut State) -> bool) {
        let end = clock::now() + deadline();
        let mut state = self.lock();
        while !enough(&mut state) {
            let left = end.saturating_duration_since(clock::now());
            assert!(!left.is_zero(), "the cable saw no sign of {what}");
            state = self.shared.1.wait_timeout(state, left).unwrap().0;
        }
    }
}

impl State {
    fn bytes(&mut self, direction: Direction) -> &mut Vec<u8> {
        match direction {
            Direction::ToPanel => &mut self.to_panel,
            Direction::FromPanel => &mut self.from_panel,
        }
    }

    /// How many of these bytes pass, and whether the cable breaks after them.
    fn take(&mut self, direction: Direction, bytes: &[u8]) -> (usize, bool) {
        let before = self.bytes(direction).len();
        self.bytes(direction).extend_from_slice(bytes);
        let Some(cut) = self.cut.take_if(|cut| cut.direction == direction) else { return (bytes.len(), false) };
        // The text may have begun in bytes that passed before.
        let from = before.saturating_sub(cut.text.len());
        let found = self.bytes(direction)[from..].windows(cut.text.len()).position(|w| w == cut.text);
        let Some(place) = found else {
            self.cut = Some(cut);
            return (bytes.len(), false);
        };
        self.unplugged = true;
        let pass = (from + place + cut.keep).saturating_sub(before).min(bytes.len());
        let kept = before + pass;
        self.bytes(direction).truncate(kept);
        (pass, true)
    }
}
