//! The pull of 48 users over a serial line, beside what the line's speed and the panel's own turns allow.
//!
//! ```text
//!   daemon ── pty ── tap ── pty ── simulator, which gives each byte its time on the line
//! ```
//!
//! The panel sends a frame, waits until it is acknowledged, and only then sends the next one: nothing overlaps. So the
//! time of a pull is the sum of its bytes' time on the line, the panel's own pauses, and the time that the driver
//! takes from a frame to its acknowledgement. The tap sees the last one, tap and ptys included.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use serialport::{SerialPort, TTYPort};

use crate::figures::Sample;
use crate::house::{Daemon, Tools, launch, secret, wait_until};

const PANEL: &str = "visonic-1";
const USERS: usize = 48;
/// The question for settings (B0 35), which the users of a PowerMaster are.
const QUESTION: [u8; 3] = [0xB0, 0x01, 0x35];
/// Start bit, eight data bits, stop bit.
const BITS: f64 = 10.0;

/// All pulls at one speed, times in milliseconds.
pub(crate) struct Pulls {
    /// From the question's first byte to the answer's last one.
    pub(crate) took: Sample,
    /// Of these, the bytes' time on the line.
    pub(crate) wire: Sample,
    /// The panel's pauses before it answers.
    pub(crate) panel: Sample,
    /// The share of the time that is not ours, in percent.
    pub(crate) share: Sample,
    /// From the start of the command line to its end.
    pub(crate) command: Sample,
    /// To the panel and from it, in one pull.
    pub(crate) bytes: (usize, usize),
}

/// Some bytes, whole frames as a rule, as they passed the tap.
struct Passed {
    at: Instant,
    to_panel: bool,
    bytes: Vec<u8>,
}

type Tape = Arc<Mutex<Vec<Passed>>>;

/// Has the users read so often at this speed.
pub(crate) fn pulls(tools: &Tools, broker: SocketAddr, baud: u32, rounds: usize) -> Result<Pulls> {
    let folder = tools.folder.join(format!("pull-{baud}"));
    std::fs::create_dir_all(&folder)?;
    let pty = folder.join("panel");
    let (more, speed) = ((USERS - 1).to_string(), format!("baud={baud}"));
    let panel = ["simulate", "visonic", "--users", &more, "--partitions", "2", "--set", &speed, "--pty"];
    let _simulator = launch(tools, panel.map(Into::into).into_iter().chain([pty.clone().into_os_string()]))?;
    let (line, tape) = tap(&pty)?;
    let device = line.name().context("a pty without a name")?;
    let daemon = Daemon::start_as(&tools.simulator, &folder, &config(&folder, broker, &device, baud)?)?;
    wait_until("the panel's users are read", Duration::from_secs(90), || Ok(known_users(&daemon)? == USERS))?;
    let mut measured = Vec::new();
    for _ in 0..rounds {
        // The gap behind an earlier command is not the pull's.
        thread::sleep(Duration::from_millis(500));
        lock(&tape).clear();
        let began = Instant::now();
        daemon.ask(&["users", PANEL, "refresh"])?;
        let command = began.elapsed();
        measured.extend(Pull::of(&lock(&tape), baud, command));
    }
    ensure!(known_users(&daemon)? == USERS, "not all users are known");
    // A keep-alive in between makes a pull longer.
    let least = measured.iter().map(|pull| pull.bytes).min().context("no pull was seen")?;
    measured.retain(|pull| pull.bytes == least);
    let of = |value: fn(&Pull) -> f64| Sample::new(measured.iter().map(value).collect());
    Ok(Pulls {
        took: of(|pull| pull.took),
        wire: of(|pull| pull.wire),
        panel: of(|pull| pull.took - pull.wire - pull.ours),
        share: of(|pull| 100.0 * (pull.took - pull.ours) / pull.took),
        command: of(|pull| pull.command),
        bytes: least,
    })
}

/// One pull, times in milliseconds.
struct Pull {
    took: f64,
    wire: f64,
    ours: f64,
    command: f64,
    bytes: (usize, usize),
}

impl Pull {
    fn of(tape: &[Passed], baud: u32, command: Duration) -> Option<Self> {
        let asks = |passed: &Passed| passed.to_panel && passed.bytes.windows(3).any(|bytes| bytes == QUESTION);
        let from = tape.iter().position(asks)?;
        let last = tape.iter().rposition(|passed| !passed.to_panel)?;
        let pull = tape.get(from..=last)?;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let turns = pull.iter().zip(pull.iter().skip(1)).filter(|(_, then)| then.to_panel);
        let ours = turns.map(|(heard, then)| ms(then.at.saturating_duration_since(heard.at))).sum();
        let bytes = |to_panel| pull.iter().filter(|p| p.to_panel == to_panel).map(|p| p.bytes.len()).sum::<usize>();
        let bytes = (bytes(true), bytes(false));
        let wire = (bytes.0 + bytes.1) as f64 * BITS * 1e3 / f64::from(baud);
        let took = ms(pull.last()?.at.saturating_duration_since(pull.first()?.at));
        Some(Self { took, wire, ours, command: ms(command), bytes })
    }
}

/// Joins the simulator's pty with one of our own, for the daemon, and writes down what passes.
fn tap(panel: &Path) -> Result<(TTYPort, Tape)> {
    let panel = serialport::new(panel.to_string_lossy(), 9600).open_native()?;
    let (ours, line) = TTYPort::pair()?;
    let tape = Tape::default();
    for (mut from, mut to, to_panel) in
        [(ours.try_clone_native()?, panel.try_clone_native()?, true), (panel, ours, false)]
    {
        from.set_timeout(Duration::from_secs(1))?;
        let tape = Arc::clone(&tape);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = match from.read(&mut buffer) {
                    Ok(read) => buffer.get(..read).unwrap_or_default(),
                    Err(error) if error.kind() == ErrorKind::TimedOut => continue,
                    Err(_) => return,
                };
                lock(&tape).push(Passed { at: Instant::now(), to_panel, bytes: read.to_vec() });
                if to.write_all(read).is_err() {
                    return;
                }
            }
        });
    }
    Ok((line, tape))
}

fn lock(tape: &Tape) -> MutexGuard<'_, Vec<Passed>> {
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Users that the daemon reports a code of.
fn known_users(daemon: &Daemon) -> Result<usize> {
    let page = daemon.ask(&["users", PANEL, "list", "--size", "50"])?;
    let rows = page.get("rows").and_then(Value::as_array).context("a page of users")?;
    Ok(rows.iter().filter(|row| row.get("code_state") == Some(&Value::from("set"))).count())
}

fn config(folder: &Path, broker: SocketAddr, device: &str, baud: u32) -> Result<String> {
    let (data, socket, master) = (folder.join("data"), folder.join("api.sock"), secret(folder, "master", "1111")?);
    Ok(format!(
        "[gateway]\nid = \"bench\"\ndata_dir = {data:?}\nsocket = {socket:?}\n\n[cloud]\nurl = \"mqtt://{broker}\"\n\n\
         [[panel]]\nid = \"{PANEL}\"\nvendor = \"visonic\"\ncredentials = {{ master_code = {{ file = {master:?} }} }}\n\
         [panel.visonic]\nmodel = \"PowerMaster 30\"\npartitions = [1, 2]\ndevice = \"{device}\"\nbaud = {baud}\n"
    ))
}
