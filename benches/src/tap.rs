//! A relay between simulator and driver: stamps every line that the panel sends, and can hold lines back to let them
//! go in one burst, so that a burst is as fast as the line and not as the simulator.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// One line of the panel, just before its last byte went to the driver.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) at: Instant,
    pub(crate) text: String,
}

#[derive(Default)]
struct State {
    lines: Vec<Line>,
    /// Lines wait here while the gate is shut.
    held: Vec<String>,
    is_shut: bool,
    driver: Option<TcpStream>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Tap {
    shared: Arc<Shared>,
    /// Where the driver has to connect.
    pub(crate) address: SocketAddr,
}

impl Tap {
    /// Serves one connection after the other.
    pub(crate) fn open(simulator: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            for driver in listener.incoming().flatten() {
                // The next driver finds us again whatever became of this one.
                let _ = relay(&driver, simulator, &theirs);
            }
        });
        Ok(Self { shared, address })
    }

    /// From now on lines are held back.
    pub(crate) fn shut(&self) {
        self.shared.lock().is_shut = true;
    }

    /// Waits until `count` lines that `wanted` likes are held back.
    pub(crate) fn wait_held(&self, count: usize, limit: Duration, wanted: impl Fn(&str) -> bool) -> bool {
        let until = Instant::now() + limit;
        let mut state = self.shared.lock();
        loop {
            if state.held.len() >= count && state.held.iter().filter(|line| wanted(line)).count() >= count {
                return true;
            }
            let wait = until.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return false;
            }
            let wait = wait.min(Duration::from_millis(20));
            (state, _) = self.shared.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets everything go at once; tells when it began.
    pub(crate) fn release(&self) -> Result<Instant> {
        let mut state = self.shared.lock();
        state.is_shut = false;
        let held = std::mem::take(&mut state.held);
        let bytes = held.concat();
        let at = Instant::now();
        state.lines.extend(held.into_iter().map(|text| Line { at, text }));
        if let Some(driver) = &mut state.driver {
            driver.write_all(bytes.as_bytes())?;
        }
        Ok(at)
    }

    /// Takes the stamped lines so far.
    pub(crate) fn take(&self) -> Vec<Line> {
        std::mem::take(&mut self.shared.lock().lines)
    }
}

fn relay(driver: &TcpStream, simulator: SocketAddr, shared: &Arc<Shared>) -> Result<()> {
    let panel = TcpStream::connect(simulator)?;
    driver.set_nodelay(true)?;
    panel.set_nodelay(true)?;
    shared.lock().driver = Some(driver.try_clone()?);
    let (mut from_driver, mut to_panel) = (driver.try_clone()?, panel.try_clone()?);
    let upward = thread::spawn(move || {
        let _ = std::io::copy(&mut from_driver, &mut to_panel);
        let _ = to_panel.shutdown(Shutdown::Both);
    });
    let mut from_panel = BufReader::new(panel);
    let mut line = Vec::new();
    while matches!(from_panel.read_until(b'\n', &mut line), Ok(1..)) {
        let text = String::from_utf8_lossy(&line).into_owned();
        line.clear();
        let mut state = shared.lock();
        if state.is_shut {
            state.held.push(text);
            shared.changed.notify_all();
            continue;
        }
        let Some(to_driver) = &mut state.driver else { break };
        let at = Instant::now();
        if to_driver.write_all(text.as_bytes()).is_err() {
            break;
        }
        state.lines.push(Line { at, text });
    }
    let _ = driver.shutdown(Shutdown::Both);
    let _ = upward.join();
    shared.lock().driver = None;
    Ok(())
}
